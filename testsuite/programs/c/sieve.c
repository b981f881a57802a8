// The sieve of Eratosthenes over bits.
#include "check.h"

enum { LIMIT = 1000000 };
static uint32_t composite[LIMIT / 32 + 1];

static uint32_t primes_below(uint32_t limit) {
    uint32_t primes = 0;
    memset(composite, 0, sizeof composite);
    for (uint32_t n = 2; n < limit; n += 1) {
        if (composite[n / 32] >> n % 32 & 1) {
            continue;
        }
        primes += 1;
        for (uint64_t multiple = (uint64_t)n * n; multiple < limit; multiple += n) {
            composite[multiple / 32] |= 1u << multiple % 32;
        }
    }
    return primes;
}

int main(void) {
    CHECK(primes_below(1000) == 168);
    CHECK(primes_below(100000) == 9592);
    uint32_t primes = primes_below(LIMIT);
    CHECK(primes == 78498);
    printf("sieve: %u primes below %d\n", primes, LIMIT);
    return ended();
}
