// Ackermann's function: deep recursion and nothing else.
#include "check.h"

static uint32_t ackermann(uint32_t m, uint32_t n) {
    if (m == 0) {
        return n + 1;
    }
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

int main(void) {
    uint32_t m = 3, n = 7;
    OPAQUE(m);
    OPAQUE(n);
    uint32_t result = ackermann(m, n);
    CHECK(result == 1021); // 2^(n + 3) - 3
    for (uint32_t i = 0; i < 150; i += 1) {
        CHECK(ackermann(2, i) == 2 * i + 3);
    }
    printf("ackermann: A(3, 7) = %u\n", result);
    return ended();
}
