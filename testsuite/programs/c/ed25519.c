// Ed25519 (RFC 8032): keys, signatures and their verification, over SHA-512 (FIPS 180-4).
#include "check.h"

// SHA-512.

static const uint64_t ROUND_CONSTANTS[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static const uint64_t INITIAL[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static uint64_t rotr(uint64_t x, int n) { return x >> n | x << (64 - n); }

static void sha512_block(uint64_t h[8], const uint8_t block[128]) {
    uint64_t w[80], s[8];
    for (int i = 0; i < 16; i += 1) {
        w[i] = 0;
        for (int j = 0; j < 8; j += 1) {
            w[i] = w[i] << 8 | block[8 * i + j];
        }
    }
    for (int i = 16; i < 80; i += 1) {
        uint64_t a = w[i - 15], b = w[i - 2];
        a = rotr(a, 1) ^ rotr(a, 8) ^ a >> 7;
        b = rotr(b, 19) ^ rotr(b, 61) ^ b >> 6;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 80; i += 1) {
        uint64_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint64_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint64_t t = s[7] + (rotr(s[4], 14) ^ rotr(s[4], 18) ^ rotr(s[4], 41)) + choice;
        t += ROUND_CONSTANTS[i] + w[i];
        uint64_t u = (rotr(s[0], 28) ^ rotr(s[0], 34) ^ rotr(s[0], 39)) + majority;
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t;
        s[0] = t + u;
    }
    for (int i = 0; i < 8; i += 1) {
        h[i] += s[i];
    }
}

// The hash of up to three parts: the message must be shorter than 2^29 bytes.
static void sha512(uint8_t digest[64], const uint8_t *parts[3], const size_t lengths[3]) {
    uint64_t h[8];
    uint8_t block[128];
    size_t at = 0, total = 0;
    memcpy(h, INITIAL, sizeof h);
    for (int part = 0; part < 3; part += 1) {
        for (size_t i = 0; i < lengths[part]; i += 1) {
            block[at++] = parts[part][i];
            if (at == 128) {
                sha512_block(h, block);
                at = 0;
            }
        }
        total += lengths[part];
    }
    block[at++] = 0x80;
    if (at > 112) {
        memset(block + at, 0, 128 - at);
        sha512_block(h, block);
        at = 0;
    }
    memset(block + at, 0, 128 - at);
    for (int i = 0; i < 4; i += 1) {
        block[127 - i] = (uint8_t)(total * 8 >> 8 * i);
    }
    sha512_block(h, block);
    for (int i = 0; i < 64; i += 1) {
        digest[i] = (uint8_t)(h[i / 8] >> (56 - i % 8 * 8));
    }
}

// The field of 2^255 - 19: numbers below 2^256 in eight words, not always reduced.

typedef struct {
    uint32_t words[8];
} element;

static const element ZERO = {{0}}, ONE = {{1}}, D = {{0x135978a3, 0x75eb4dca, 0x4141d8ab, 0x00700a4d, 0x7779e898, 0x8cc74079, 0x2b6ffe73, 0x52036cee}},
    ROOT_OF_MINUS_ONE = {{0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806, 0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480}},
    BASE_X = {{0x8f25d51a, 0xc9562d60, 0x9525a7b2, 0x692cc760, 0xfdd6dc5c, 0xc0a4e231, 0xcd6e53fe, 0x216936d3}},
    BASE_Y = {{0x66666658, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666}};

static const uint32_t PRIME[8] = {0xffffffed, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff},
    ORDER[8] = {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x00000000, 0x00000000, 0x00000000, 0x10000000};

// Adds a small number and gives what is carried out.
static uint32_t add_small(uint32_t words[8], uint64_t small) {
    for (int i = 0; i < 8; i += 1) {
        small += words[i];
        words[i] = (uint32_t)small;
        small >>= 32;
    }
    return (uint32_t)small;
}

static element add(element a, element b) {
    uint64_t carry = 0;
    for (int i = 0; i < 8; i += 1) {
        carry += (uint64_t)a.words[i] + b.words[i];
        a.words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    // 2^256 is 38 in the field.
    while (carry != 0) {
        carry = add_small(a.words, 38 * carry);
    }
    return a;
}

// a - b; gives 1 if b is greater, when the difference is that plus 2^256.
static uint32_t subtract_words(uint32_t a[8], const uint32_t b[8]) {
    int64_t borrow = 0;
    for (int i = 0; i < 8; i += 1) {
        borrow += (int64_t)a[i] - b[i];
        a[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    return (uint32_t)-borrow;
}

static element subtract(element a, element b) {
    static const uint32_t FOLD[8] = {38};
    uint32_t borrow = subtract_words(a.words, b.words);
    while (borrow != 0) {
        borrow = subtract_words(a.words, FOLD);
    }
    return a;
}

static void multiply_words(uint32_t product[16], const uint32_t a[8], const uint32_t b[8]) {
    memset(product, 0, 16 * sizeof *product);
    for (int i = 0; i < 8; i += 1) {
        uint64_t carry = 0;
        for (int j = 0; j < 8; j += 1) {
            carry += (uint64_t)a[i] * b[j] + product[i + j];
            product[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product[i + 8] = (uint32_t)carry;
    }
}

static element multiply(element a, element b) {
    uint32_t product[16];
    multiply_words(product, a.words, b.words);
    uint64_t carry = 0;
    for (int i = 0; i < 8; i += 1) {
        carry += product[i] + (uint64_t)product[i + 8] * 38;
        a.words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    while (carry != 0) {
        carry = add_small(a.words, 38 * carry);
    }
    return a;
}

// Subtracts a modulus as often as it is in the number.
static void reduce(uint32_t words[8], const uint32_t modulus[8]) {
    uint32_t less[8];
    for (;;) {
        memcpy(less, words, sizeof less);
        if (subtract_words(less, modulus) != 0) {
            return;
        }
        memcpy(words, less, sizeof less);
    }
}

static int equal(element a, element b) {
    reduce(a.words, PRIME);
    reduce(b.words, PRIME);
    return memcmp(&a, &b, sizeof a) == 0;
}

// The power whose exponent is 2^255 - 19 less a number, all shifted to the right.
static element power(element base, uint32_t less, int shift) {
    uint32_t exponent[8], by[8] = {less};
    memcpy(exponent, PRIME, sizeof exponent);
    subtract_words(exponent, by);
    element result = ONE;
    for (int bit = 254; bit >= shift; bit -= 1) {
        result = multiply(result, result);
        if (exponent[bit / 32] >> bit % 32 & 1) {
            result = multiply(result, base);
        }
    }
    return result;
}

// Points of the curve -x^2 + y^2 = 1 + d x^2 y^2, as X/Z, Y/Z, and T = XY/Z.

typedef struct {
    element x, y, z, t;
} point;

static point add_points(const point *p, const point *q) {
    element a = multiply(subtract(p->y, p->x), subtract(q->y, q->x));
    element b = multiply(add(p->y, p->x), add(q->y, q->x));
    element c = multiply(multiply(p->t, add(D, D)), q->t);
    element d = multiply(p->z, add(q->z, q->z));
    element e = subtract(b, a), f = subtract(d, c), g = add(d, c), h = add(b, a);
    return (point){multiply(e, f), multiply(g, h), multiply(f, g), multiply(e, h)};
}

static point double_point(const point *p) {
    element a = multiply(p->x, p->x), b = multiply(p->y, p->y), c = multiply(p->z, p->z);
    element sum = add(p->x, p->y), h = add(a, b);
    element e = subtract(h, multiply(sum, sum)), g = subtract(a, b), f = add(add(c, c), g);
    return (point){multiply(e, f), multiply(g, h), multiply(f, g), multiply(e, h)};
}

static point times(const uint32_t scalar[8], const point *p) {
    point result = {ZERO, ONE, ONE, ZERO};
    for (int bit = 255; bit >= 0; bit -= 1) {
        result = double_point(&result);
        if (scalar[bit / 32] >> bit % 32 & 1) {
            result = add_points(&result, p);
        }
    }
    return result;
}

static point base_point(void) {
    return (point){BASE_X, BASE_Y, ONE, multiply(BASE_X, BASE_Y)};
}

static void compress(uint8_t bytes[32], const point *p) {
    element inverse = power(p->z, 2, 0), x = multiply(p->x, inverse), y = multiply(p->y, inverse);
    reduce(x.words, PRIME);
    reduce(y.words, PRIME);
    y.words[7] |= x.words[0] << 31;
    memcpy(bytes, &y, 32);
}

// The point of 32 bytes; 0 if there is none.
static int decompress(point *p, const uint8_t bytes[32]) {
    element y;
    memcpy(&y, bytes, 32);
    uint32_t odd = y.words[7] >> 31;
    y.words[7] &= 0x7fffffff;
    element square = multiply(y, y), u = subtract(square, ONE), v = add(multiply(D, square), ONE);
    // The root of u/v, if any, is u v^3 (u v^7)^((p - 5) / 8), perhaps times the root of -1.
    element cube = multiply(multiply(v, v), v);
    element seventh = multiply(multiply(cube, cube), v);
    element x = multiply(multiply(u, cube), power(multiply(u, seventh), 5, 3));
    if (!equal(multiply(v, multiply(x, x)), u)) {
        x = multiply(x, ROOT_OF_MINUS_ONE);
        if (!equal(multiply(v, multiply(x, x)), u)) {
            return 0;
        }
    }
    reduce(x.words, PRIME);
    if ((x.words[0] & 1) != odd) {
        x = subtract(ZERO, x);
    }
    *p = (point){x, y, ONE, multiply(x, y)};
    return 1;
}

// Scalars, modulo the order of the base point.

static void reduce_wide(uint32_t scalar[8], const uint32_t wide[16]) {
    memset(scalar, 0, 32);
    for (int bit = 511; bit >= 0; bit -= 1) {
        for (int i = 7; i > 0; i -= 1) {
            scalar[i] = scalar[i] << 1 | scalar[i - 1] >> 31;
        }
        scalar[0] = scalar[0] << 1 | (wide[bit / 32] >> bit % 32 & 1);
        reduce(scalar, ORDER);
    }
}

static void hash_to_scalar(uint32_t scalar[8], const uint8_t *parts[3], const size_t lengths[3]) {
    uint8_t digest[64];
    uint32_t wide[16];
    sha512(digest, parts, lengths);
    memcpy(wide, digest, 64);
    reduce_wide(scalar, wide);
}

// The secret scalar and the prefix of a seed.
static void expand(uint32_t scalar[8], uint8_t prefix[32], const uint8_t seed[32]) {
    uint8_t digest[64];
    sha512(digest, (const uint8_t *[]){seed, seed, seed}, (const size_t[]){32, 0, 0});
    digest[0] &= 248;
    digest[31] = (digest[31] & 127) | 64;
    memcpy(scalar, digest, 32);
    memcpy(prefix, digest + 32, 32);
}

static void public_of(uint8_t key[32], const uint8_t seed[32]) {
    uint32_t scalar[8];
    uint8_t prefix[32];
    expand(scalar, prefix, seed);
    point base = base_point(), p = times(scalar, &base);
    compress(key, &p);
}

static void sign(uint8_t signature[64], const uint8_t seed[32], const uint8_t key[32],
    const uint8_t *message, size_t length) {
    uint32_t secret[8], nonce[8], challenge[8], wide[16];
    uint8_t prefix[32];
    expand(secret, prefix, seed);
    hash_to_scalar(nonce, (const uint8_t *[]){prefix, message, prefix},
        (const size_t[]){32, length, 0});
    point base = base_point(), commitment = times(nonce, &base);
    compress(signature, &commitment);
    hash_to_scalar(challenge, (const uint8_t *[]){signature, key, message},
        (const size_t[]){32, 32, length});
    multiply_words(wide, challenge, secret);
    uint64_t carry = 0;
    for (int i = 0; i < 16; i += 1) {
        carry += (uint64_t)wide[i] + (i < 8 ? nonce[i] : 0);
        wide[i] = (uint32_t)carry;
        carry >>= 32;
    }
    reduce_wide(secret, wide);
    memcpy(signature + 32, secret, 32);
}

static int verify(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
    size_t length) {
    uint32_t scalar[8], less[8], challenge[8];
    uint8_t expected[32];
    point p;
    memcpy(scalar, signature + 32, 32);
    memcpy(less, scalar, 32);
    if (subtract_words(less, ORDER) == 0 || !decompress(&p, key)) {
        return 0;
    }
    hash_to_scalar(challenge, (const uint8_t *[]){signature, key, message},
        (const size_t[]){32, 32, length});
    p.x = subtract(ZERO, p.x);
    p.t = subtract(ZERO, p.t);
    point base = base_point(), left = times(scalar, &base), right = times(challenge, &p);
    point commitment = add_points(&left, &right);
    compress(expected, &commitment);
    return memcmp(expected, signature, 32) == 0;
}

// The first vectors of RFC 8032, 7.1.
static const struct {
    const char *seed, *key, *message, *signature;
} VECTORS[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

int main(void) {
    int count = sizeof VECTORS / sizeof *VECTORS;
    for (int i = 0; i < count; i += 1) {
        uint8_t seed[32], key[32], message[2], signature[64];
        size_t length = strlen(VECTORS[i].message) / 2;
        from_hex(seed, VECTORS[i].seed);
        from_hex(message, VECTORS[i].message);
        public_of(key, seed);
        CHECK(is_hex(key, VECTORS[i].key));
        sign(signature, seed, key, message, length);
        CHECK(is_hex(signature, VECTORS[i].signature));
        CHECK(verify(signature, key, message, length));
        signature[0] ^= 1;
        CHECK(!verify(signature, key, message, length));
    }
    printf("ed25519: %d keys and signatures of RFC 8032\n", count);
    return ended();
}
