/* The compiled kernel of `counterfoil leaks`: finds what may be a private key among bytes, knowing only public keys.
 *
 * It finds candidates; Python proves each before it is called a key. Plain C11 with the 128-bit integers of GCC and
 * Clang, for little-endian machines; no Python headers. Every function is reentrant and keeps no state, so that threads
 * may scan different chunks at once. Buffers are read within [buffer, buffer + length) only.
 */
#ifndef COUNTERFOIL_KERNEL_H
#define COUNTERFOIL_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernel is written for little-endian machines"
#endif

/* Raised when a signature below changes: Python refuses a library of another version. */
#define KERNEL_VERSION 4

/* How a big number lies in memory. WORDS: 32-bit little-endian words, the most significant first (Java). */
enum order { BIG = 1, LITTLE = 2, WORDS = 4 };

/* Longest factor that is looked for: of an RSA modulus of 8192 bits. */
#define MAX_FACTOR_BYTES 512
#define MAX_LIMBS (MAX_FACTOR_BYTES / 8)

/* GCC on glibc compiles the hot loops twice and takes the version that the processor runs best at load time. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#include <features.h>
#ifdef __GLIBC__
#define CLONES __attribute__((target_clones("avx2", "default")))
#define HAVE_IFMA 1
#endif
#endif
#define EXPORT __attribute__((visibility("default")))
#ifndef CLONES
#define CLONES
#endif

/* A candidate: the window of bytes at `offset` of the buffer may be this part of that key. */
struct hit {
    uint64_t offset;
    uint32_t key;
    uint16_t order; /* enum order */
    uint16_t part;  /* enum part */
};
enum part { FACTOR = 0, EXPONENT = 1, SCALAR = 2 };

static inline uint64_t load64(const uint8_t *at) { uint64_t v; memcpy(&v, at, 8); return v; }
static inline uint32_t load32(const uint8_t *at) { uint32_t v; memcpy(&v, at, 4); return v; }

/* sieve.c: keep[i] = 1 for windows at buffer + i that may be a prime factor. Returns whether any may. */
int sieve_block(const uint8_t *buffer, size_t positions, size_t width, uint32_t order, uint8_t top, int moduli,
                uint8_t *keep);
#define SIEVE_BLOCK 2048

/* divide.c */
struct divisors {
    size_t limbs;           /* of a factor, 64 bits each */
    size_t keys;
    const uint64_t *moduli; /* [keys][2 limbs]: least significant limb first */
    const double *top;      /* [keys]: modulus / 2^(128 limbs - 128) */
    const uint64_t *digits; /* [keys][(64 limbs + 51) / 52]: the low half in digits of 52 bits, the lowest first */
    int level;              /* 0: portable; 1: AVX-512 IFMA, where best_level() says so */
};
#define DIVIDE_BATCH 16
/* divides[c] = bit mask by key, of the 64 after `first`, that candidate c very likely divides. */
void divide_batch(const struct divisors *by, size_t first, size_t count, const uint64_t (*candidate)[MAX_LIMBS],
                  uint64_t *divides);

/* exponent.c: what tells a private exponent of one key; Python computes it (counterfoil.leaks.moduli). */
struct exponent {
    uint64_t high, low;   /* e * 2^(bits - 64) / n modulo 1, in units of 2^-64 and 2^-128 */
    uint64_t smooth;      /* g = gcd(p - 1, q - 1) divides it */
    uint64_t tolerance;   /* in units of 2^-64 */
    uint64_t least;       /* least top of an exponent */
    uint64_t high52, low52, tolerance52; /* the same in units of 2^-52 and 2^-104; no such test if tolerance52 is 0 */
};
/* keep[i] |= 1 for windows at buffer + i whose top may be that of a private exponent. Returns whether any may. */
int exponent_block(const uint8_t *buffer, size_t positions, size_t width, uint32_t order, const struct exponent *keys,
                   size_t count, int level, uint8_t *keep);
/* Whether the window may be the private exponent of this key. */
int exponent_fits(const uint8_t *window, size_t width, uint32_t order, const struct exponent *key);

/* scan.c */
EXPORT int best_level(void);
/* The top 64 bits, or the limb with that index from the low end, of the window as a number. */
static inline uint64_t limb_of(const uint8_t *window, size_t width, uint32_t order, size_t limb) {
    if (order == LITTLE) return load64(window + 8 * limb);
    const uint8_t *at = window + width - 8 * limb - 8;
    if (order == BIG) return __builtin_bswap64(load64(at));
    return (uint64_t)load32(at) << 32 | load32(at + 4);
}

#endif
