/* Whether a window may be a private RSA exponent, from its top 64 bits.
 *
 * e * d = 1 + k * phi(n) / g, where g = gcd(p - 1, q - 1) if d was made with the Carmichael function and 1 if with
 * Euler's. phi(n) is n but for its lower half, so that e * d / n lies within 2^-1000 of the fraction k / g. g divides
 * n - 1 = (p - 1) q + (q - 1), so it divides the smooth part of n - 1 (all but surely), which is known: that multiple of
 * e * d / n is all but an integer. The top 64 bits of d decide but for one window in about 2^31.
 */
#include "kernel.h"

static inline int fits(uint64_t top, const struct exponent *key) {
    uint64_t fraction = top * key->high + (uint64_t)(((unsigned __int128)top * key->low) >> 64);
    return (fraction * key->smooth + key->tolerance <= 2 * key->tolerance) & (top >= key->least);
}

int exponent_fits(const uint8_t *window, size_t width, uint32_t order, const struct exponent *key) {
    return (limb_of(window, width, order, 0) & 1) && fits(limb_of(window, width, order, width / 8 - 1), key);
}

static int portable(const uint8_t *top, size_t positions, uint32_t order, const struct exponent *key, uint8_t *keep) {
    int any = 0;
    for (size_t i = 0; i < positions; i++) {
        int fit = fits(limb_of(top + i, 8, order, 0), key);
        keep[i] |= (uint8_t)fit;
        any |= fit;
    }
    return any;
}

#ifdef HAVE_IFMA
#include <immintrin.h>

/* Eight windows at once, by their top 52 bits; what it keeps, the portable test looks at again. */
__attribute__((target("avx512f,avx512bw,avx512dq,avx512ifma"))) static int eights(
    const uint8_t *top, size_t positions, uint32_t order, const struct exponent *keys, size_t count, uint8_t *keep) {
    static const uint8_t in_window[3][8] = {{7, 6, 5, 4, 3, 2, 1, 0}, {0, 1, 2, 3, 4, 5, 6, 7}, {4, 5, 6, 7, 0, 1, 2, 3}};
    uint8_t shuffle[64];
    for (int lane = 0; lane < 8; lane++)
        for (int k = 0; k < 8; k++) shuffle[8 * lane + k] = (uint8_t)(lane + in_window[order / 2][k]);
    const __m512i pick = _mm512_loadu_si512(shuffle), mask = _mm512_set1_epi64(((long long)1 << 52) - 1);
    int any = 0;
    for (size_t i = 0; i < positions; i += 8) {
        __m512i bytes = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(top + i)));
        __m512i tops = _mm512_srli_epi64(_mm512_shuffle_epi8(bytes, pick), 12);
        __mmask8 hits = 0;
        for (size_t k = 0; k < count; k++) {
            const struct exponent *key = keys + k;
            if (!key->tolerance52) continue; /* left to the other test */
            __m512i x = _mm512_madd52lo_epu64(_mm512_setzero_si512(), tops, _mm512_set1_epi64((long long)key->high52));
            x = _mm512_madd52hi_epu64(x, tops, _mm512_set1_epi64((long long)key->low52));
            x = _mm512_madd52lo_epu64(_mm512_set1_epi64((long long)key->tolerance52), x,
                                      _mm512_set1_epi64((long long)key->smooth));
            /* without the least top, every window of zeros is left to the other test: most of a dump */
            hits |= _mm512_mask_cmple_epu64_mask(
                _mm512_cmpge_epu64_mask(tops, _mm512_set1_epi64((long long)(key->least >> 12))),
                _mm512_and_si512(x, mask), _mm512_set1_epi64((long long)(2 * key->tolerance52)));
        }
        if (hits) {
            any = 1;
            for (int lane = 0; lane < 8 && i + (size_t)lane < positions; lane++) keep[i + lane] |= hits >> lane & 1;
        }
    }
    return any;
}
#endif

int exponent_block(const uint8_t *buffer, size_t positions, size_t width, uint32_t order, const struct exponent *keys,
                   size_t count, int level, uint8_t *keep) {
    const uint8_t *top = buffer + (order == LITTLE ? width - 8 : 0);
    int any = 0;
    size_t done = 0;
#ifdef HAVE_IFMA
    /* whole eights, and eight bytes more than the tops need are read: the last positions are left to the other test */
    size_t safe = positions > 16 ? (positions - 16) / 8 * 8 : 0;
    if (level > 0 && safe > 0) {
        any |= eights(top, safe, order, keys, count, keep);
        done = safe;
    }
#else
    (void)level;
#endif
    for (size_t k = 0; k < count; k++) {
        size_t from = keys[k].tolerance52 ? done : 0;
        any |= portable(top + from, positions - from, order, keys + k, keep + from);
    }
    return any;
}
