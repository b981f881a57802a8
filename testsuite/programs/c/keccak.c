// SHA3-256 (FIPS 202) over Keccak-f[1600].
#include "check.h"

static uint64_t rotl(uint64_t x, unsigned n) { return n == 0 ? x : x << n | x >> (64 - n); }

// A bit of the round constants, by the linear feedback shift register of FIPS 202, 3.2.5.
static unsigned constant_bit(uint8_t *lfsr) {
    unsigned bit = *lfsr & 1;
    *lfsr = (uint8_t)(*lfsr << 1 ^ (*lfsr & 0x80 ? 0x71 : 0));
    return bit;
}

static void permute(uint64_t lanes[25]) {
    uint8_t lfsr = 1;
    for (int round = 0; round < 24; round += 1) {
        uint64_t parity[5];
        for (int x = 0; x < 5; x += 1) {
            parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        }
        for (int x = 0; x < 5; x += 1) {
            uint64_t theta = parity[(x + 4) % 5] ^ rotl(parity[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5) {
                lanes[x + y] ^= theta;
            }
        }
        int x = 1, y = 0;
        uint64_t moved = lanes[1];
        for (unsigned t = 0; t < 24; t += 1) {
            int next = (2 * x + 3 * y) % 5;
            x = y;
            y = next;
            uint64_t kept = lanes[x + 5 * y];
            lanes[x + 5 * y] = rotl(moved, (t + 1) * (t + 2) / 2 % 64);
            moved = kept;
        }
        for (int row = 0; row < 25; row += 5) {
            uint64_t a[5];
            memcpy(a, lanes + row, sizeof a);
            for (int i = 0; i < 5; i += 1) {
                lanes[row + i] = a[i] ^ (~a[(i + 1) % 5] & a[(i + 2) % 5]);
            }
        }
        for (int j = 0; j < 7; j += 1) {
            lanes[0] ^= (uint64_t)constant_bit(&lfsr) << ((1 << j) - 1);
        }
    }
}

enum { RATE = 136 };

static void sha3_256(uint8_t digest[32], const uint8_t *message, size_t length) {
    uint64_t lanes[25] = {0};
    uint8_t *state = (uint8_t *)lanes;
    size_t at = 0;
    for (size_t i = 0; i < length; i += 1) {
        state[at++] ^= message[i];
        if (at == RATE) {
            permute(lanes);
            at = 0;
        }
    }
    state[at] ^= 0x06;
    state[RATE - 1] ^= 0x80;
    permute(lanes);
    memcpy(digest, state, 32);
}

enum { LENGTH = 200000 };
static uint8_t message[LENGTH];

int main(void) {
    uint8_t digest[32];
    sha3_256(digest, message, 0);
    CHECK(is_hex(digest, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"));
    sha3_256(digest, (const uint8_t *)"abc", 3);
    CHECK(is_hex(digest, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"));
    memset(message, 'a', LENGTH);
    sha3_256(digest, message, LENGTH);
    CHECK(is_hex(digest, "06049e9c58bf73e052e5cf8d11ffe7e725c7e8c4d49032530d2899ae25a074f7"));
    printf("keccak: SHA3-256 of %d times a: ", LENGTH);
    for (int i = 0; i < 32; i += 1) {
        printf("%02x", digest[i]);
    }
    printf("\n");
    return ended();
}
