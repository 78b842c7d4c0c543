/* Whether a window of bytes is the private scalar of a known public point, for every window of a buffer.
 *
 * Not by multiplying each: P(j) is a running sum of points, byte j adding (byte + 1) * B(j), where B(j) = 256^-j * G for
 * big-endian numbers and 256^j * G for little-endian ones. The window that starts at i is the scalar k exactly if
 * P(i + width) - P(i) is a known point R(i), a multiple of k * G. So each byte costs one addition, and each window that
 * is looked at one addition more, whose sum is compared in x only (which finds k and -k). Many stretches of the buffer
 * run side by side: they share the tables and, after Montgomery, one inversion.
 *
 * The sums start from a point nobody knows (Python draws it), so that no input can bring about equal points, which these
 * additions could not add. The prime of the field comes with the tables; numbers are in Montgomery form.
 */
#include "kernel.h"

#define MOST_WORDS 9       /* of a coordinate, 64 bits each: P-521 */
#define MOST_WIDTH 66      /* of a scalar in bytes: P-521 */
#define STRETCH 256        /* windows that one lane looks at */
#define LANES 256           /* stretches that run side by side */
#define MOST_CURVE_KEYS 16 /* points looked for in one call */
#define MOST_BATCH (LANES * (1 + MOST_CURVE_KEYS))

struct curve {
    uint64_t words, width;   /* of a coordinate in 64-bit words; of a scalar in bytes */
    uint64_t keys, step;     /* points looked for; windows looked at start at multiples of this */
    const uint64_t *prime;   /* [words] */
    uint64_t prime_inverse;  /* -1 / prime modulo 2^64 */
    const uint64_t *one;     /* [words]: 1 in Montgomery form */
    const uint64_t *start;   /* [2 words]: x, y of the unknown point */
    const uint64_t *bases;   /* [STRETCH + width][2 words]: B(j) */
    const uint64_t *targets; /* [keys][STRETCH][2 words]: R(i) */
    uint64_t *table;         /* [STRETCH + width][256][2 words]: see curve_prepare */
    uint64_t zeros;          /* most zero bytes in a scalar */
    uint64_t order;          /* enum order, for the hits */
};

typedef uint64_t word;
/* the words of a number are few, and constant in each of the three products below: GCC would leave these loops */
#define UNROLL _Pragma("GCC unroll 9")
#define FORCE static inline __attribute__((always_inline))

FORCE word subtract(word *r, const word *a, const word *b, size_t n) {
    word borrow = 0;
    UNROLL
    for (size_t i = 0; i < n; i++) {
        unsigned __int128 d = (unsigned __int128)a[i] - b[i] - borrow;
        r[i] = (word)d;
        borrow = (word)(d >> 64) & 1;
    }
    return borrow;
}

FORCE void modular_subtract(word *r, const word *a, const word *b, const struct curve *c, size_t n) {
    word mask = (word)0 - subtract(r, a, b, n), carry = 0;
    UNROLL
    for (size_t i = 0; i < n; i++) {
        unsigned __int128 s = (unsigned __int128)r[i] + (c->prime[i] & mask) + carry;
        r[i] = (word)s;
        carry = (word)(s >> 64);
    }
}

/* r = a * b / 2^(64 n) modulo the prime (Montgomery, coarsely integrated operand scanning). */
FORCE void product(word *r, const word *a, const word *b, const struct curve *c, size_t n) {
    word t[MOST_WORDS + 2] = {0}, less[MOST_WORDS];
    UNROLL
    for (size_t i = 0; i < n; i++) {
        word carry = 0;
        UNROLL
        for (size_t j = 0; j < n; j++) {
            unsigned __int128 s = (unsigned __int128)a[j] * b[i] + t[j] + carry;
            t[j] = (word)s;
            carry = (word)(s >> 64);
        }
        unsigned __int128 s = (unsigned __int128)t[n] + carry;
        t[n] = (word)s;
        t[n + 1] = (word)(s >> 64);
        word m = t[0] * c->prime_inverse;
        s = (unsigned __int128)m * c->prime[0] + t[0];
        carry = (word)(s >> 64);
        UNROLL
        for (size_t j = 1; j < n; j++) {
            s = (unsigned __int128)m * c->prime[j] + t[j] + carry;
            t[j - 1] = (word)s;
            carry = (word)(s >> 64);
        }
        s = (unsigned __int128)t[n] + carry;
        t[n - 1] = (word)s;
        t[n] = t[n + 1] + (word)(s >> 64);
    }
    word below = subtract(less, t, c->prime, n);
    word keep = (word)0 - (word)(below > t[n]); /* the number was below the prime */
    UNROLL
    for (size_t i = 0; i < n; i++) r[i] = (t[i] & keep) | (less[i] & ~keep);
}

/* Functions of their own: in line everywhere they would take minutes to compile. */
__attribute__((noinline)) static void product4(word *r, const word *a, const word *b, const struct curve *c) {
    product(r, a, b, c, 4);
}

