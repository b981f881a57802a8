// Fibonacci numbers by double recursion, against those by addition.
#include "check.h"

static uint32_t fib(uint32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(void) {
    uint32_t before = 0, next = 1, last = 29, result = 0;
    OPAQUE(last);
    for (uint32_t n = 0; n <= last; n += 1) {
        result = fib(n);
        CHECK(result == before);
        uint32_t sum = before + next;
        before = next;
        next = sum;
    }
    CHECK(result == 514229);
    printf("fib2: fib(%u) = %u\n", last, result);
    return ended();
}
