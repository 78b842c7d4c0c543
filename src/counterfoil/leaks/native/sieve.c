/* Which windows of a buffer may be a prime factor of a modulus: most fall out before any division.
 *
 * A factor p of n, as wide as half of n, is odd, has a top byte of at least that of n (p > n / 2^(8 width)), and no small
 * prime divides it. The residues of all windows come from doubling: the window of 2k bytes is two windows of k bytes, so
 * that seven vectorised passes give all residues of windows of 128 bytes. 16-bit lanes: a residue times a constant is
 * reduced with a constant quotient estimate (Shoup), lazily, and divisibility by a prime is one multiplication by
 * its inverse and one comparison (Granlund and Montgomery, "Division by invariant integers", section 9).
 */
#include "kernel.h"

#define LANES (SIEVE_BLOCK + MAX_FACTOR_BYTES)

/* Products of small primes. 255 needs no multiplications: 256 = 1 (mod 255), so that its residue is the byte sum. */
struct modulus { uint16_t product; uint8_t primes[3]; };
static const struct modulus MODULI[] = {
    {255, {3, 5, 17}}, {1001, {7, 11, 13}}, {437, {19, 23, 0}}, {899, {29, 31, 0}}, {1517, {37, 41, 0}},
};

static uint16_t power256(size_t exponent, uint16_t product) {
    uint32_t result = 1;
    while (exponent--) result = result * 256 % product;
    return (uint16_t)result;
}

CLONES static int first_look(const uint8_t *restrict high, const uint8_t *restrict low, size_t positions, uint8_t top,
                             uint8_t *restrict keep) {
    uint8_t any = 0;
    for (size_t i = 0; i < positions; i++) {
        keep[i] = (uint8_t)((high[i] >= top) & low[i]);
        any |= keep[i];
    }
    return any & 1;
}

CLONES static void widen(const uint8_t *restrict bytes, size_t count, uint16_t *restrict sums) {
    for (size_t i = 0; i < count; i++) sums[i] = bytes[i];
}

/* out may be either of the others, or lie before them in the same array: reads are ahead of writes. */
CLONES static void join_sums(uint16_t *out, const uint16_t *head, const uint16_t *tail, size_t count) {
#pragma GCC ivdep
    for (size_t i = 0; i < count; i++) out[i] = (uint16_t)(head[i] + tail[i]);
}

/* out[i] = high[i] * factor + low[i] (mod product), lazily: grows by less than 2 * product with each call. */
CLONES static void join_residues(uint16_t *out, const uint16_t *high, const uint16_t *low, size_t count,
                                 uint16_t factor, uint16_t product) {
    const uint16_t estimate = (uint16_t)((uint32_t)factor * 65536 / product);
#pragma GCC ivdep
    for (size_t i = 0; i < count; i++) {
        uint16_t quotient = (uint16_t)(((uint32_t)high[i] * estimate) >> 16);
        out[i] = (uint16_t)(high[i] * factor - quotient * product + low[i]);
    }
}

CLONES static int drop_multiples(const uint16_t *restrict residue, size_t count, const struct modulus *of,
                                 uint8_t *restrict keep) {
    uint16_t inverse[3], most[3];
    for (int k = 0; k < 3; k++) {
        uint16_t prime = of->primes[k] ? of->primes[k] : of->primes[0], x = prime;
        for (int round = 0; round < 4; round++) x = (uint16_t)(x * (2 - prime * x));
        inverse[k] = x;
        most[k] = (uint16_t)(65535 / prime);
    }
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t r = residue[i];
        uint16_t stays = (uint16_t)(((uint16_t)(r * inverse[0]) > most[0]) & ((uint16_t)(r * inverse[1]) > most[1]) &
                                    ((uint16_t)(r * inverse[2]) > most[2]));
        keep[i] &= (uint8_t)stays;
        any |= keep[i];
    }
    return any & 1;
}

/* Joins the windows of `first` bytes in `head` with those of `second` bytes that follow, into `out`. */
static void join(uint16_t *out, const uint16_t *head, const uint16_t *tail, size_t count, size_t first, size_t second,
                 int little, uint16_t product) {
    if (product == 255) {
        join_sums(out, head, tail, count);
    } else if (little) {
        join_residues(out, tail, head, count, power256(first, product), product);
    } else {
        join_residues(out, head, tail, count, power256(second, product), product);
    }
}

/* Residues of all windows of `width` bytes at lanes[0..positions). Returns the array that holds them. */
static const uint16_t *residues(const uint8_t *buffer, size_t positions, size_t width, uint32_t order,
                                uint16_t product, uint16_t *lanes, uint16_t *rest) {
    size_t count = positions + width - 1, held = 0;
    widen(buffer, count, lanes);
    for (size_t k = 1;; k *= 2) {
        int little = order == LITTLE || (order == WORDS && k < 4);
        if (width & k) {
            size_t have = positions + width - 1 - (k - 1);
            if (held == 0) {
                if (k == width) return lanes;
                memcpy(rest, lanes, have * sizeof *rest);
            } else {
                /* the window of k bytes comes first, what is held follows it */
                join(rest, lanes, rest + k, positions + width - (k + held), k, held, little, product);
            }
            held += k;
            if (held == width) return rest;
        }
        count -= k;
        join(lanes, lanes, lanes + k, count, k, k, little, product);
    }
}

int sieve_block(const uint8_t *buffer, size_t positions, size_t width, uint32_t order, uint8_t top, int moduli,
                uint8_t *keep) {
    uint16_t lanes[LANES], rest[LANES];
    size_t high = order == BIG ? 0 : order == LITTLE ? width - 1 : 3;
    size_t low = order == BIG ? width - 1 : order == LITTLE ? 0 : width - 4;
    if (!first_look(buffer + high, buffer + low, positions, top, keep)) return 0;
    for (int k = 0; k < moduli; k++) {
        const uint16_t *residue = residues(buffer, positions, width, order, MODULI[k].product, lanes, rest);
        if (!drop_multiples(residue, positions, &MODULI[k], keep)) return 0;
    }
    return 1;
}
