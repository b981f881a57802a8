// Six loops, one in the other.
#include "check.h"

int main(void) {
    uint32_t n = 14, arrivals = 0, sum = 0;
    OPAQUE(n);
    for (uint32_t a = 0; a < n; a += 1)
        for (uint32_t b = 0; b < n; b += 1)
            for (uint32_t c = 0; c < n; c += 1)
                for (uint32_t d = 0; d < n; d += 1)
                    for (uint32_t e = 0; e < n; e += 1)
                        for (uint32_t f = 0; f < n; f += 1) {
                            arrivals += 1;
                            sum += a ^ f;
                            OPAQUE(arrivals);
                        }
    uint32_t pairs = 0;
    for (uint32_t a = 0; a < n; a += 1)
        for (uint32_t f = 0; f < n; f += 1)
            pairs += a ^ f;
    CHECK(arrivals == n * n * n * n * n * n);
    CHECK(sum == pairs * n * n * n * n);
    printf("nestedloop: %u arrivals, sum %u\n", arrivals, sum);
    return ended();
}
