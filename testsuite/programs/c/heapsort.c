// Heapsort of floats.
#include "check.h"

enum { LENGTH = 60000 };

static void sift_down(double *heap, size_t root, size_t length) {
    double value = heap[root];
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= length) {
            break;
        }
        if (child + 1 < length && heap[child] < heap[child + 1]) {
            child += 1;
        }
        if (value >= heap[child]) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = value;
}

static void heapsort_doubles(double *values, size_t length) {
    for (size_t i = length / 2; i > 0; i -= 1) {
        sift_down(values, i - 1, length);
    }
    for (size_t end = length; end > 1; end -= 1) {
        double greatest = values[0];
        values[0] = values[end - 1];
        values[end - 1] = greatest;
        sift_down(values, 0, end - 1);
    }
}

static double values[LENGTH];

int main(void) {
    // A permutation of 0 .. LENGTH-1, as fractions: so the result is known.
    for (size_t i = 0; i < LENGTH; i += 1) {
        values[i] = (double)i / LENGTH;
    }
    uint64_t state = 3;
    for (size_t i = LENGTH - 1; i > 0; i -= 1) {
        size_t other = draw(&state) % (i + 1);
        double kept = values[i];
        values[i] = values[other];
        values[other] = kept;
    }
    double first = values[0], last = values[LENGTH - 1];
    heapsort_doubles(values, LENGTH);
    for (size_t i = 0; i < LENGTH; i += 1) {
        CHECK(values[i] == (double)i / LENGTH);
    }
    printf("heapsort: %d values, from %.6f .. %.6f to %.6f .. %.6f\n", LENGTH, first, last, values[0],
        values[LENGTH - 1]);
    return ended();
}
