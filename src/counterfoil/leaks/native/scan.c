/* Scans a buffer for parts of RSA keys: sieve, then exact division; and the top of private exponents. */
#include "kernel.h"

/* A group of moduli whose factors are equally wide; `width` is that of a factor in bytes, a multiple of 8. */
struct group {
    uint64_t width, keys, moduli, top; /* top: least top byte of a factor; moduli: of the sieve, see sieve.c */
    const uint64_t *numbers;           /* [keys][width / 4]: the moduli, least significant limb first */
    const double *tops;                /* [keys]: see struct divisors */
    const struct exponent *exponents;  /* [keys]; tolerance 0: not looked for */
    const uint64_t *digits;            /* see struct divisors */
    uint64_t zeros;                    /* most zero bytes in a factor; twice that in an exponent */
};

struct hits {
    struct hit *at;
    size_t count, most;
};

struct batch {
    uint64_t limbs[DIVIDE_BATCH][MAX_LIMBS];
    uint64_t offset[DIVIDE_BATCH];
    uint16_t order[DIVIDE_BATCH];
    size_t count;
};

EXPORT int kernel_version(void) { return KERNEL_VERSION; }

int best_level(void) {
#ifdef HAVE_IFMA
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq");
#else
    return 0;
#endif
}

static void add(struct hits *hits, uint64_t offset, size_t key, uint16_t order, uint16_t part) {
    if (hits->count < hits->most) hits->at[hits->count++] = (struct hit){offset, (uint32_t)key, order, part};
}

CLONES static size_t zeros_in(const uint8_t *bytes, size_t count) {
    size_t zeros = 0;
    for (size_t i = 0; i < count; i++) zeros += bytes[i] == 0;
    return zeros;
}

static void divide(struct batch *batch, const struct group *group, int level, struct hits *hits) {
    const struct divisors by = {group->width / 8, group->keys, group->numbers, group->tops, group->digits, level};
    uint64_t divides[DIVIDE_BATCH];
    for (size_t first = 0; first < group->keys && batch->count; first += 64) {
        divide_batch(&by, first, batch->count, (const uint64_t(*)[MAX_LIMBS])batch->limbs, divides);
        for (size_t c = 0; c < batch->count; c++)
            for (uint64_t set = divides[c]; set; set &= set - 1)
                add(hits, batch->offset[c], first + (size_t)__builtin_ctzll(set), batch->order[c], FACTOR);
    }
    batch->count = 0;
}

static void factors(const uint8_t *buffer, uint64_t at, size_t positions, const struct group *group, uint16_t order,
                    int level, struct batch *batch, struct hits *hits) {
    uint8_t keep[SIEVE_BLOCK + 8] = {0};
    size_t width = group->width;
    if (!sieve_block(buffer + at, positions, width, order, (uint8_t)group->top, (int)group->moduli, keep)) return;
    for (size_t eight = 0; eight < positions; eight += 8) {
        uint64_t set = load64(keep + eight);
        if (eight + 8 > positions) set &= ((uint64_t)1 << 8 * (positions - eight)) - 1;
        for (; set; set &= set - 1) {
            size_t i = eight + (size_t)__builtin_ctzll(set) / 8;
            const uint8_t *window = buffer + at + i;
            if (zeros_in(window, width) > group->zeros) continue;
            for (size_t k = 0; k < width / 8; k++) batch->limbs[batch->count][k] = limb_of(window, width, order, k);
            batch->offset[batch->count] = at + i;
            batch->order[batch->count++] = order;
            if (batch->count == DIVIDE_BATCH) divide(batch, group, level, hits);
        }
    }
}

static void exponents(const uint8_t *buffer, uint64_t at, size_t positions, const struct group *group, uint16_t order,
                      int level, struct hits *hits) {
    uint8_t keep[SIEVE_BLOCK] = {0};
    size_t width = 2 * group->width;
    if (!exponent_block(buffer + at, positions, width, order, group->exponents, group->keys, level, keep)) return;
    for (size_t i = 0; i < positions; i++) {
        const uint8_t *window = buffer + at + i;
        if (!keep[i] || zeros_in(window, width) > 2 * group->zeros) continue;
        for (size_t key = 0; key < group->keys; key++)
            if (exponent_fits(window, width, order, group->exponents + key)) add(hits, at + i, key, order, EXPONENT);
    }
}

CLONES static int all_zero(const uint8_t *bytes, size_t count) {
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) any |= bytes[i];
    return any == 0;
}

/* Writes what is found of windows that start at *from .. length into `at`, at most `most`. Stops early, after a whole
 * block, when half of the room is used: *from is then where to go on. Returns the number of hits; it is `most` only if
 * a single block held more than half of that, and then some may be lost: ask again with more room. */
EXPORT size_t rsa_scan(const uint8_t *buffer, uint64_t length, const struct group *group, uint32_t orders,
                uint32_t exponent_orders, int level, uint64_t *from, struct hit *at, size_t most) {
    struct hits hits = {at, 0, most};
    struct batch batch;
    batch.count = 0;
    memset(batch.limbs, 0, sizeof batch.limbs);
    uint64_t start = *from;
    while (start + group->width <= length && hits.count <= most / 2) {
        size_t positions = (size_t)(length - group->width - start + 1), reach;
        if (positions > SIEVE_BLOCK) positions = SIEVE_BLOCK;
        reach = positions + 2 * group->width - 1;
        if (reach > length - start) reach = (size_t)(length - start);
        if (!all_zero(buffer + start, reach)) {
            size_t wide = reach >= 2 * group->width ? reach - 2 * group->width + 1 : 0;
            for (uint32_t order = BIG; order <= WORDS; order *= 2) {
                if (orders & order)
                    factors(buffer, start, positions, group, (uint16_t)order, level, &batch, &hits);
                if ((exponent_orders & order) && wide)
                    exponents(buffer, start, wide, group, (uint16_t)order, level, &hits);
            }
        }
        start += positions;
    }
    divide(&batch, group, level, &hits);
    *from = start;
    return hits.count;
}
