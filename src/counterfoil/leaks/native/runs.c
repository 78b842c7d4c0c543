/* Runs of bytes of a class, and what long runs of Base64 hold, also where programs and formats break them up.
 *
 * Only signs are told apart here; what the bytes mean is Python's business. counterfoil.leaks._portable has the same in
 * Python, and tests hold both to the same answers.
 */
#include "kernel.h"

/* A run of Base64 is looked at if so many signs stand together somewhere in it. */
#define LEAST_RUN 32
/* After a gap a line of fewer signs is the last one. */
#define LEAST_LINE 16
/* Longer gaps end a run. */
#define MOST_GAP 160
/* A place is told for each run, and within it after so many bytes. */
#define PLACE_EVERY 1024

enum sign { PAD = 64, GAP = 65, ESCAPE = 66, END = 67 };

struct run {
    uint64_t from, to;
};

/* What stands at from .. to is written to out[at .. at + size). */
struct place {
    uint64_t from, to, at;
    uint32_t size, flags;
};
/* FIRST: something that is coded by itself begins. RUN: a run begins. UNEVEN: a line of it holds no whole groups, so that lines may be runs of their own. GLUED: what
 * stands before it may belong to something else. */
enum flags { FIRST = 1, UNEVEN = 2, GLUED = 4, RUN = 8 };

/* Returns the next run of at least `least` units that starts at i, i + unit .. before `end`; a unit is a byte of the
 * class, followed by zeros. In each stretch of `least` units one is asked first: most stretches hold no run. */
static int next_run(const uint8_t *buffer, uint64_t length, uint64_t end, const uint8_t *class, uint64_t unit,
                    uint64_t least, uint64_t *i, struct run *run) {
#define UNIT(at) ((at) + unit <= length && class[buffer[at]] && (unit == 1 || !buffer[(at) + 1]))
    while (*i < end) {
        uint64_t probe = *i + (least - 1) * unit, from = probe;
        if (probe + unit > length) return 0;
        if (!UNIT(probe)) {
            *i = probe + unit;
            continue;
        }
        while (from > *i && UNIT(from - unit)) from -= unit;
        uint64_t to = probe + unit;
        while (UNIT(to)) to += unit;
        *i = to + unit;
        if (to - from >= least * unit && from < end) {
            *run = (struct run){from, to};
            return 1;
        }
    }
    return 0;
}

/* Writes the runs that start at from .. end, at most `most`; *from is then where to go on. */
EXPORT size_t find_runs(const uint8_t *buffer, uint64_t length, uint64_t end, const uint8_t *class, uint64_t unit,
                        uint64_t least, uint64_t *from, struct run *at, size_t most) {
    size_t found = 0;
    while (found < most && next_run(buffer, length, end, class, unit, least, from, at + found)) found++;
    if (found < most) *from = end > *from ? end : *from;
    return found;
}

static void signs(uint8_t table[256], uint8_t class[256]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    memset(table, END, 256);
    memset(class, 0, 256);
    for (int k = 0; k < 64; k++) table[(uint8_t)letters[k]] = (uint8_t)k, class[(uint8_t)letters[k]] = 1;
    table['-'] = 62, class['-'] = 1, table['_'] = 63, class['_'] = 1;
    for (const char *c = " \t\r\n\"'`,;.|>#*()[]"; *c; c++) table[(uint8_t)*c] = GAP;
    table['='] = PAD;
    for (const char *c = "\\%&<+-_"; *c; c++) table[(uint8_t)*c] = ESCAPE;
}