__attribute__((noinline)) static void product6(word *r, const word *a, const word *b, const struct curve *c) {
    product(r, a, b, c, 6);
}

__attribute__((noinline)) static void product9(word *r, const word *a, const word *b, const struct curve *c) {
    product(r, a, b, c, 9);
}

static inline void multiply(word *r, const word *a, const word *b, const struct curve *c, size_t n) {
    if (n == 4) product4(r, a, b, c);
    else if (n == 6) product6(r, a, b, c);
    else product9(r, a, b, c);
}

static int is_zero(const word *a, size_t n) {
    word any = 0;
    for (size_t i = 0; i < n; i++) any |= a[i];
    return any == 0;
}

/* r = 1 / a by Fermat: a^(prime - 2). */
static void invert(word *r, const word *a, const struct curve *c, size_t n) {
    word power[MOST_WORDS], two[MOST_WORDS] = {2}, exponent[MOST_WORDS];
    subtract(exponent, c->prime, two, n);
    memcpy(power, c->one, n * 8);
    for (size_t bit = 64 * n; bit-- > 0;) {
        multiply(power, power, power, c, n);
        if (exponent[bit / 64] >> (bit % 64) & 1) multiply(power, power, a, c, n);
    }
    memcpy(r, power, n * 8);
}

/* Replaces each of `count` numbers by its inverse, for the price of one inversion. A zero stays out of it, as 1. */
static void invert_all(word *numbers, size_t count, word *products, const struct curve *c, size_t n) {
    word running[MOST_WORDS], inverse[MOST_WORDS], next[MOST_WORDS];
    memcpy(running, c->one, n * 8);
    for (size_t i = 0; i < count; i++) {
        memcpy(products + i * n, running, n * 8);
        if (is_zero(numbers + i * n, n)) memcpy(numbers + i * n, c->one, n * 8);
        multiply(running, running, numbers + i * n, c, n);
    }
    invert(inverse, running, c, n);
    for (size_t i = count; i-- > 0;) {
        multiply(next, inverse, numbers + i * n, c, n);
        multiply(numbers + i * n, inverse, products + i * n, c, n);
        memcpy(inverse, next, n * 8);
    }
}

/* x of a + b, with inverse = 1 / (b.x - a.x); the slope is kept for y. */
static void sum_x(word *x, word *slope, const word *a, const word *b, const word *inverse, const struct curve *c, size_t n) {
    word rise[MOST_WORDS], square[MOST_WORDS];
    modular_subtract(rise, b + n, a + n, c, n);
    multiply(slope, rise, inverse, c, n);
    multiply(square, slope, slope, c, n);
    modular_subtract(square, square, a, c, n);
    modular_subtract(x, square, b, c, n);
}

static void sum(word *r, const word *a, const word *b, const word *inverse, const struct curve *c, size_t n) {
    word x[MOST_WORDS], slope[MOST_WORDS], run[MOST_WORDS];
    sum_x(x, slope, a, b, inverse, c, n);
    modular_subtract(run, a, x, c, n);
    multiply(run, run, slope, c, n);
    modular_subtract(r + n, run, a + n, c, n);
    memcpy(r, x, n * 8);
}

/* The multiples 1 .. 256 of all bases. 2 B is given by Python behind the bases, so that no point is added to itself. */
static void prepare(const struct curve *c, size_t n) {
    size_t places = STRETCH + c->width, point = 2 * n;
    word lanes[LANES * MOST_WORDS], products[LANES * MOST_WORDS];
    const word *doubles = c->bases + places * point;
    for (size_t first = 0; first < places; first += LANES) {
        size_t count = places - first < LANES ? places - first : LANES;
        for (size_t j = first; j < first + count; j++) {
            memcpy(c->table + j * 256 * point, c->bases + j * point, point * 8);
            memcpy(c->table + (j * 256 + 1) * point, doubles + j * point, point * 8);
        }
        for (size_t k = 2; k < 256; k++) {
            for (size_t l = 0; l < count; l++)
                modular_subtract(lanes + l * n, c->bases + (first + l) * point,
                                 c->table + ((first + l) * 256 + k - 1) * point, c, n);
            invert_all(lanes, count, products, c, n);
            for (size_t l = 0; l < count; l++) {
                word *row = c->table + (first + l) * 256 * point;
                sum(row + k * point, row + (k - 1) * point, c->bases + (first + l) * point, lanes + l * n, c, n);
            }
        }
    }
}

struct lanes {
    size_t count;
    uint64_t at[LANES];               /* where the stretch starts in the buffer */
    uint8_t wanted[LANES][STRETCH];   /* windows to look at */
    word points[LANES][MOST_WIDTH + 1][2 * MOST_WORDS]; /* the last sums, P(j) at j modulo (width + 1) */
    word numbers[MOST_BATCH * MOST_WORDS], products[MOST_BATCH * MOST_WORDS];
};

struct found {
    struct hit *at;
    size_t count, most;
};

