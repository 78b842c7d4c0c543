/* Whether candidates divide moduli, without a division: exact division from the low end (Hensel, Jebelean 1993).
 *
 * If p divides n, the quotient q = n / p is n * p^-1 modulo any power of two, so its limbs follow from the low limbs of
 * n and p alone. The top limb of q is known from the top ends as well, by floating point: where both agree to 2^16 of
 * 2^64, p very likely divides n (a chance hit has odds of 2^-47), and Python proves it. With several moduli the inverse
 * of p is computed once, and each modulus costs only the top column of a product.
 */
#include "kernel.h"

#include <math.h>

#define TOLERANCE 65536.0

static uint64_t inverse64(uint64_t odd) {
    uint64_t x = (3 * odd) ^ 2; /* five bits right */
    for (int round = 0; round < 4; round++) x *= 2 - odd * x;
    return x;
}

/* x = right / p modulo 2^(64 limbs). */
static void solve(const uint64_t *p, const uint64_t *right, size_t limbs, uint64_t *x) {
    uint64_t rest[MAX_LIMBS], inverse = inverse64(p[0]);
    memcpy(rest, right, limbs * sizeof *rest);
    for (size_t i = 0; i < limbs; i++) {
        uint64_t digit = rest[i] * inverse, borrow = 0;
        x[i] = digit;
        for (size_t j = i; j < limbs; j++) {
            unsigned __int128 product = (unsigned __int128)digit * p[j - i] + borrow;
            uint64_t low = (uint64_t)product;
            borrow = (uint64_t)(product >> 64) + (rest[j] < low);
            rest[j] -= low;
        }
    }
}

/* The top limb of x * y modulo 2^(64 limbs), less what lower columns carry into it (under 2 * limbs). */
static uint64_t top_column(const uint64_t *x, const uint64_t *y, size_t limbs) {
    uint64_t sum = x[0] * y[limbs - 1];
    for (size_t i = 0; i + 1 < limbs; i++) {
        unsigned __int128 product = (unsigned __int128)x[i] * y[limbs - 2 - i];
        sum += (uint64_t)(product >> 64) + x[i + 1] * y[limbs - 2 - i];
    }
    return sum;
}

static void divide_one(const struct divisors *by, size_t first, size_t last, const uint64_t *p, uint64_t *divides) {
    static const uint64_t one[MAX_LIMBS] = {1};
    uint64_t x[MAX_LIMBS];
    double top = (double)p[by->limbs - 1];
    *divides = 0;
    if (by->keys == 1) {
        solve(p, by->moduli, by->limbs, x);
        *divides = fabs((double)x[by->limbs - 1] - by->top[0] / top) < TOLERANCE;
        return;
    }
    solve(p, one, by->limbs, x);
    for (size_t key = first; key < last; key++) {
        double got = (double)top_column(x, by->moduli + 2 * key * by->limbs, by->limbs);
        *divides |= (uint64_t)(fabs(got - by->top[key] / top) < TOLERANCE) << (key - first);
    }
}

#ifdef HAVE_IFMA
#include <immintrin.h>

/* Sixteen candidates at once, two registers of eight lanes, in limbs of 52 bits. */
#define DIGITS ((MAX_FACTOR_BYTES * 8 + 51) / 52)
#define IFMA __attribute__((target("avx512f,avx512dq,avx512ifma")))
#define FORCE static inline __attribute__((always_inline))
static const uint64_t MASK52 = ((uint64_t)1 << 52) - 1;

static uint64_t digit52(const uint64_t *limbs, size_t count, size_t digit) {
    size_t bit = digit * 52, at = bit / 64, shift = bit % 64;
    uint64_t value = at < count ? limbs[at] >> shift : 0;
    if (shift > 12 && at + 1 < count) value |= limbs[at + 1] << (64 - shift);
    return value & MASK52;
}

IFMA FORCE void columns(const __m512i *restrict x, const __m512i *restrict p, size_t k, __m512i *restrict sum) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i low0 = zero, low1 = zero, high0 = zero, high1 = zero;
    for (size_t i = 0; i < k; i++) {
        const __m512i *xi = x + 2 * i, *pl = p + 2 * (k - i), *ph = p + 2 * (k - 1 - i);
        low0 = _mm512_madd52lo_epu64(low0, xi[0], pl[0]);
        low1 = _mm512_madd52lo_epu64(low1, xi[1], pl[1]);
        high0 = _mm512_madd52hi_epu64(high0, xi[0], ph[0]);
        high1 = _mm512_madd52hi_epu64(high1, xi[1], ph[1]);
    }
    sum[0] = _mm512_add_epi64(low0, high0);
    sum[1] = _mm512_add_epi64(low1, high1);
}

