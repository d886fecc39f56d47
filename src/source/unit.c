/* SPDX-License-Identifier: MIT */
/* A file to tokens and brackets, and small questions about them; see unit.h. */
#include "source/unit.h"

#include "source/source.h"

#include <string.h>
#include <strings.h>

bool range_is(const struct unit *unit, struct range range, const char *word)
{
    return strlen(word) == range_length(range) && range_begins(unit, range, word);
}

bool range_begins(const struct unit *unit, struct range range, const char *prefix)
{
    size_t length = strlen(prefix);

    return length <= range_length(range) && memcmp(unit->text + range.begin, prefix, length) == 0;
}

bool range_same(const struct unit *unit, struct range a, struct range b)
{
    return range_length(a) == range_length(b) &&
           memcmp(unit->text + a.begin, unit->text + b.begin, range_length(a)) == 0;
}

bool range_in(const struct unit *unit, struct range range, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (range_is(unit, range, *words)) {
            return true;
        }
    }
    return false;
}

bool token_is(const struct unit *unit, const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && range_is(unit, token_range(token), word);
}

bool is_annotation(const struct unit *unit, struct range word)
{
    static const char *const others[] = {
        "__attribute__", "alignas",  "_Alignas", "__pragma", "IN",       "OUT",
        "OPTIONAL",      "__in",     "__out",    "__inout",  "__in_opt", "__out_opt",
        "__inout_opt",   "noexcept", "throw",    NULL};
    uint32_t length = range_length(word);

    if (length > 2 && unit->text[word.begin] == '_' && unit->text[word.end - 1] == '_') {
        return true;
    }
    return range_begins(unit, word, "__drv_") || range_begins(unit, word, "DECLSPEC_") ||
           range_begins(unit, word, "__declspec") || range_in(unit, word, others);
}