static int hex(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct text {
    const uint8_t *buffer;
    uint64_t length;
    uint8_t table[256], class[256];
};

/* The sign that a character's number stands for. */
static int coded(const struct text *text, uint32_t code) {
    if (code > 127) return END;
    int sign = text->table[code];
    if (code == '+' || code == '-') return 62;
    if (code == '_') return 63;
    return sign == ESCAPE ? END : sign;
}

/* Reads `count` hexadecimal digits at `at`, if they are there. */
static int digits(const struct text *text, uint64_t at, int count, uint32_t *code) {
    *code = 0;
    if (at + (uint64_t)count > text->length) return 0;
    for (int k = 0; k < count; k++) {
        int digit = hex(text->buffer[at + (uint64_t)k]);
        if (digit < 0) return 0;
        *code = *code << 4 | (uint32_t)digit;
    }
    return 1;
}

static int blank(const struct text *text, uint64_t at) {
    uint8_t c = at < text->length ? text->buffer[at] : ' ';
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '"' || c == '\'';
}

/* &#10; &#xA; &quot; and a lone ampersand, which joins strings in some languages. */
static int entity(const struct text *text, uint64_t *i) {
    uint64_t at = *i + 1;
    uint32_t code = 0;
    if (at + 5 <= text->length && !memcmp(text->buffer + at, "quot;", 5)) return *i += 6, GAP;
    if (at >= text->length || text->buffer[at] != '#') return ++*i, GAP;
    int base = at + 1 < text->length && (text->buffer[at + 1] | 32) == 'x' ? 16 : 10;
    at += base == 16 ? 2 : 1;
    for (int k = 0; k < 5 && at < text->length; k++, at++) {
        int digit = hex(text->buffer[at]);
        if (text->buffer[at] == ';' && k) return *i = at + 1, coded(text, code);
        if (digit < 0 || digit >= base) break;
        code = code * (uint32_t)base + (uint32_t)digit;
    }
    return ++*i, GAP;
}

/* The sign that an escape at *i stands for; moves *i behind it. */
static int escape(const struct text *text, uint64_t *i) {
    const uint8_t *buffer = text->buffer;
    uint8_t c = buffer[*i], next = *i + 1 < text->length ? buffer[*i + 1] : 0;
    uint32_t code;
    if (c == '+' || c == '-' || c == '_') { /* alone it joins strings, or is a list's */
        int alone = (*i == 0 || blank(text, *i - 1)) && blank(text, *i + 1);
        return ++*i, alone ? GAP : c == '_' ? 63 : 62;
    }
    if (c == '&') return entity(text, i);
    if (c == '%') { /* also of an address within an address: %252B */
        uint64_t at = *i + 1;
        for (int k = 0; k < 3 && digits(text, at, 4, &code) && code >> 8 == 0x25; k++) at += 2;
        return digits(text, at, 2, &code) ? (*i = at + 2, coded(text, code)) : END;
    }
    if (c == '<') {
        if (*i + 4 > text->length || (buffer[*i + 1] | 32) != 'b' || (buffer[*i + 2] | 32) != 'r') return END;
        for (uint64_t at = *i + 3; at < text->length && at < *i + 7; at++)
            if (buffer[at] == '>') return *i = at + 1, GAP;
        return END;
    }
    if (next == 'n' || next == 'r' || next == 't') return *i += 2, GAP;
    if (next == 'u' && digits(text, *i + 2, 4, &code)) return *i += 6, coded(text, code);
    if (next == 'x' && digits(text, *i + 2, 2, &code)) return *i += 4, coded(text, code);
    return ++*i, GAP;
}

struct sink {
    uint8_t *out;
    uint64_t size;
    struct place *places;
    size_t count;
};

/* Ends a place: a run, or a part of it that is coded by itself. */
static void end_place(struct sink *sink, struct place *place, uint64_t to) {
    place->to = to, place->size = (uint32_t)(sink->size - place->at);
    memcpy(sink->out + sink->size, "\n\0\n", 3); /* so that two never read as one */
    sink->size += 3;
}

/* Decodes the run that starts at i, without its first `skip` signs; `alone`: each line by itself. Returns its end. */
static uint64_t decode(const struct text *text, uint64_t i, uint64_t end, int skip, int alone, struct sink *sink) {
    uint64_t line = 0, gap = 0, bits = 0, until = i;
    int held = 0, first = 1, odd = 0;
    struct place *begin = sink->places + sink->count, *place = NULL;
    while (i < end) {
        uint64_t before = i;
        int sign = text->table[text->buffer[i]];
        if (sign == ESCAPE) sign = escape(text, &i);
        else i++;
        if (sign < 64) {
            if (skip) {
                skip--;
                continue;
            }
            if (!line && odd) begin->flags |= UNEVEN, odd = 0;
            if (!place || (!held && sink->size - place->at >= PLACE_EVERY)) {
                if (place) place->to = before, place->size = (uint32_t)(sink->size - place->at);
                sink->places[sink->count++] = (struct place){before, before, sink->size, 0, place ? 0 : FIRST};
                place = sink->places + sink->count - 1;
            }
            bits = bits << 6 | (uint64_t)sign, held += 6;
            if (held >= 8) held -= 8, sink->out[sink->size++] = (uint8_t)(bits >> held);
            line++, gap = 0, until = i;
            continue;
        }
        if (sign == END) break;
        if (line) {
            if (!first && line < LEAST_LINE) break;
            odd = line % 4 != 0 && sign != PAD;
            first = 0, line = 0;
        }
        if (place && (sign == PAD || alone)) {
            end_place(sink, place, until);
            place = NULL, held = 0, bits = 0;
        }
        if (sign == PAD) odd = 0;
        if (++gap > MOST_GAP) break;
    }
    if (place) end_place(sink, place, until);
    return i;
}

/* Where a run begins whose first long stretch is at `from`: escapes may stand in it, and before it. */
static uint64_t begin_of(const struct text *text, uint64_t least, uint64_t from) {
    const uint8_t *buffer = text->buffer;
    for (;;) {
        uint64_t back = from, at;
        for (uint64_t size = 2; size <= 9 && !(from - back); size++) {
            if (from < least + size) break;
            at = from - size;
            if (buffer[at] == '\\' || buffer[at] == '%' || buffer[at] == '&') {
                uint64_t i = at;
                if (escape(text, &i) < 64 && i == from) back = at;
            }
        }
        if (from > least && buffer[from - 1] == '\\' && buffer[from] == '/') back = from - 1;
        if (back == from) break;
        while (back > least && text->class[buffer[back - 1]]) back--;
        from = back;
    }
    if (from > least && (buffer[from - 1] == '\\' || buffer[from - 1] == '%')) {
        uint64_t i = from - 1;
        if (escape(text, &i) != END) return from - 1;
    }
    uint64_t same = from; /* a rule of dashes or the like is no part of it */
    while (same < text->length && buffer[same] == buffer[from]) same++;
    return same - from >= 3 && text->table[buffer[from]] == ESCAPE ? same : from;
}

/* Whether what stands before a run shows that it begins there. */
static int apart(const struct text *text, uint64_t from) {
    static const char ends[] = " \t\r\n\"'`=:,;>()[]{}|#&<*\\%-_/";
    uint8_t before = from ? text->buffer[from - 1] : 0;
    return !before || strchr(ends, before) != NULL;
}

/* Decodes the runs of Base64 that start before `end` into `out`, which holds as much as the buffer and 64 bytes more.
 * There is room for a place for every LEAST_LINE bytes. *size is what was written. */
EXPORT size_t undo_base64(const uint8_t *buffer, uint64_t length, uint64_t end, int continued, uint8_t *out,
                          uint64_t *size, struct place *places) {
    struct text text = {buffer, length, {0}, {0}};
    struct sink sink = {out, 0, places, 0};
    struct run run;
    signs(text.table, text.class);
    for (uint64_t i = 0, least = 0; next_run(buffer, length, end, text.class, 1, LEAST_RUN, &i, &run);) {
        uint64_t from = begin_of(&text, least, run.from);
        size_t first = sink.count;
        i = decode(&text, from, length, 0, 0, &sink);
        if (i < run.to) i = run.to;
        least = i;
        if (sink.count == first) continue;
        places[first].flags |= RUN;
        if ((from < MOST_GAP && continued) || !apart(&text, from)) places[first].flags |= GLUED;
    }
    *size = sink.size;
    return sink.count;
}

/* Decodes the run at from .. to in another way: without its first signs, or each line by itself. */
EXPORT size_t redo_base64(const uint8_t *buffer, uint64_t from, uint64_t to, int skip, int alone, uint8_t *out,
                          uint64_t *size, struct place *places) {
    struct text text = {buffer, to, {0}, {0}};
    struct sink sink = {out, 0, places, 0};
    signs(text.table, text.class);
    decode(&text, from, to, skip, alone, &sink);
    *size = sink.size;
    return sink.count;
}