/* x = right / p modulo 2^(52 digits), all lanes. `right` is the same for all lanes. */
IFMA FORCE void solve52(const __m512i *p, const uint64_t *right, size_t digits, __m512i *x) {
    const __m512i mask = _mm512_set1_epi64((long long)MASK52), zero = _mm512_setzero_si512();
    uint64_t lanes[16], inverse[16];
    memcpy(lanes, p, sizeof lanes);
    for (int lane = 0; lane < 16; lane++) inverse[lane] = inverse64(lanes[lane]) & MASK52;
    __m512i by0 = _mm512_loadu_si512(inverse), by1 = _mm512_loadu_si512(inverse + 8), carry[2] = {zero, zero};
    for (size_t k = 0; k < digits; k++) {
        __m512i sum[2], want = _mm512_set1_epi64((long long)right[k]);
        columns(x, p, k, sum);
        sum[0] = _mm512_add_epi64(sum[0], carry[0]);
        sum[1] = _mm512_add_epi64(sum[1], carry[1]);
        __m512i miss0 = _mm512_and_si512(_mm512_sub_epi64(want, sum[0]), mask);
        __m512i miss1 = _mm512_and_si512(_mm512_sub_epi64(want, sum[1]), mask);
        x[2 * k] = _mm512_madd52lo_epu64(zero, miss0, by0);
        x[2 * k + 1] = _mm512_madd52lo_epu64(zero, miss1, by1);
        carry[0] = _mm512_srli_epi64(_mm512_madd52lo_epu64(sum[0], x[2 * k], p[0]), 52);
        carry[1] = _mm512_srli_epi64(_mm512_madd52lo_epu64(sum[1], x[2 * k + 1], p[1]), 52);
    }
}

/* The bits of the quotient that the top of a 64-bit limb holds, against their estimate. */
IFMA FORCE uint32_t agree(__m512i got0, __m512i got1, __m512d want0, __m512d want1, double tolerance) {
    const __m512i mask = _mm512_set1_epi64((long long)MASK52);
    __m512d bound = _mm512_set1_pd(tolerance);
    __m512d off0 = _mm512_sub_pd(_mm512_cvtepu64_pd(_mm512_and_si512(got0, mask)), want0);
    __m512d off1 = _mm512_sub_pd(_mm512_cvtepu64_pd(_mm512_and_si512(got1, mask)), want1);
    uint32_t low = _mm512_cmp_pd_mask(_mm512_abs_pd(off0), bound, _CMP_LT_OQ);
    return low | (uint32_t)_mm512_cmp_pd_mask(_mm512_abs_pd(off1), bound, _CMP_LT_OQ) << 8;
}

IFMA FORCE void divide52_of(const struct divisors *by, size_t first, size_t last,
                            const uint64_t (*candidate)[MAX_LIMBS], uint64_t *divides, size_t digits) {
    __m512i p[2 * DIGITS], x[2 * DIGITS];
    uint64_t right[DIGITS] = {1}, *lanes = (uint64_t *)p;
    double tops[16];
    for (size_t k = 0; k < digits; k++)
        for (int lane = 0; lane < 16; lane++) lanes[16 * k + lane] = digit52(candidate[lane], by->limbs, k);
    for (int lane = 0; lane < 16; lane++) tops[lane] = (double)candidate[lane][by->limbs - 1], divides[lane] = 0;
    if (by->keys == 1)
        for (size_t k = 0; k < digits; k++) right[k] = digit52(by->moduli, 2 * by->limbs, k);
    /* digits are counted one short of the top: bits from 52 (digits - 1) on are compared with q's estimate */
    solve52(p, right, digits, x);
    double scale = ldexp(1.0, (int)(64 * by->limbs - 64) - (int)(52 * (digits - 1)));
    for (size_t key = first; key < last; key++) {
        __m512i got[2] = {x[2 * digits - 2], x[2 * digits - 1]};
        if (by->keys > 1) {
            const uint64_t *modulus = by->digits + key * digits;
            got[0] = got[1] = _mm512_setzero_si512();
            for (size_t i = 0; i < digits; i++) {
                __m512i n = _mm512_set1_epi64((long long)modulus[digits - 1 - i]);
                got[0] = _mm512_madd52lo_epu64(got[0], x[2 * i], n);
                got[1] = _mm512_madd52lo_epu64(got[1], x[2 * i + 1], n);
                if (i + 1 == digits) break;
                n = _mm512_set1_epi64((long long)modulus[digits - 2 - i]);
                got[0] = _mm512_madd52hi_epu64(got[0], x[2 * i], n);
                got[1] = _mm512_madd52hi_epu64(got[1], x[2 * i + 1], n);
            }
        }
        __m512d top = _mm512_set1_pd(by->top[key] * scale);
        __m512d want0 = _mm512_div_pd(top, _mm512_loadu_pd(tops));
        __m512d want1 = _mm512_div_pd(top, _mm512_loadu_pd(tops + 8));
        uint32_t hits = agree(got[0], got[1], want0, want1, ldexp(1.0, 10) + TOLERANCE * scale);
        for (; hits; hits &= hits - 1) divides[__builtin_ctz(hits)] |= (uint64_t)1 << (key - first);
    }
}

/* The widths of common keys as constants, so that the compiler unrolls them. */
IFMA static void divide52(const struct divisors *by, size_t first, size_t last,
                          const uint64_t (*candidate)[MAX_LIMBS], uint64_t *divides) {
    size_t digits = (by->limbs * 64 + 51) / 52;
    if (digits == 20) divide52_of(by, first, last, candidate, divides, 20);
    else divide52_of(by, first, last, candidate, divides, digits);
}
#endif

void divide_batch(const struct divisors *by, size_t first, size_t count, const uint64_t (*candidate)[MAX_LIMBS],
                  uint64_t *divides) {
    size_t last = by->keys < first + 64 ? by->keys : first + 64;
#ifdef HAVE_IFMA
    if (by->level > 0) {
        divide52(by, first, last, candidate, divides);
        return;
    }
#endif
    for (size_t c = 0; c < count; c++) divide_one(by, first, last, candidate[c], divides + c);
}
