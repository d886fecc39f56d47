/* SPDX-License-Identifier: MIT */
/* Bytes of C or C++ to tokens; see lexer.h. */
#include "source/lexer.h"

#include <string.h>

void lexer_start(struct lexer *lexer, const char *text, uint32_t begin, uint32_t end, uint32_t line,
                 bool directives)
{
    *lexer = (struct lexer){.text = text,
                            .at = begin,
                            .end = end,
                            .line = line,
                            .directives = directives,
                            .first = true};
    if (begin == 0 && end >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        lexer->at = 3; /* byte order mark */
    }
}

/* Byte at a distance; 0 beyond the end. */
static unsigned char peek(const struct lexer *l, uint32_t distance)
{
    return distance < l->end - l->at ? (unsigned char)l->text[l->at + distance] : 0;
}

/* Bytes of the line end at `at`, 0 when there is none. */
static uint32_t line_end(const struct lexer *l, uint32_t distance)
{
    unsigned char c = peek(l, distance);

    if (c == '\n') {
        return 1;
    }
    return c == '\r' && peek(l, distance + 1) == '\n' ? 2 : 0;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

/* A backslash at the end of a line: bytes of both. */
static uint32_t joined_line(const struct lexer *l, uint32_t distance)
{
    uint32_t end = peek(l, distance) == '\\' ? line_end(l, distance + 1) : 0;

    return end != 0 ? end + 1 : 0;
}

static void skip_line_comment(struct lexer *l)
{
    while (l->at < l->end && line_end(l, 0) == 0) {
        uint32_t joined = joined_line(l, 0);

        l->line += joined != 0;
        l->at += joined != 0 ? joined : 1;
    }
}

static void skip_block_comment(struct lexer *l)
{
    l->at += 2;
    while (l->at < l->end) {
        if (peek(l, 0) == '*' && peek(l, 1) == '/') {
            l->at += 2;
            return;
        }
        l->line += peek(l, 0) == '\n';
        l->at++;
    }
}

/* Spaces, line ends, joined lines and comments. */
static void skip_between(struct lexer *l)
{
    while (l->at < l->end) {
        unsigned char c = peek(l, 0);
        uint32_t joined = joined_line(l, 0);

        if (joined != 0) {
            l->at += joined;
            l->line++;
        } else if (c == '\n') {
            l->at++;
            l->line++;
            l->first = true;
        } else if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0 || c == 0x1a) {
            l->at++;
        } else if (c == '/' && peek(l, 1) == '/') {
            skip_line_comment(l);
        } else if (c == '/' && peek(l, 1) == '*') {
            skip_block_comment(l);
        } else {
            return;
        }
    }
}

/* From the quote on; one that is not closed ends with its line. */
static void scan_quoted(struct lexer *l)
{
    unsigned char quote = peek(l, 0);

    l->at++;
    while (l->at < l->end && line_end(l, 0) == 0) {
        uint32_t joined = joined_line(l, 0);

        if (joined != 0) {
            l->at += joined;
            l->line++;
        } else if (peek(l, 0) == '\\' && l->end - l->at > 1) {
            l->at += 2;
        } else if (peek(l, 0) == quote) {
            l->at++;
            return;
        } else {
            l->at++;
        }
    }
}

/* To the end of the logical line; comments over several lines belong to it. */
static void scan_directive(struct lexer *l)
{
    while (l->at < l->end && line_end(l, 0) == 0) {
        uint32_t joined = joined_line(l, 0);

        if (joined != 0) {
            l->at += joined;
            l->line++;
        } else if (peek(l, 0) == '/' && peek(l, 1) == '*') {
            skip_block_comment(l);
        } else if (peek(l, 0) == '/' && peek(l, 1) == '/') {
            skip_line_comment(l);
        } else if (peek(l, 0) == '"') { /* may hold what looks like a comment */
            scan_quoted(l);
        } else {
            l->at++;
        }
    }
}

#define RAW_DELIMITER_MAX 16u