uint32_t all_at(const struct unit *unit, uint32_t byte)
{
    uint32_t low = 0, high = unit->all_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (unit->all[middle].begin < byte) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool code_changes(uint32_t code)
{
    switch (code) {
    case PUNCT2('+', '='):
    case PUNCT2('-', '='):
    case PUNCT2('*', '='):
    case PUNCT2('/', '='):
    case PUNCT2('%', '='):
    case PUNCT2('&', '='):
    case PUNCT2('|', '='):
    case PUNCT2('^', '='):
    case PUNCT3('<', '<', '='):
    case PUNCT3('>', '>', '='):
    case PUNCT2('+', '+'):
    case PUNCT2('-', '-'):
        return true;
    default:
        return false;
    }
}

void strip_parentheses(const struct unit *unit, uint32_t *first, uint32_t *end)
{
    while (*first < *end && code_punct(unit, *first, PUNCT('(')) &&
           unit->match[*first] == *end - 1) {
        (*first)++;
        (*end)--;
    }
}

bool says_paged_code(const struct unit *unit, const struct function *f, bool locked_too)
{
    for (uint32_t i = f->body; f->body_end != NONE && i < f->body_end; i++) {
        if (code_is(unit, i, "PAGED_CODE") ||
            (locked_too && code_is(unit, i, "PAGED_CODE_LOCKED"))) {
            return true;
        }
    }
    return false;
}

bool section_pageable(const struct unit *unit, struct range section)
{
    return range_begins(unit, section, "PAGE");
}

/* ---- reading ---- */

bool source_is_keyword(const char *word)
{
    static const char *const keywords[] = {
        "auto",           "break",         "case",     "char",       "class",     "const",
        "continue",       "default",       "delete",   "do",         "double",    "else",
        "enum",           "extern",        "float",    "for",        "goto",      "if",
        "inline",         "int",           "long",     "namespace",  "new",       "private",
        "public",         "register",      "restrict", "return",     "short",     "signed",
        "sizeof",         "static",        "struct",   "switch",     "template",  "this",
        "throw",          "try",           "typedef",  "typename",   "union",     "unsigned",
        "using",          "virtual",       "void",     "volatile",   "while",     "bool",
        "true",           "false",         "operator", "catch",      "friend",    "explicit",
        "mutable",        "protected",     "nullptr",  "constexpr",  "_Bool",     "_Alignas",
        "_Alignof",       "_Atomic",       "_Complex", "_Imaginary", "_Generic",  "_Noreturn",
        "_Static_assert", "_Thread_local", "__try",    "__except",   "__finally", "__leave",
        "__asm",          "__declspec"};

    for (unsigned i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (strcmp(word, keywords[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum source_language source_language(const char *file)
{
    static const struct {
        const char *ending;
        enum source_language language;
    } rows[] = {
        {".c", SOURCE_C},           {".h", SOURCE_C},           {".cc", SOURCE_CPLUSPLUS},
        {".cpp", SOURCE_CPLUSPLUS}, {".cxx", SOURCE_CPLUSPLUS}, {".c++", SOURCE_CPLUSPLUS},
        {".hpp", SOURCE_CPLUSPLUS}, {".hxx", SOURCE_CPLUSPLUS},
    };
    const char *slash = strrchr(file, '/');
    const char *dot = strrchr(slash != NULL ? slash : file, '.');

    for (unsigned i = 0; dot != NULL && i < sizeof rows / sizeof *rows; i++) {
        if (strcasecmp(dot, rows[i].ending) == 0) {
            return rows[i].language;
        }
    }
    return SOURCE_NONE;
}

/* Every other byte at the begin is zero, as of letters in UTF-16. */
static bool zeros_alternate(const char *text, size_t bytes)
{
    enum { ENOUGH = 16 };

    for (size_t i = 0; i + 1 < bytes && i < ENOUGH; i += 2) {
        if ((text[i] == '\0') != (text[0] == '\0') || (text[i + 1] == '\0') == (text[0] == '\0')) {
            return false;
        }
    }
    return bytes >= 2;
}

const char *source_unreadable(const char *text, size_t bytes, const char **hint)
{
    bool mark =
        bytes >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);

    *hint = "save it as UTF-8";
    if (mark || zeros_alternate(text, bytes)) {
        return "is UTF-16";
    }
    *hint = "give a C or C++ source";
    return memchr(text, '\0', bytes) != NULL ? "is not text" : NULL;
}

static void read_tokens(struct unit *unit)
{
    struct lexer lexer;
    struct token token;
    uint32_t count = 0;

    lexer_start(&lexer, unit->text, 0, unit->bytes, 1, true);
    do {
        lexer_next(&lexer, &token);
        count++;
    } while (token.kind != TOKEN_END);
    unit->all = arena_array(&unit->arena, count, sizeof *unit->all);
    unit->code = arena_array(&unit->arena, count, sizeof *unit->code);
    unit->match = arena_array(&unit->arena, count, sizeof *unit->match);
    if (unit->arena.failed) {
        return;
    }
    lexer_start(&lexer, unit->text, 0, unit->bytes, 1, true);
    for (uint32_t i = 0; i < count; i++) {
        lexer_next(&lexer, &unit->all[i]);
    }
    unit->all_count = count - 1;
}

static void keep_code(struct unit *unit)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < unit->all_count; i++) {
        const struct token *token = &unit->all[i];

        if (token->kind != TOKEN_DIRECTIVE && !unit->branches[token->branch].hidden) {
            unit->code[count++] = *token;
        }
    }
    unit->code[count] = unit->all[unit->all_count];
    unit->code_count = count;
}

static uint32_t opener_of(uint32_t code)
{
    switch (code) {
    case PUNCT(')'):
        return PUNCT('(');
    case PUNCT(']'):
        return PUNCT('[');
    case PUNCT('}'):
        return PUNCT('{');
    default:
        return 0;
    }
}

/* A '}' closes what was left open inside of its braces; a ')' never reaches over a brace. */
static void match_brackets(struct unit *unit, uint32_t *open)
{
    uint32_t depth = 0;

    for (uint32_t i = 0; i < unit->code_count; i++) {
        uint32_t code = unit->code[i].code, opener = opener_of(code), at = depth;

        unit->match[i] = NONE;
        if (code == PUNCT('(') || code == PUNCT('[') || code == PUNCT('{')) {
            open[depth++] = i;
            continue;
        }
        if (opener == 0) {
            continue;
        }
        while (at > 0 && unit->code[open[at - 1]].code != opener &&
               (opener == PUNCT('{') || unit->code[open[at - 1]].code != PUNCT('{'))) {
            at--;
        }
        if (at > 0 && unit->code[open[at - 1]].code == opener) {
            unit->match[i] = open[at - 1];
            unit->match[open[at - 1]] = i;
            depth = at - 1;
        }
    }
}

pg_status unit_read(const char *file, const char *text, size_t bytes, struct unit *out)
{
    uint32_t *open;

    memset(out, 0, sizeof *out);
    if (bytes > INT32_MAX) {
        return PG_E_LIMIT;
    }
    out->text = text;
    out->bytes = (uint32_t)bytes;
    out->cplusplus = source_language(file) == SOURCE_CPLUSPLUS;
    read_tokens(out);
    if (!out->arena.failed) {
        conditions_read(out);
    }
    open = arena_array(&out->arena, (size_t)out->all_count + 1, sizeof *open);
    if (out->arena.failed) {
        return PG_E_NO_MEMORY;
    }
    keep_code(out);
    match_brackets(out, open);
    macros_read(out);
    outline_read(out);
    sections_read(out);
    return out->arena.failed ? PG_E_NO_MEMORY : PG_OK;
}

void unit_free(struct unit *unit)
{
    arena_free(&unit->arena);
    memset(unit, 0, sizeof *unit);
}
