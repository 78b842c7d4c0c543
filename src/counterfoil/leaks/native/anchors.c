/* Where any of a set of short literals occurs: the marks by which the written forms of a key are known.
 *
 * The first four bytes of a literal pick a bucket by a multiplicative hash; one small table answers for nearly all
 * positions that no literal starts there.
 */
#include "kernel.h"

#define BITS 13
#define BUCKETS (1u << BITS)
#define MAX_LITERALS 255

struct literal {
    const uint8_t *bytes;
    uint64_t length; /* at least 4 */
};

struct found {
    uint64_t offset;
    uint64_t literal;
};

static inline uint32_t bucket_of(uint32_t four) { return (four * 2654435761u) >> (32 - BITS); }

/* Writes the literals found at from .. end (read up to `length`), at most `most`; *from is then where to go on. */
EXPORT size_t find_literals(const uint8_t *buffer, uint64_t length, uint64_t end, const struct literal *literals,
                            size_t count, uint64_t *from, struct found *at, size_t most) {
    uint8_t first[BUCKETS] = {0}, next[MAX_LITERALS + 1] = {0}; /* literals are counted from 1; 0 ends a chain */
    if (count > MAX_LITERALS || length < 8) {
        *from = end;
        return 0;
    }
    for (size_t k = 0; k < count; k++) {
        uint32_t bucket = bucket_of(load32(literals[k].bytes));
        next[k + 1] = first[bucket];
        first[bucket] = (uint8_t)(k + 1);
    }
    size_t hits = 0;
    uint64_t i = *from, whole = length - 8 + 1 < end ? length - 8 + 1 : end;
    for (; i < end; i++) {
        if (i + 4 < whole) { /* four positions from one load; most are nothing */
            uint64_t eight = load64(buffer + i);
            if (!(first[bucket_of((uint32_t)eight)] | first[bucket_of((uint32_t)(eight >> 8))] |
                  first[bucket_of((uint32_t)(eight >> 16))] | first[bucket_of((uint32_t)(eight >> 24))])) {
                i += 3;
                continue;
            }
        }
        if (length - i < 4) break;
        for (uint8_t k = first[bucket_of(load32(buffer + i))]; k; k = next[k]) {
            const struct literal *literal = literals + k - 1;
            if (literal->length > length - i || memcmp(buffer + i, literal->bytes, literal->length)) continue;
            if (hits == most) {
                *from = i;
                return hits;
            }
            at[hits++] = (struct found){i, k - 1u};
        }
    }
    *from = end;
    return hits;
}
