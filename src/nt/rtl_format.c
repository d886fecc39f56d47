/* SPDX-License-Identifier: MIT */
/*
 * NT's printf: the conversions of Microsoft's C library as the kernel has them.
 *
 *   d i u o x X  with h, l (32 bits), ll, I64 (64), I, z, t, j (a pointer's 64), I32, hh
 *   c C s S      h: bytes, l and w: UTF-16; without, c and s have the units of the format, C and S
 *                the other ones; (null) for a NULL pointer
 *   Z wZ         ANSI_STRING and UNICODE_STRING
 *   p            16 upper-case digits
 *   %
 *
 * Flags, width and precision as in C, `*` too.  The kernel has no floating point here: such a
 * conversion, %n and everything unknown is copied as it stands; a floating-point one takes its
 * argument.  Text goes to a sink that counts, and stores what fits.
 */
#include "nt/ex.h"

#include <string.h>

enum length { LENGTH_NONE, LENGTH_HH, LENGTH_H, LENGTH_L, LENGTH_W, LENGTH_64 };

struct spec {
    bool minus, plus, blank, alternate, zero;
    bool has_precision;
    size_t width, precision;
    enum length length;
    uint32_t conversion;
};

/* Where the format and the arguments are read. */
struct source {
    bool wide;
    bool guest;  /* arguments are touched */
    uint64_t at; /* address of the next character of the format */
    uint64_t touched;
    const uint64_t *arguments;
};

/* ---- sink ---- */

static void store(struct rtl_sink *sink, uint16_t unit)
{
    if (sink->memory != NULL && sink->units < sink->capacity) {
        if (sink->wide) {
            memcpy(sink->memory + sink->units * 2, &unit, sizeof unit);
        } else {
            sink->memory[sink->units] = (uint8_t)unit;
        }
    }
    sink->units++;
}

/* UTF-16 (not necessarily aligned) into the sink. */
static void emit_units(struct rtl_sink *sink, const uint16_t *units, size_t count)
{
    for (size_t i = 0; i < count;) {
        uint16_t pair[2] = {0, 0};
        size_t used = 1;
        char bytes[4];

        memcpy(pair, units + i, count - i > 1 ? sizeof pair : sizeof *pair);
        if (sink->wide) {
            store(sink, pair[0]);
        } else if (!sink->utf8) {
            store(sink, rtl_to_ansi(pair[0]));
        } else {
            size_t n = rtl_utf8(pair, count - i, &used, bytes);

            for (size_t b = 0; b < n; b++) {
                store(sink, (uint8_t)bytes[b]);
            }
        }
        i += used;
    }
}

static void emit_byte(struct rtl_sink *sink, uint8_t byte)
{
    uint16_t unit = rtl_from_ansi(byte);

    if (byte < 0x80 || (!sink->wide && !sink->utf8)) {
        store(sink, byte);
    } else {
        emit_units(sink, &unit, 1);
    }
}

static void emit_fill(struct rtl_sink *sink, char character, size_t count)
{
    while (count-- > 0) {
        store(sink, (uint8_t)character);
    }
}

/* ---- source ---- */

static uint32_t peek(struct source *source)
{
    size_t size = source->wide ? 2 : 1;
    uint64_t page = ((source->at + size - 1) & ~(uint64_t)(PG_PAGE_SIZE - 1)) | 1;
    uint16_t unit;

    if (page != source->touched) {
        machine_touch(source->at, size, PAGER_READ);
        source->touched = page;
    }
    if (!source->wide) {
        return *(const uint8_t *)source->at;
    }
    memcpy(&unit, machine_pointer(source->at), sizeof unit);
    return unit;
}

static void skip(struct source *source)
{
    source->at += source->wide ? 2 : 1;
}

static bool accept(struct source *source, uint32_t character)
{
    if (peek(source) != character) {
        return false;
    }
    skip(source);
    return true;
}

