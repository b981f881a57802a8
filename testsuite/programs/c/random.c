// Two generators of random numbers: PCG32 by its published numbers, and a linear congruential one
// whose end a power of its step foretells.
#include "check.h"

static uint32_t pcg32(uint64_t *state, uint64_t sequence) {
    uint64_t old = *state;
    *state = old * 6364136223846793005u + sequence;
    uint32_t shifted = (uint32_t)((old >> 18 ^ old) >> 27);
    unsigned turn = (unsigned)(old >> 59);
    return shifted >> turn | shifted << (-turn & 31);
}

enum { MODULUS = 139968, FACTOR = 3877, SUMMAND = 29573, STEPS = 2000000 };

int main(void) {
    // The first numbers of pcg32-demo, of the seeds 42 and 54.
    static const uint32_t EXPECTED[6] = {
        0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e,
    };
    uint64_t state = 0, sequence = 54u << 1 | 1;
    pcg32(&state, sequence);
    state += 42;
    pcg32(&state, sequence);
    for (int i = 0; i < 6; i += 1) {
        CHECK(pcg32(&state, sequence) == EXPECTED[i]);
    }
    uint32_t mixed = 0;
    for (int i = 0; i < STEPS; i += 1) {
        mixed ^= pcg32(&state, sequence);
    }
    uint32_t last = 42;
    double mean = 0;
    for (int i = 0; i < STEPS; i += 1) {
        last = (last * FACTOR + SUMMAND) % MODULUS;
        mean += (double)last / MODULUS;
    }
    // The step x -> f*x + s, applied STEPS times by squaring.
    uint64_t factor = FACTOR, summand = SUMMAND, end = 42;
    for (unsigned left = STEPS; left > 0; left >>= 1) {
        if (left & 1) end = (factor * end + summand) % MODULUS;
        summand = (factor + 1) * summand % MODULUS;
        factor = factor * factor % MODULUS;
    }
    CHECK(last == end);
    printf("random: %u, mean %.6f, %08x\n", last, mean / STEPS, mixed);
    return ended();
}
