// A reader and a writer of CSV (RFC 4180): fields in quotes, with commas, quotes and line breaks.
#include "check.h"

enum { ROWS = 4000, COLUMNS = 6, FIELD = 32, SIZE = ROWS * COLUMNS * 40 };

static char text[SIZE], field[FIELD];
static size_t length;

static void write_field(const char *value, int is_last) {
    int quoted = strpbrk(value, ",\"\r\n") != NULL;
    if (quoted) text[length++] = '"';
    for (; *value != 0; value += 1) {
        if (*value == '"') text[length++] = '"';
        text[length++] = *value;
    }
    if (quoted) text[length++] = '"';
    if (is_last) text[length++] = '\r';
    text[length++] = is_last ? '\n' : ',';
}

// Reads a field; true if it was the last one of its row.
static int read_field(size_t *at) {
    size_t size = 0;
    int quoted = text[*at] == '"';
    *at += (size_t)quoted;
    for (;;) {
        char c = text[(*at)++];
        if (quoted && c == '"') {
            quoted = text[*at] == '"';
            if (!quoted) {
                continue;
            }
            *at += 1;
        } else if (!quoted && (c == ',' || c == '\r')) {
            *at += c == '\r';
            field[size] = 0;
            return c == '\r';
        }
        field[size++] = c;
    }
}

// The value at a place of the table.
static void value_of(char *value, unsigned row, unsigned column) {
    static const char *const SPICES[] = {"plain", "a,b", "say \"hi\"", "two\r\nlines", "", "\"", ",,"};
    if (column % 2 == 0) {
        snprintf(value, FIELD, "%u", row * 31 + column);
    } else {
        snprintf(value, FIELD, "%s%u", SPICES[(row + column) % 7], row);
    }
}

int main(void) {
    char value[FIELD];
    for (unsigned row = 0; row < ROWS; row += 1) {
        for (unsigned column = 0; column < COLUMNS; column += 1) {
            value_of(value, row, column);
            write_field(value, column + 1 == COLUMNS);
        }
    }
    size_t at = 0;
    unsigned long sum = 0, expected = 0;
    for (unsigned row = 0; row < ROWS; row += 1) {
        for (unsigned column = 0; column < COLUMNS; column += 1) {
            int is_last = read_field(&at);
            value_of(value, row, column);
            CHECK(strcmp(field, value) == 0);
            CHECK(is_last == (column + 1 == COLUMNS));
            sum += column % 2 == 0 ? strtoul(field, NULL, 10) : 0;
            expected += column % 2 == 0 ? row * 31 + column : 0;
        }
    }
    CHECK(at == length);
    CHECK(sum == expected);
    printf("minicsv: %zu bytes, sum %lu\n", length, sum);
    return ended();
}