static uint64_t argument(struct source *source)
{
    if (source->guest) {
        machine_touch((uint64_t)source->arguments, sizeof *source->arguments, PAGER_READ);
    }
    return *source->arguments++;
}

/* ---- parsing ---- */

#define WIDTH_MAX 0x10000u /* wider than any buffer of a driver */

static size_t parse_number(struct source *source)
{
    size_t value = 0;

    while (peek(source) >= '0' && peek(source) <= '9') {
        value = value * 10 + (peek(source) - '0');
        value = value > WIDTH_MAX ? WIDTH_MAX : value;
        skip(source);
    }
    return value;
}

static void parse_flags(struct source *source, struct spec *spec)
{
    for (;; skip(source)) {
        switch (peek(source)) {
        case '-':
            spec->minus = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->blank = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        case '0':
            spec->zero = true;
            break;
        default:
            return;
        }
    }
}

static size_t clamp(int64_t value)
{
    return value > WIDTH_MAX ? WIDTH_MAX : (size_t)value;
}

static void parse_width(struct source *source, struct spec *spec)
{
    if (accept(source, '*')) {
        int32_t width = (int32_t)argument(source);

        if (width < 0) {
            spec->minus = true;
        }
        spec->width = clamp(width < 0 ? -(int64_t)width : width);
    } else {
        spec->width = parse_number(source);
    }
    if (!accept(source, '.')) {
        return;
    }
    spec->has_precision = true;
    if (accept(source, '*')) {
        int32_t precision = (int32_t)argument(source);

        spec->has_precision = precision >= 0;
        spec->precision = precision < 0 ? 0 : clamp(precision);
    } else {
        spec->precision = parse_number(source);
    }
}

static enum length parse_size(struct source *source)
{
    if (accept(source, '6')) {
        accept(source, '4');
        return LENGTH_64;
    }
    if (accept(source, '3')) {
        accept(source, '2');
        return LENGTH_L;
    }
    return LENGTH_64; /* a pointer's size */
}

static enum length parse_length(struct source *source)
{
    uint32_t character = peek(source);

    switch (character) {
    case 'h':
        skip(source);
        return accept(source, 'h') ? LENGTH_HH : LENGTH_H;
    case 'l':
        skip(source);
        return accept(source, 'l') ? LENGTH_64 : LENGTH_L;
    case 'w':
        skip(source);
        return LENGTH_W;
    case 'I':
        skip(source);
        return parse_size(source);
    case 'z':
    case 't':
    case 'j':
        skip(source);
        return LENGTH_64;
    default:
        return LENGTH_NONE;
    }
}

/* ---- conversions ---- */

static void pad_before(struct rtl_sink *sink, const struct spec *spec, size_t used)
{
    if (!spec->minus && spec->width > used) {
        emit_fill(sink, spec->zero ? '0' : ' ', spec->width - used);
    }
}

static void pad_after(struct rtl_sink *sink, const struct spec *spec, size_t used)
{
    if (spec->minus && spec->width > used) {
        emit_fill(sink, ' ', spec->width - used);
    }
}

/* Characters at most: the precision, when there is one. */
static size_t limit_of(const struct spec *spec)
{
    return spec->has_precision ? spec->precision : SIZE_MAX;
}

/* Length of a terminated string, at most `limit`: nothing beyond is read. */
static size_t bounded_length(uint64_t string, bool wide, size_t limit)
{
    struct source in = {.wide = wide, .at = string};
    size_t n = 0;

    while (n < limit && peek(&in) != 0) {
        skip(&in);
        n++;
    }
    return n;
}

static void emit_text(struct rtl_sink *sink, const struct spec *spec, uint64_t text, size_t count,
                      bool wide)
{
    pad_before(sink, spec, count);
    if (wide) {
        emit_units(sink, machine_pointer(text), count);
    } else {
        for (size_t i = 0; i < count; i++) {
            emit_byte(sink, ((const uint8_t *)text)[i]);
        }
    }
    pad_after(sink, spec, count);
}

