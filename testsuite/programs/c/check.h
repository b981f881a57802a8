// Shared by the programs of this folder: checks that end in the exit code, and bytes in hex.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

// A value that the compiler does not know, so that it cannot compute at compile time.
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

static void check(int holds, const char *statement) {
    if (!holds) {
        fprintf(stderr, "wrong: %s\n", statement);
        failures += 1;
    }
}

#define CHECK(condition) check((condition) != 0, #condition)

static inline int ended(void) { return failures != 0; }

static inline void from_hex(uint8_t *bytes, const char *hex) {
    for (size_t i = 0; hex[2 * i] != 0; i += 1) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static inline int is_hex(const uint8_t *bytes, const char *hex) {
    static uint8_t expected[1024];
    from_hex(expected, hex);
    return memcmp(bytes, expected, strlen(hex) / 2) == 0;
}

// The 64-bit FNV-1a hash, for results that are too long to print.
static inline uint64_t fnv1a(const void *data, size_t length) {
    const uint8_t *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i += 1) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

// Numbers by xorshift64*.
static inline uint64_t draw(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}
