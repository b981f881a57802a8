// A limiter of rates: a token bucket for each address, in a hash table with open addressing.
#include "check.h"

enum { BUCKETS = 1 << 12, CLIENTS = 1500, BURST = 5, REFILL = 100, TICKS = 1000, EACH = 30 };

static struct {
    uint32_t address, tokens;
    uint64_t refilled;
} table[BUCKETS];

static uint32_t mix(uint32_t x) {
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// True if the client may go on at this time.
static int admit(uint32_t address, uint64_t now) {
    uint32_t at = mix(address) % BUCKETS;
    while (table[at].address != 0 && table[at].address != address) {
        at = (at + 1) % BUCKETS;
    }
    if (table[at].address == 0) {
        table[at].address = address;
        table[at].tokens = BURST;
        table[at].refilled = now;
    }
    uint64_t due = (now - table[at].refilled) / REFILL;
    if (due > 0) {
        uint64_t tokens = table[at].tokens + due;
        table[at].tokens = tokens > BURST ? BURST : (uint32_t)tokens;
        table[at].refilled += due * REFILL;
    }
    if (table[at].tokens == 0) {
        return 0;
    }
    table[at].tokens -= 1;
    return 1;
}

int main(void) {
    uint32_t admitted = 0, refused = 0, of_first = 0;
    for (uint64_t now = 0; now < TICKS; now += 1) {
        for (uint32_t i = 0; i < EACH; i += 1) {
            // Every client comes each CLIENTS / EACH ticks.
            uint32_t client = (uint32_t)(now * EACH + i) % CLIENTS;
            for (int tries = 0; tries < 12; tries += 1) {
                int may = admit(0x0a000000u + client + 1, now);
                admitted += (uint32_t)may;
                refused += (uint32_t)!may;
                of_first += client == 0 && may;
            }
        }
    }
    // A client comes every 50 ticks, 20 times in all: it has 5 tokens, and gets one every 100.
    CHECK(of_first == BURST + 9);
    CHECK(admitted == CLIENTS * (BURST + 9));
    CHECK(admitted + refused == TICKS * EACH * 12);
    printf("ratelimit: %u admitted, %u refused\n", admitted, refused);
    return ended();
}