/* Whether the text of a conversion is UTF-16: c and s follow the format, C and S are the other. */
static bool text_is_wide(const struct spec *spec, bool format_wide)
{
    bool capital = spec->conversion == 'C' || spec->conversion == 'S';

    switch (spec->length) {
    case LENGTH_HH:
    case LENGTH_H:
        return false;
    case LENGTH_L:
    case LENGTH_W:
        return true;
    default:
        return format_wide != capital;
    }
}

static void convert_string(struct rtl_sink *sink, struct source *source, const struct spec *spec)
{
    bool wide = text_is_wide(spec, source->wide);
    uint64_t text = argument(source);

    if (text == 0) {
        text = (uint64_t) "(null)";
        emit_text(sink, spec, text, limit_of(spec) < 6 ? limit_of(spec) : 6, false);
        return;
    }
    emit_text(sink, spec, text, bounded_length(text, wide, limit_of(spec)), wide);
}

static void convert_character(struct rtl_sink *sink, struct source *source, const struct spec *spec)
{
    bool wide = text_is_wide(spec, source->wide);
    uint16_t unit = (uint16_t)argument(source);
    uint8_t byte = (uint8_t)unit;

    emit_text(sink, spec, wide ? (uint64_t)&unit : (uint64_t)&byte, 1, wide);
}

/* %Z and %wZ (and, for Windows' own reasons, %lZ): a counted string. */
static void convert_counted(struct rtl_sink *sink, struct source *source, const struct spec *spec)
{
    bool wide = spec->length == LENGTH_W || spec->length == LENGTH_L;
    const struct unicode_string *string = machine_pointer(argument(source));
    size_t count;

    if (string != NULL) {
        machine_touch((uint64_t)string, sizeof *string, PAGER_READ);
    }
    if (string == NULL || string->Buffer == NULL) {
        emit_text(sink, spec, (uint64_t) "(null)", 6, false);
        return;
    }
    count = wide ? string->Length / 2u : string->Length;
    count = count < limit_of(spec) ? count : limit_of(spec);
    machine_touch((uint64_t)string->Buffer, wide ? count * 2 : count, PAGER_READ);
    emit_text(sink, spec, (uint64_t)string->Buffer, count, wide);
}

struct number {
    const char *prefix;
    char digits[24];
    size_t count;
};

