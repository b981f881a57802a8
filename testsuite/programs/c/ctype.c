// The classes of characters of the C library, counted over a text and by the table of ASCII.
#include "check.h"

#include <ctype.h>

enum { CLASSES = 12, LENGTH = 100000 };

static const struct {
    const char *name;
    int (*is)(int);
    int in_ascii; // characters of the class among the 128
} TABLE[CLASSES] = {
    {"alnum", isalnum, 62}, {"alpha", isalpha, 52}, {"blank", isblank, 2}, {"cntrl", iscntrl, 33},
    {"digit", isdigit, 10}, {"graph", isgraph, 94}, {"lower", islower, 26}, {"print", isprint, 95},
    {"punct", ispunct, 32}, {"space", isspace, 6}, {"upper", isupper, 26}, {"xdigit", isxdigit, 22},
};

static unsigned char text[LENGTH];

int main(void) {
    unsigned long of_text[CLASSES] = {0}, of_histogram[CLASSES] = {0}, histogram[128] = {0};
    uint64_t state = 7;
    for (size_t i = 0; i < LENGTH; i += 1) {
        text[i] = (unsigned char)(draw(&state) >> 57);
        histogram[text[i]] += 1;
    }
    for (int class = 0; class < CLASSES; class += 1) {
        int in_ascii = 0;
        for (int c = 0; c < 128; c += 1) {
            in_ascii += TABLE[class].is(c) != 0;
            of_histogram[class] += TABLE[class].is(c) ? histogram[c] : 0;
        }
        CHECK(in_ascii == TABLE[class].in_ascii);
        for (size_t i = 0; i < LENGTH; i += 1) {
            of_text[class] += TABLE[class].is(text[i]) != 0;
        }
        CHECK(of_text[class] == of_histogram[class]);
    }
    for (size_t i = 0; i < LENGTH; i += 1) {
        int c = text[i];
        CHECK(tolower(toupper(c)) == (isupper(c) ? c + 32 : c));
        CHECK(toupper(tolower(c)) == (islower(c) ? c - 32 : c));
    }
    printf("ctype:");
    for (int class = 0; class < CLASSES; class += 1) {
        printf(" %s %lu", TABLE[class].name, of_text[class]);
    }
    printf("\n");
    return ended();
}
