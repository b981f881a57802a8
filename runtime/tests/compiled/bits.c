/* Numbers of many words, sets of bits, and fractions of 16 bits. */
#include <stdint.h>
static uint32_t a[64], b[64], product[128];
static uint64_t have[256], drop[256];
__attribute__((noinline)) void multiply(const uint32_t *x, const uint32_t *y, uint32_t *z, int n) {
    for (int i = 0; i < 2 * n; i++) z[i] = 0;
    for (int i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < n; j++) {
            carry += (uint64_t)x[i] * y[j] + z[i + j];
            z[i + j] = carry;
            carry >>= 32;
        }
        z[i + n] = carry;
    }
}
__attribute__((noinline)) int remove_all(uint64_t *from, const uint64_t *what, int n) {
    int left = 0;
    for (int i = 0; i < n; i++) {
        from[i] &= ~what[i];
        left += __builtin_popcountll(from[i]);
    }
    return left;
}
__attribute__((noinline)) int product_of(int x, int y) { return (int64_t)x * y >> 16; }
__attribute__((noinline)) int rotate(int steps) {
    int x = 65536, y = 0, sine = 1234, cosine = 65524;
    for (int i = 0; i < steps; i++) {
        int next = product_of(x, cosine) - product_of(y, sine);
        y = product_of(x, sine) + product_of(y, cosine);
        x = next;
        sine += (int)((int64_t)x * y >> 40);
    }
    return x + y;
}
long long run(void) {
    uint32_t s = 1;
    for (int i = 0; i < 64; i++) {
        a[i] = s = s * 1664525 + 1013904223;
        b[i] = s = s * 1664525 + 1013904223;
    }
    for (int i = 0; i < 256; i++) {
        have[i] = (uint64_t)i * 0x9e3779b97f4a7c15;
        drop[i] = (uint64_t)i * i * i;
    }
    multiply(a, b, product, 64);
    long long h = remove_all(have, drop, 256);
    h += rotate(1000);
    for (int i = 0; i < 128; i++) h = h * 31 + product[i];
    return h;
}