static void compare(struct lanes *s, const struct curve *c, size_t i, size_t lane, size_t key, const word *inverse,
                   struct found *found, size_t n) {
    word x[MOST_WORDS], slope[MOST_WORDS];
    size_t ring = c->width + 1;
    const word *target = c->targets + (key * STRETCH + i) * 2 * n;
    sum_x(x, slope, s->points[lane][i % ring], target, inverse, c, n);
    if (memcmp(x, s->points[lane][(i + c->width) % ring], n * 8) == 0 && found->count < found->most)
        found->at[found->count++] = (struct hit){s->at[lane] + i, (uint32_t)key, (uint16_t)c->order, SCALAR};
}

/* Runs all lanes over their stretches. At place j the sum P(j) is known and the window at j - width is looked at, in
 * one batch of inversions with the addition of byte j. */
static void run(struct lanes *s, const uint8_t *buffer, const struct curve *c, struct found *found, size_t n) {
    size_t places = STRETCH + c->width, ring = c->width + 1, point = 2 * n;
    for (size_t l = 0; l < s->count; l++) memcpy(s->points[l][0], c->start, point * 8);
    for (size_t j = 0; j <= places; j++) {
        size_t batch = 0, window = j - c->width; /* wraps below the first window */
        int adds = j < places, looks = window < STRETCH && window % c->step == 0;
        for (size_t l = 0; adds && l < s->count; l++, batch++)
            modular_subtract(s->numbers + batch * n, c->table + (j * 256 + buffer[s->at[l] + j]) * point,
                             s->points[l][j % ring], c, n);
        for (size_t l = 0; looks && l < s->count; l++)
            for (size_t key = 0; key < c->keys && s->wanted[l][window]; key++, batch++)
                modular_subtract(s->numbers + batch * n, c->targets + (key * STRETCH + window) * point,
                                 s->points[l][window % ring], c, n);
        invert_all(s->numbers, batch, s->products, c, n);
        batch = adds ? s->count : 0;
        for (size_t l = 0; looks && l < s->count; l++)
            for (size_t key = 0; key < c->keys && s->wanted[l][window]; key++, batch++)
                compare(s, c, window, l, key, s->numbers + batch * n, found, n);
        for (size_t l = 0; adds && l < s->count; l++)
            sum(s->points[l][(j + 1) % ring], s->points[l][j % ring],
                c->table + (j * 256 + buffer[s->at[l] + j]) * point, s->numbers + l * n, c, n);
    }
    s->count = 0;
}

/* Marks the windows of a stretch that may be a scalar: few zero bytes, and not all ASCII. Returns whether any may. */
static int wanted(const uint8_t *bytes, const struct curve *c, size_t windows, uint8_t *mark) {
    size_t zeros = 0, high = 0;
    int any = 0;
    for (size_t j = 0; j + 1 < c->width; j++) zeros += bytes[j] == 0, high += bytes[j] >> 7;
    for (size_t i = 0; i < STRETCH; i++) {
        mark[i] = 0;
        if (i >= windows) continue;
        uint8_t last = bytes[i + c->width - 1];
        zeros += last == 0, high += last >> 7;
        mark[i] = zeros <= c->zeros && high > 0 && i % c->step == 0;
        any |= mark[i];
        zeros -= bytes[i] == 0, high -= bytes[i] >> 7;
    }
    return any;
}

static size_t scan(const uint8_t *buffer, uint64_t length, const struct curve *c, uint64_t *from, struct found *found,
                  struct lanes *s, size_t n) {
    uint64_t start = *from;
    s->count = 0;
    while (start + STRETCH + c->width <= length && found->count <= found->most / 2) {
        if (wanted(buffer + start, c, STRETCH, s->wanted[s->count])) s->at[s->count++] = start;
        if (s->count == LANES) run(s, buffer, c, found, n);
        start += STRETCH;
    }
    if (s->count) run(s, buffer, c, found, n);
    *from = start;
    return found->count;
}

EXPORT uint64_t curve_room(void) { return sizeof(struct lanes); }

/* Fills the table of multiples. Returns 0, or 1 for a curve of a size that is not known here. */
EXPORT int curve_prepare(const struct curve *c) {
    if (c->words != 4 && c->words != 6 && c->words != 9) return 1;
    prepare(c, c->words);
    return 0;
}

/* Looks at the windows of whole stretches from *from on; the buffer ends STRETCH + width bytes after the last one (pad
 * it). `room` is curve_room() bytes. Returns the hits written to `at`, at most `most`; *from is where to go on. */
EXPORT size_t curve_scan(const uint8_t *buffer, uint64_t length, const struct curve *c, uint64_t *from, struct hit *at,
                         size_t most, void *room) {
    struct found found = {at, 0, most};
    if (c->keys > MOST_CURVE_KEYS || c->width > MOST_WIDTH || c->words > MOST_WORDS) return 0;
    return scan(buffer, length, c, from, &found, room, c->words);
}
