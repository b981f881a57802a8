// A machine with a switch over its instructions: two programs for it, with known results.
#include "check.h"

enum op { PUSH, ADD, SUB, MUL, MOD, DUP, DROP, LOAD, STORE, JUMP, JUMP_IF, LESS, EQUAL, HALT };

static int64_t run(const int *code) {
    int64_t stack[64], variables[8] = {0};
    int top = 0, at = 0;
    for (;;) {
        switch ((enum op)code[at++]) {
        case PUSH: stack[top++] = code[at++]; break;
        case ADD: top -= 1; stack[top - 1] += stack[top]; break;
        case SUB: top -= 1; stack[top - 1] -= stack[top]; break;
        case MUL: top -= 1; stack[top - 1] *= stack[top]; break;
        case MOD: top -= 1; stack[top - 1] %= stack[top]; break;
        case DUP: stack[top] = stack[top - 1]; top += 1; break;
        case DROP: top -= 1; break;
        case LOAD: stack[top++] = variables[code[at++]]; break;
        case STORE: variables[code[at++]] = stack[--top]; break;
        case JUMP: at = code[at]; break;
        case JUMP_IF: at = stack[--top] != 0 ? code[at] : at + 1; break;
        case LESS: top -= 1; stack[top - 1] = stack[top - 1] < stack[top]; break;
        case EQUAL: top -= 1; stack[top - 1] = stack[top - 1] == stack[top]; break;
        case HALT: return stack[top - 1];
        }
    }
}

// The sum of i * i for i below 100,000.
static const int SQUARES[] = {
    /* 0 */ LOAD, 0, DUP, MUL, LOAD, 1, ADD, STORE, 1,
    /* 9 */ LOAD, 0, PUSH, 1, ADD, STORE, 0,
    /* 16 */ LOAD, 0, PUSH, 100000, LESS, JUMP_IF, 0,
    /* 23 */ LOAD, 1, HALT,
};

// The steps of the numbers below 1,000 on the way to 1, by 3n + 1 and n / 2. The machine does not
// divide: the inverse of 2 modulo a prime beyond all numbers on the way makes halves.
enum { PRIME = 1000000007, HALF = 500000004 };
static const int COLLATZ[] = {
    /* 0 */ PUSH, 1, STORE, 0,
    /* 4 */ LOAD, 0, STORE, 1,
    /* 8 */ LOAD, 1, PUSH, 1, EQUAL, JUMP_IF, 53,
    /* 15 */ LOAD, 2, PUSH, 1, ADD, STORE, 2,
    /* 22 */ LOAD, 1, PUSH, 2, MOD, JUMP_IF, 41,
    /* 29 */ LOAD, 1, PUSH, HALF, MUL, PUSH, PRIME, MOD, STORE, 1, JUMP, 8,
    /* 41 */ LOAD, 1, PUSH, 3, MUL, PUSH, 1, ADD, STORE, 1, JUMP, 8,
    /* 53 */ LOAD, 0, PUSH, 1, ADD, DUP, STORE, 0,
    /* 61 */ PUSH, 1000, LESS, JUMP_IF, 4, LOAD, 2, HALT,
};

int main(void) {
    int64_t squares = run(SQUARES), steps = run(COLLATZ), expected = 0;
    CHECK(squares == 333328333350000);
    for (int start = 1; start < 1000; start += 1) {
        for (int n = start; n != 1; n = n % 2 ? 3 * n + 1 : n / 2) {
            expected += 1;
        }
    }
    CHECK(steps == expected);
    printf("switch: squares %lld, steps %lld\n", (long long)squares, (long long)steps);
    return ended();
}