static void put_digits(struct number *number, uint64_t value, uint32_t base, bool upper)
{
    char reversed[sizeof number->digits];
    size_t n = 0;

    for (; value != 0; value /= base) {
        reversed[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
    }
    for (size_t i = 0; i < n; i++) {
        number->digits[i] = reversed[n - 1 - i];
    }
    number->count = n;
}

static void emit_number(struct rtl_sink *sink, const struct spec *spec, const struct number *number)
{
    size_t minimum = spec->has_precision ? spec->precision : 1;
    size_t zeroes = number->count < minimum ? minimum - number->count : 0;
    size_t prefix = strlen(number->prefix);
    size_t used = prefix + zeroes + number->count;

    if (spec->zero && !spec->minus && !spec->has_precision && spec->width > used) {
        zeroes += spec->width - used;
        used = spec->width;
    }
    if (!spec->minus && spec->width > used) {
        emit_fill(sink, ' ', spec->width - used);
    }
    for (size_t i = 0; i < prefix; i++) {
        store(sink, (uint8_t)number->prefix[i]);
    }
    emit_fill(sink, '0', zeroes);
    for (size_t i = 0; i < number->count; i++) {
        store(sink, (uint8_t)number->digits[i]);
    }
    pad_after(sink, spec, used);
}

static int64_t signed_value(uint64_t raw, enum length length)
{
    switch (length) {
    case LENGTH_HH:
        return (int8_t)raw;
    case LENGTH_H:
        return (int16_t)raw;
    case LENGTH_64:
        return (int64_t)raw;
    default:
        return (int32_t)raw;
    }
}

static uint64_t unsigned_value(uint64_t raw, enum length length)
{
    switch (length) {
    case LENGTH_HH:
        return (uint8_t)raw;
    case LENGTH_H:
        return (uint16_t)raw;
    case LENGTH_64:
        return raw;
    default:
        return (uint32_t)raw;
    }
}

static void convert_signed(struct rtl_sink *sink, struct source *source, const struct spec *spec)
{
    int64_t value = signed_value(argument(source), spec->length);
    struct number number = {.prefix = value < 0 ? "-" : spec->plus ? "+" : spec->blank ? " " : ""};

    put_digits(&number, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, false);
    emit_number(sink, spec, &number);
}

static void convert_unsigned(struct rtl_sink *sink, struct source *source, const struct spec *spec)
{
    uint64_t value = unsigned_value(argument(source), spec->length);
    struct number number = {.prefix = ""};
    bool upper = spec->conversion == 'X';
    uint32_t base = spec->conversion == 'u' ? 10 : spec->conversion == 'o' ? 8 : 16;

    if (spec->alternate && value != 0) {
        number.prefix = base == 16 ? (upper ? "0X" : "0x") : base == 8 ? "0" : "";
    }
    put_digits(&number, value, base, upper);
    emit_number(sink, spec, &number);
}

static void convert_pointer(struct rtl_sink *sink, struct source *source, const struct spec *spec)
{
    struct spec pointer = {
        .width = spec->width, .minus = spec->minus, .has_precision = true, .precision = 16};
    struct number number = {.prefix = spec->alternate ? "0X" : ""};

    put_digits(&number, argument(source), 16, true);
    emit_number(sink, &pointer, &number);
}

/* What stands between `from` and the current place of the format. */
static void emit_raw(struct rtl_sink *sink, struct source *source, uint64_t from)
{
    uint64_t end = source->at;

    for (source->at = from; source->at < end; skip(source)) {
        uint16_t unit = (uint16_t)peek(source);

        if (source->wide) {
            emit_units(sink, &unit, 1);
        } else {
            emit_byte(sink, (uint8_t)unit);
        }
    }
}

static void convert(struct rtl_sink *sink, struct source *source, const struct spec *spec,
                    uint64_t from)
{
    switch (spec->conversion) {
    case 'd':
    case 'i':
        convert_signed(sink, source, spec);
        break;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        convert_unsigned(sink, source, spec);
        break;
    case 'p':
        convert_pointer(sink, source, spec);
        break;
    case 'c':
    case 'C':
        convert_character(sink, source, spec);
        break;
    case 's':
    case 'S':
        convert_string(sink, source, spec);
        break;
    case 'Z':
        convert_counted(sink, source, spec);
        break;
    case '%':
        store(sink, '%');
        break;
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        argument(source);
        emit_raw(sink, source, from);
        break;
    default:
        emit_raw(sink, source, from);
        break;
    }
}

static void directive(struct rtl_sink *sink, struct source *source)
{
    uint64_t from = source->at - (source->wide ? 2 : 1);
    struct spec spec = {0};

    parse_flags(source, &spec);
    parse_width(source, &spec);
    spec.length = parse_length(source);
    spec.conversion = peek(source);
    if (spec.conversion != 0) {
        skip(source);
    }
    convert(sink, source, &spec, from);
}

/* Text up to the next directive; false at the end of the format. */
static bool copy_text(struct rtl_sink *sink, struct source *source)
{
    uint64_t from = source->at;
    uint32_t character;

    while ((character = peek(source)) != 0 && character != '%') {
        skip(source);
    }
    if (source->wide) {
        emit_units(sink, machine_pointer(from), (source->at - from) / 2);
    } else {
        emit_raw(sink, source, from);
    }
    return character != 0;
}

void rtl_format(struct rtl_sink *sink, bool wide, const void *format, const uint64_t *arguments,
                bool guest)
{
    struct source source = {
        .wide = wide, .guest = guest, .at = (uint64_t)format, .arguments = arguments};

    while (copy_text(sink, &source)) {
        skip(&source);
        directive(sink, &source);
    }
}
