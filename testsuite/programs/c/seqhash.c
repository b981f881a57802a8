// A sequence of hashes, each of all that came before it: SipHash-2-4 in a chain over a table.
#include "check.h"

static uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }

static void rounds(uint64_t v[4], int count) {
    for (int i = 0; i < count; i += 1) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

static uint64_t siphash(const uint64_t key[2], const uint8_t *bytes, size_t length) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
        key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    size_t whole = length / 8 * 8;
    uint64_t word = 0;
    for (size_t i = 0; i <= whole; i += 8) {
        if (i < whole) {
            memcpy(&word, bytes + i, 8);
        } else {
            word = (uint64_t)length << 56;
            for (size_t j = whole; j < length; j += 1) {
                word |= (uint64_t)bytes[j] << 8 * (j - whole);
            }
        }
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

enum { LENGTH = 700 };
static uint64_t sequence[LENGTH];

int main(void) {
    const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    uint8_t bytes[15];
    for (uint8_t i = 0; i < 15; i += 1) {
        bytes[i] = i;
    }
    // The vectors of the paper, and the first of the reference implementation.
    CHECK(siphash(key, bytes, 15) == 0xa129ca6149be45e5u);
    CHECK(siphash(key, bytes, 0) == 0x726fdb47dd0e0e31u);
    CHECK(siphash(key, bytes, 1) == 0x74f839c593dc67fdu);
    for (size_t i = 0; i < LENGTH; i += 1) {
        sequence[i] = siphash(key, (const uint8_t *)sequence, 8 * i);
    }
    uint64_t again = siphash(key, (const uint8_t *)sequence, 8 * (LENGTH - 1));
    CHECK(again == sequence[LENGTH - 1]);
    CHECK(again == 0x9d3571091d79490fu); // by reference.py
    printf("seqhash: hash %d is %016llx\n", LENGTH, (unsigned long long)again);
    return ended();
}
