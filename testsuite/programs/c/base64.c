// Base64 of RFC 4648, to and fro.
#include "check.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(char *text, const uint8_t *bytes, size_t length) {
    size_t at = 0;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        text[at++] = ALPHABET[group >> 18];
        text[at++] = ALPHABET[group >> 12 & 63];
        text[at++] = left > 1 ? ALPHABET[group >> 6 & 63] : '=';
        text[at++] = left > 2 ? ALPHABET[group & 63] : '=';
    }
    text[at] = 0;
    return at;
}

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

// The number of bytes, or -1 if the text is not base64.
static long decode(uint8_t *bytes, const char *text, size_t length) {
    if (length % 4 != 0) {
        return -1;
    }
    size_t padding = length > 0 ? (text[length - 1] == '=') + (text[length - 2] == '=') : 0;
    uint32_t group = 0;
    long at = 0;
    for (size_t i = 0; i < length; i += 1) {
        int value = i < length - padding ? digit(text[i]) : 0;
        if (value < 0) {
            return -1;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4 == 3) {
            bytes[at++] = (uint8_t)(group >> 16);
            bytes[at++] = (uint8_t)(group >> 8);
            bytes[at++] = (uint8_t)group;
        }
    }
    return at - (long)padding;
}

enum { LENGTH = 50000, ROUNDS = 10 };
static uint8_t bytes[LENGTH], back[LENGTH + 3];
static char text[LENGTH * 2];

int main(void) {
    static const char *const VECTORS[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i += 1) {
        size_t length = strlen(VECTORS[i][0]);
        encode(text, (const uint8_t *)VECTORS[i][0], length);
        CHECK(strcmp(text, VECTORS[i][1]) == 0);
        CHECK(decode(back, VECTORS[i][1], strlen(VECTORS[i][1])) == (long)length);
        CHECK(memcmp(back, VECTORS[i][0], length) == 0);
    }
    CHECK(decode(back, "Zg=", 3) == -1);
    CHECK(decode(back, "Z*==", 4) == -1);
    uint64_t state = 1, hash = 0;
    for (int round = 0; round < ROUNDS; round += 1) {
        size_t length = LENGTH - (size_t)round;
        for (size_t i = 0; i < length; i += 1) {
            bytes[i] = (uint8_t)(draw(&state) >> 56);
        }
        size_t encoded = encode(text, bytes, length);
        CHECK(encoded == (length + 2) / 3 * 4);
        CHECK(decode(back, text, encoded) == (long)length);
        CHECK(memcmp(bytes, back, length) == 0);
        hash ^= fnv1a(text, encoded);
    }
    printf("base64: %d texts of up to %d bytes, %016llx\n", ROUNDS, LENGTH, (unsigned long long)hash);
    return ended();
}