/* R"delimiter( ... )delimiter", from the quote on. */
static void scan_raw(struct lexer *l)
{
    uint32_t begin = l->at + 1, length = 0;

    while (length <= RAW_DELIMITER_MAX && begin + length < l->end &&
           l->text[begin + length] != '(') {
        length++;
    }
    if (length > RAW_DELIMITER_MAX || begin + length >= l->end) {
        scan_quoted(l);
        return;
    }
    l->at = begin + length;
    while (l->at < l->end) {
        if (peek(l, 0) == ')' && l->end - l->at > length + 1 && peek(l, length + 1) == '"' &&
            memcmp(l->text + l->at + 1, l->text + begin, length) == 0) {
            l->at += length + 2;
            return;
        }
        l->line += peek(l, 0) == '\n';
        l->at++;
    }
}

/* A name, or a string with a prefix. */
static enum token_kind scan_word(struct lexer *l)
{
    static const char *const prefixes[] = {"L", "u8", "u", "U", "R", "LR", "u8R", "uR", "UR"};
    uint32_t begin = l->at, length;
    unsigned char quote;

    while (is_letter(peek(l, 0)) || is_digit(peek(l, 0))) {
        l->at++;
    }
    length = l->at - begin;
    quote = peek(l, 0);
    if (quote != '"' && quote != '\'') {
        return TOKEN_WORD;
    }
    for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strlen(prefixes[i]) != length || memcmp(l->text + begin, prefixes[i], length) != 0) {
            continue;
        }
        if (quote == '"' && prefixes[i][length - 1] == 'R') {
            scan_raw(l);
        } else {
            scan_quoted(l);
        }
        return quote == '"' ? TOKEN_STRING : TOKEN_CHARACTER;
    }
    return TOKEN_WORD;
}

static void scan_number(struct lexer *l)
{
    while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)) || peek(l, 0) == '.') {
        unsigned char c = peek(l, 0), next = peek(l, 1);

        l->at++;
        if ((c == 'e' || c == 'E' || c == 'p' || c == 'P') && (next == '+' || next == '-')) {
            l->at++;
        }
    }
}

static uint32_t scan_punctuation(struct lexer *l)
{
    static const char *const long_ones[] = {"...", "<<=", ">>=", "->", "++", "--", "<<", ">>",
                                            "<=",  ">=",  "==",  "!=", "&&", "||", "+=", "-=",
                                            "*=",  "/=",  "%=",  "&=", "|=", "^=", "::", "##"};
    uint32_t code = peek(l, 0);

    for (unsigned i = 0; i < sizeof long_ones / sizeof *long_ones; i++) {
        uint32_t length = (uint32_t)strlen(long_ones[i]);

        if (l->end - l->at >= length && memcmp(l->text + l->at, long_ones[i], length) == 0) {
            for (uint32_t j = 1; j < length; j++) {
                code |= (uint32_t)(unsigned char)long_ones[i][j] << (8 * j);
            }
            l->at += length;
            return code;
        }
    }
    l->at++;
    return code;
}

void lexer_next(struct lexer *l, struct token *out)
{
    unsigned char c;

    skip_between(l);
    *out = (struct token){.begin = l->at, .line = l->line, .flags = l->first ? TOKEN_FIRST : 0};
    c = peek(l, 0);
    if (l->at >= l->end) {
        out->kind = TOKEN_END;
    } else if (c == '#' && l->first && l->directives) {
        scan_directive(l);
        out->kind = TOKEN_DIRECTIVE;
    } else if (is_letter(c)) {
        out->kind = (uint8_t)scan_word(l);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) {
        scan_number(l);
        out->kind = TOKEN_NUMBER;
    } else if (c == '"' || c == '\'') {
        scan_quoted(l);
        out->kind = c == '"' ? TOKEN_STRING : TOKEN_CHARACTER;
    } else {
        out->code = scan_punctuation(l);
        out->kind = TOKEN_PUNCTUATION;
    }
    l->first = false;
    out->end = l->at;
}
