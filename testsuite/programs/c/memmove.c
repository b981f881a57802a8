// memmove over areas that overlap, each held against a copy byte by byte.
#include "check.h"

enum { LENGTH = 4096, ROUNDS = 1500 };

static uint8_t moved[LENGTH], copied[LENGTH], kept[LENGTH];

int main(void) {
    uint64_t state = 5;
    for (size_t i = 0; i < LENGTH; i += 1) {
        moved[i] = copied[i] = (uint8_t)draw(&state);
    }
    size_t bytes = 0;
    for (int round = 0; round < ROUNDS; round += 1) {
        size_t length = draw(&state) % (LENGTH / 2);
        size_t from = draw(&state) % (LENGTH - length), to = draw(&state) % (LENGTH - length);
        memmove(moved + to, moved + from, length);
        for (size_t i = 0; i < length; i += 1) {
            kept[i] = copied[from + i];
            __asm__ volatile("" ::: "memory"); // else the loop becomes a call of memcpy
        }
        for (size_t i = 0; i < length; i += 1) {
            copied[to + i] = kept[i];
            __asm__ volatile("" ::: "memory");
        }
        moved[round % LENGTH] ^= (uint8_t)round;
        copied[round % LENGTH] ^= (uint8_t)round;
        CHECK(memcmp(moved, copied, LENGTH) == 0);
        bytes += length;
    }
    printf("memmove: %zu bytes in %d moves, %016llx\n", bytes, ROUNDS,
        (unsigned long long)fnv1a(moved, LENGTH));
    return ended();
}
