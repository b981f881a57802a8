/* The sum of the first hundred squares is n(n + 1)(2n + 1) / 6 = 338350. */
#include <stdio.h>

int main(void)
{
    unsigned sum = 0;
    for (unsigned n = 1; n <= 100; n++)
        sum += n * n;
    printf("%u\n", sum);
    return 0;
}
