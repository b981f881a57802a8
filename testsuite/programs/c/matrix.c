// Products of matrices whose elements are known.
#include "check.h"

enum { N = 100 };

static double a[N][N], b[N][N], product[N][N];

static void multiply(void) {
    for (int i = 0; i < N; i += 1) {
        for (int j = 0; j < N; j += 1) {
            double sum = 0;
            for (int k = 0; k < N; k += 1) {
                sum += a[i][k] * b[k][j];
            }
            product[i][j] = sum;
        }
    }
}

int main(void) {
    uint64_t hash = 0;
    for (int round = 0; round < 4; round += 1) {
        for (int i = 0; i < N; i += 1) {
            for (int j = 0; j < N; j += 1) {
                a[i][j] = i + j + round;
                b[i][j] = i - j;
            }
        }
        multiply();
        // The sums of k and of k*k for k below N.
        double first = N * (N - 1) / 2.0, second = (N - 1) * N * (2.0 * N - 1) / 6;
        for (int i = 0; i < N; i += 1) {
            for (int j = 0; j < N; j += 1) {
                double left = i + round;
                CHECK(product[i][j] == second + (left - j) * first - left * j * N);
            }
        }
        hash ^= fnv1a(product, sizeof product);
    }
    printf("matrix: 4 products of %d x %d, %016llx\n", N, N, (unsigned long long)hash);
    return ended();
}
