// The permutation Gimli (Bernstein and others, 2017): 384 bits in 24 rounds.
#include "check.h"

static uint32_t rotl(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void swap(uint32_t *a, uint32_t *b) {
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void gimli(uint32_t state[12]) {
    for (uint32_t round = 24; round > 0; round -= 1) {
        for (int column = 0; column < 4; column += 1) {
            uint32_t x = rotl(state[column], 24);
            uint32_t y = rotl(state[4 + column], 9);
            uint32_t z = state[8 + column];
            state[8 + column] = x ^ z << 1 ^ (y & z) << 2;
            state[4 + column] = y ^ x ^ (x | z) << 1;
            state[column] = z ^ y ^ (x & y) << 3;
        }
        if (round % 4 == 0) {
            swap(&state[0], &state[1]);
            swap(&state[2], &state[3]);
            state[0] ^= 0x9e377900u | round;
        } else if (round % 4 == 2) {
            swap(&state[0], &state[2]);
            swap(&state[1], &state[3]);
        }
    }
}

// The vector of the paper.
static const uint32_t EXPECTED[12] = {
    0xba11c85a, 0x91bad119, 0x380ce880, 0xd24c2c68, 0x3eceffea, 0x277a921c,
    0x4f73a0bd, 0xda5a9cd8, 0x84b673f0, 0x34e52ff7, 0x9e2bef49, 0xf41bb8d6,
};

int main(void) {
    uint32_t state[12];
    for (uint32_t i = 0; i < 12; i += 1) {
        state[i] = i * i * i + i * 0x9e3779b9u;
    }
    gimli(state);
    CHECK(memcmp(state, EXPECTED, sizeof state) == 0);
    for (int i = 0; i < 30000; i += 1) {
        gimli(state);
    }
    printf("gimli: after 30001 permutations %08x %08x\n", state[0], state[11]);
    return ended();
}
