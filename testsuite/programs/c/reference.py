#!/usr/bin/env python3
"""The hash that xblabla20.c expects, by an implementation of its own; seqhash.c's last hash too.

Published vectors of neither exist for the lengths that the programs have.
"""

MASK = (1 << 64) - 1


def rotl(x, n):
    return (x << n | x >> (64 - n)) & MASK


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def blabla(state):
    lanes = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]]
    diagonals = [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]]
    s = list(state)
    for _ in range(10):
        for a, b, c, d in lanes + diagonals:
            for turn_d, turn_b in ((32, 24), (16, 63)):
                s[a] = (s[a] + s[b]) & MASK
                s[d] = rotl(s[d] ^ s[a], 64 - turn_d)
                s[c] = (s[c] + s[d]) & MASK
                s[b] = rotl(s[b] ^ s[c], 64 - turn_b)
    return s


CONSTANTS = [
    0x6170786593810FAB, 0x3320646EC7398AEE, 0x79622D3217318274, 0x6B206574BABADADA,
    0x2AE36E593E46AD5F, 0xB68F143029225FC9, 0x8DA1E08468303AA6, 0xA48A209ACD50A4A7,
]


def xblabla20(length, key, nonce):
    words = blabla(CONSTANTS[:4] + key + CONSTANTS[4:] + nonce)
    derived = words[:2] + words[12:14]
    stream = b""
    for counter in range((length + 127) // 128):
        state = CONSTANTS[:4] + derived + CONSTANTS[4:] + [counter] + nonce[1:]
        block = [(x + y) & MASK for x, y in zip(state, blabla(state))]
        stream += b"".join(word.to_bytes(8, "little") for word in block)
    return stream[:length]


def siphash(key, data):
    v0, v1 = key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D
    v2, v3 = key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573

    def turn():
        nonlocal v0, v1, v2, v3
        v0, v2 = (v0 + v1) & MASK, (v2 + v3) & MASK
        v1, v3 = rotl(v1, 13) ^ v0, rotl(v3, 16) ^ v2
        v0 = rotl(v0, 32)
        v2, v0 = (v2 + v1) & MASK, (v0 + v3) & MASK
        v1, v3 = rotl(v1, 17) ^ v2, rotl(v3, 21) ^ v0
        v2 = rotl(v2, 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v3 ^= word
        turn(), turn()
        v0 ^= word
    v2 ^= 255
    turn(), turn(), turn(), turn()
    return v0 ^ v1 ^ v2 ^ v3


def seqhash(length):
    data = b""
    for _ in range(length):
        last = siphash([0x0706050403020100, 0x0F0E0D0C0B0A0908], data)
        data += last.to_bytes(8, "little")
    return last


print(f"xblabla20 {fnv1a(xblabla20(500000, [1, 2, 3, 4], [5, 6, 7, 8])):016x}")
print(f"seqhash {seqhash(700):016x}")
