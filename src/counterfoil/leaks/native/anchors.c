/* Where any of a set of short literals occurs: the marks by which the written forms of a key are known.
 *
 * The first four bytes of a literal pick a bucket by a multiplicative hash; one small table answers for nearly all
 * positions that no literal starts there. Where the processor has AVX2, a coarser question comes first, of 32 positions
 * at once: could each of the four bytes, by its two halves alone, belong to a literal of one of eight groups? (The idea
 * is that of the "Teddy" searcher of Hyperscan and of Rust's aho-corasick.)
 */
#include "kernel.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define BITS 13
#define BUCKETS (1u << BITS)
#define MAX_LITERALS 255
#define GROUPS 8

struct literal {
    const uint8_t *bytes;
    uint64_t length; /* at least 4 */
};

struct found {
    uint64_t offset;
    uint64_t literal;
};

/* Bit g of low[k][h]: some literal of group g has the lower half h in its byte k; of high: the upper half. */
struct groups {
    uint8_t low[4][16], high[4][16];
};

static inline uint32_t bucket_of(uint32_t four) { return (four * 2654435761u) >> (32 - BITS); }

/* How many texts of four bytes a group lets through; four zeros count as very many, since memory is full of them. */
static double passing(const uint16_t low[4], const uint16_t high[4]) {
    double texts = 1;
    for (int k = 0; k < 4; k++) texts *= __builtin_popcount(low[k]) * __builtin_popcount(high[k]);
    int zeros = low[0] & low[1] & low[2] & low[3] & high[0] & high[1] & high[2] & high[3] & 1;
    return zeros ? texts + 1e12 : texts;
}

/* Puts each literal into the group that then lets the fewest more texts through. */
static void group(const struct literal *literals, size_t count, struct groups *made) {
    uint16_t low[GROUPS][4] = {{0}}, high[GROUPS][4] = {{0}};
    memset(made, 0, sizeof *made);
    for (size_t n = 0; n < count; n++) {
        const uint8_t *bytes = literals[n].bytes;
        int best = 0;
        double least = 0;
        for (int g = 0; g < GROUPS; g++) {
            uint16_t wider_low[4], wider_high[4];
            for (int k = 0; k < 4; k++) {
                wider_low[k] = (uint16_t)(low[g][k] | 1u << (bytes[k] & 15));
                wider_high[k] = (uint16_t)(high[g][k] | 1u << (bytes[k] >> 4));
            }
            double more = passing(wider_low, wider_high) - passing(low[g], high[g]);
            if (!g || more < least) best = g, least = more;
        }
        for (int k = 0; k < 4; k++) {
            low[best][k] |= (uint16_t)(1u << (bytes[k] & 15));
            high[best][k] |= (uint16_t)(1u << (bytes[k] >> 4));
            made->low[k][bytes[k] & 15] |= (uint8_t)(1u << best);
            made->high[k][bytes[k] >> 4] |= (uint8_t)(1u << best);
        }
    }
}

#ifdef __x86_64__
/* Returns the first block of 32 positions from `i`, before `stop`, in which a literal may start, and by *set where in
 * it; without one, the first position that was not asked of, since 35 bytes from it are not before `stop`. */
__attribute__((target("avx2"))) static uint64_t skip(const uint8_t *buffer, uint64_t i, uint64_t stop,
                                                     const struct groups *groups, uint32_t *set) {
    const __m256i half = _mm256_set1_epi8(15), none = _mm256_setzero_si256();
    __m256i low[4], high[4];
    for (int k = 0; k < 4; k++) {
        low[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)groups->low[k]));
        high[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)groups->high[k]));
    }
    for (*set = 0; i + 35 <= stop; i += 32) {
        __m256i all = _mm256_set1_epi8(-1);
        for (int k = 0; k < 4; k++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(buffer + i + k));
            __m256i down = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
            all = _mm256_and_si256(all, _mm256_shuffle_epi8(low[k], _mm256_and_si256(bytes, half)));
            all = _mm256_and_si256(all, _mm256_shuffle_epi8(high[k], down));
        }
        *set = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(all, none));
        if (*set) return i;
    }
    return i;
}
#endif

struct search {
    const uint8_t *buffer;
    uint64_t length;
    const struct literal *literals;
    struct found *at;
    size_t hits, most;
    uint8_t first[BUCKETS], next[MAX_LITERALS + 1]; /* literals are counted from 1; 0 ends a chain */
};

/* Keeps the literals that start at `i`; returns 0 if there is no more room. */
static int look(struct search *search, uint64_t i) {
    uint64_t left = search->length - i;
    if (left < 4) return 1;
    for (uint8_t k = search->first[bucket_of(load32(search->buffer + i))]; k; k = search->next[k]) {
        const struct literal *literal = search->literals + k - 1;
        if (literal->length > left || memcmp(search->buffer + i, literal->bytes, literal->length)) continue;
        if (search->hits == search->most) return 0;
        search->at[search->hits++] = (struct found){i, k - 1u};
    }
    return 1;
}

/* Writes the literals found at from .. end (read up to `length`), at most `most`; *from is then where to go on.
 * `level` 0: portable instructions only. */
EXPORT size_t find_literals(const uint8_t *buffer, uint64_t length, uint64_t end, const struct literal *literals,
                            size_t count, int level, uint64_t *from, struct found *at, size_t most) {
    struct search search = {buffer, length, literals, at, 0, most, {0}, {0}};
    if (count > MAX_LITERALS || length < 8) {
        *from = end;
        return 0;
    }
    for (size_t k = 0; k < count; k++) {
        uint32_t bucket = bucket_of(load32(literals[k].bytes));
        search.next[k + 1] = search.first[bucket];
        search.first[bucket] = (uint8_t)(k + 1);
    }
    uint64_t i = *from, whole = length - 8 + 1 < end ? length - 8 + 1 : end;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (level && __builtin_cpu_supports("avx2")) {
        struct groups groups;
        uint32_t set;
        group(literals, count, &groups);
        while ((i = skip(buffer, i, whole, &groups, &set)), set) {
            for (; set; set &= set - 1) {
                uint64_t place = i + (uint64_t)__builtin_ctz(set);
                if (!look(&search, place)) {
                    *from = place;
                    return search.hits;
                }
            }
            i += 32;
        }
    }
#else
    (void)level;
#endif
    for (; i < end; i++) {
        if (i + 4 < whole) { /* four positions from one load; most are nothing */
            uint64_t eight = load64(buffer + i);
            if (!(search.first[bucket_of((uint32_t)eight)] | search.first[bucket_of((uint32_t)(eight >> 8))] |
                  search.first[bucket_of((uint32_t)(eight >> 16))] | search.first[bucket_of((uint32_t)(eight >> 24))])) {
                i += 3;
                continue;
            }
        }
        if (!look(&search, i)) {
            *from = i;
            return search.hits;
        }
    }
    *from = end;
    return search.hits;
}
