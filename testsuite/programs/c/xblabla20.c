// BlaBla, which is ChaCha over words of 64 bits, with a nonce of 256 bits as in XChaCha20. There are
// no published vectors: an implementation in another language (reference.py) gives the hash.
#include "check.h"

static uint64_t rotr(uint64_t x, int n) { return x >> n | x << (64 - n); }

static void quarter(uint64_t s[16], int a, int b, int c, int d) {
    s[a] += s[b], s[d] = rotr(s[d] ^ s[a], 32);
    s[c] += s[d], s[b] = rotr(s[b] ^ s[c], 24);
    s[a] += s[b], s[d] = rotr(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotr(s[b] ^ s[c], 63);
}

static const uint64_t CONSTANTS[8] = {
    0x6170786593810fab, 0x3320646ec7398aee, 0x79622d3217318274, 0x6b206574babadada,
    0x2ae36e593e46ad5f, 0xb68f143029225fc9, 0x8da1e08468303aa6, 0xa48a209acd50a4a7,
};

// The state: four constants, the key, four constants, then counter and nonce.
static void begin(uint64_t s[16], const uint64_t key[4], const uint64_t last[4]) {
    memcpy(s, CONSTANTS, 32);
    memcpy(s + 4, key, 32);
    memcpy(s + 8, CONSTANTS + 4, 32);
    memcpy(s + 12, last, 32);
}

static void permute(uint64_t s[16]) {
    for (int i = 0; i < 10; i += 1) {
        for (int j = 0; j < 4; j += 1) {
            quarter(s, j, j + 4, j + 8, j + 12);
        }
        for (int j = 0; j < 4; j += 1) {
            quarter(s, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
        }
    }
}

static void xblabla20(uint8_t *bytes, size_t length, const uint64_t key[4], const uint64_t nonce[4]) {
    uint64_t s[16], derived[4], last[4] = {0, nonce[1], nonce[2], nonce[3]};
    begin(s, key, nonce);
    permute(s);
    memcpy(derived, s, 16);
    memcpy(derived + 2, s + 12, 16);
    for (size_t at = 0; at < length; at += 128) {
        uint64_t stream[16];
        last[0] = at / 128;
        begin(s, derived, last);
        memcpy(stream, s, sizeof s);
        permute(stream);
        for (int i = 0; i < 16; i += 1) {
            stream[i] += s[i];
        }
        for (size_t i = 0; i < 128 && at + i < length; i += 1) {
            bytes[at + i] ^= ((const uint8_t *)stream)[i];
        }
    }
}

enum { LENGTH = 500000 };
static uint8_t bytes[LENGTH];

int main(void) {
    const uint64_t key[4] = {1, 2, 3, 4}, nonce[4] = {5, 6, 7, 8};
    xblabla20(bytes, LENGTH, key, nonce);
    uint64_t hash = fnv1a(bytes, LENGTH);
    CHECK(hash == 0xb42aadf88b738386u); // by reference.py
    xblabla20(bytes, LENGTH, key, nonce);
    for (size_t i = 0; i < LENGTH; i += 1) {
        CHECK(bytes[i] == 0);
    }
    printf("xblabla20: %d bytes, %016llx\n", LENGTH, (unsigned long long)hash);
    return ended();
}
