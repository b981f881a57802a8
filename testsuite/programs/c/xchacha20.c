// XChaCha20 (draft-irtf-cfrg-xchacha): ChaCha20 with a nonce of 192 bits.
#include "check.h"

static uint32_t rotl(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void quarter(uint32_t s[16], int a, int b, int c, int d) {
    s[a] += s[b], s[d] = rotl(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotl(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = rotl(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = rotl(s[b] ^ s[c], 7);
}

static void begin(uint32_t s[16], const uint8_t key[32], const uint8_t last[16]) {
    memcpy(s, "expand 32-byte k", 16);
    memcpy(s + 4, key, 32);
    memcpy(s + 12, last, 16);
}

static void permute(uint32_t s[16]) {
    for (int i = 0; i < 10; i += 1) {
        for (int j = 0; j < 4; j += 1) {
            quarter(s, j, j + 4, j + 8, j + 12);
        }
        for (int j = 0; j < 4; j += 1) {
            quarter(s, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
        }
    }
}

static void hchacha20(uint8_t derived[32], const uint8_t key[32], const uint8_t nonce[16]) {
    uint32_t s[16];
    begin(s, key, nonce);
    permute(s);
    memcpy(derived, s, 16);
    memcpy(derived + 16, s + 12, 16);
}

static void xchacha20(uint8_t *bytes, size_t length, const uint8_t key[32], const uint8_t nonce[24]) {
    uint8_t derived[32], last[16] = {0};
    hchacha20(derived, key, nonce);
    memcpy(last + 8, nonce + 16, 8);
    for (size_t at = 0; at < length; at += 64) {
        uint32_t s[16], stream[16];
        uint64_t counter = at / 64;
        memcpy(last, &counter, 8);
        begin(s, derived, last);
        memcpy(stream, s, sizeof s);
        permute(stream);
        for (int i = 0; i < 16; i += 1) {
            stream[i] += s[i];
        }
        for (size_t i = 0; i < 64 && at + i < length; i += 1) {
            bytes[at + i] ^= ((const uint8_t *)stream)[i];
        }
    }
}

enum { LENGTH = 300000 };
static uint8_t bytes[LENGTH];

int main(void) {
    uint8_t key[32], nonce[24], derived[32];
    // The draft's example of HChaCha20 (2.2.1).
    from_hex(key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    from_hex(nonce, "000000090000004a0000000031415927");
    hchacha20(derived, key, nonce);
    CHECK(is_hex(derived, "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"));
    // The draft's example of XChaCha20 (A.3.2), its beginning.
    const char *text = "The dhole (pronounced \"dole\") is also known as the Asiatic wild dog";
    from_hex(key, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    from_hex(nonce, "404142434445464748494a4b4c4d4e4f5051525354555658");
    memcpy(bytes, text, strlen(text));
    xchacha20(bytes, strlen(text), key, nonce);
    CHECK(is_hex(bytes, "4559abba4e48c16102e8bb2c05e6947f50a786de162f9b0b7e592a9b53d0d4e9"
                        "8d8d6410d540a1a6375b26d80dace4fab52384c731acbf16a5923c0c48d3575d4d0d2c"));
    // The stream of libsodium's test.
    from_hex(key, "79c99798ac67300bbb2704c95c341e3245f3dcb21761b98e52ff45b24f304fc4");
    from_hex(nonce, "b33ffd3096479bcfbc9aee49417688a0a2554f8d95389419");
    memset(bytes, 0, LENGTH);
    xchacha20(bytes, LENGTH, key, nonce);
    CHECK(is_hex(bytes, "c6e9758160083ac604ef90e712ce6e75d7797590744e0cf060f013739c"));
    uint64_t hash = fnv1a(bytes, LENGTH);
    xchacha20(bytes, LENGTH, key, nonce);
    for (size_t i = 0; i < LENGTH; i += 1) {
        CHECK(bytes[i] == 0);
    }
    printf("xchacha20: %d bytes, %016llx\n", LENGTH, (unsigned long long)hash);
    return ended();
}
