/* SPDX-License-Identifier: MIT */
/* Tokens: every byte has its place, whatever the text is. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "source/lexer.h"
#include "support/always.h"
#include "support/run.h"

struct expected {
    enum token_kind kind;
    const char *text;
    uint32_t line;
};

static void expect(const char *text, const struct expected *rows, size_t count)
{
    struct lexer lexer;
    struct token token;

    lexer_start(&lexer, text, 0, (uint32_t)strlen(text), 1, true);
    for (size_t i = 0; i < count; i++) {
        lexer_next(&lexer, &token);
        ck_assert_msg(token.kind == rows[i].kind, "token %zu is of kind %d", i, token.kind);
        ck_assert_uint_eq(token.end - token.begin, strlen(rows[i].text));
        ck_assert_msg(memcmp(text + token.begin, rows[i].text, token.end - token.begin) == 0,
                      "token %zu is %.*s", i, (int)(token.end - token.begin), text + token.begin);
        ck_assert_uint_eq(token.line, rows[i].line);
    }
    lexer_next(&lexer, &token);
    ck_assert_int_eq(token.kind, TOKEN_END);
    lexer_next(&lexer, &token);
    ck_assert_int_eq(token.kind, TOKEN_END);
}

#define EXPECT(text, ...)                                                                          \
    do {                                                                                           \
        static const struct expected rows[] = {__VA_ARGS__};                                       \
        expect(text, rows, sizeof rows / sizeof *rows);                                            \
    } while (0)

START_TEST(words_numbers_and_operators)
{
    EXPECT("a->b <<= 0x1Fu + 1.5e-3 ... c::d", {TOKEN_WORD, "a", 1}, {TOKEN_PUNCTUATION, "->", 1},
           {TOKEN_WORD, "b", 1}, {TOKEN_PUNCTUATION, "<<=", 1}, {TOKEN_NUMBER, "0x1Fu", 1},
           {TOKEN_PUNCTUATION, "+", 1}, {TOKEN_NUMBER, "1.5e-3", 1}, {TOKEN_PUNCTUATION, "...", 1},
           {TOKEN_WORD, "c", 1}, {TOKEN_PUNCTUATION, "::", 1}, {TOKEN_WORD, "d", 1});
}
END_TEST

START_TEST(strings_hide_what_is_in_them)
{
    EXPECT("L\"/* no */\" 'x' \"a\\\"b\" \"//\"", {TOKEN_STRING, "L\"/* no */\"", 1},
           {TOKEN_CHARACTER, "'x'", 1}, {TOKEN_STRING, "\"a\\\"b\"", 1},
           {TOKEN_STRING, "\"//\"", 1});
    EXPECT("R\"x(\n)\" )x\" y", {TOKEN_STRING, "R\"x(\n)\" )x\"", 1}, {TOKEN_WORD, "y", 2});
}
END_TEST

START_TEST(a_string_that_is_not_closed_ends_with_its_line)
{
    EXPECT("\"abc\nd", {TOKEN_STRING, "\"abc", 1}, {TOKEN_WORD, "d", 2});
    EXPECT("it's\nd", {TOKEN_WORD, "it", 1}, {TOKEN_CHARACTER, "'s", 1}, {TOKEN_WORD, "d", 2});
}
END_TEST

START_TEST(comments_and_joined_lines_lie_between)
{
    EXPECT("a /* b\n c */ d // e \\\n f\n g \\\r\n h", {TOKEN_WORD, "a", 1}, {TOKEN_WORD, "d", 2},
           {TOKEN_WORD, "g", 4}, {TOKEN_WORD, "h", 5});
    EXPECT("a /* never closed", {TOKEN_WORD, "a", 1});
}
END_TEST

START_TEST(directives_are_whole_lines)
{
    EXPECT("#define X \\\n 1 /* a\n b */ 2\n#pragma y\r\nz # w",
           {TOKEN_DIRECTIVE, "#define X \\\n 1 /* a\n b */ 2", 1},
           {TOKEN_DIRECTIVE, "#pragma y", 4}, {TOKEN_WORD, "z", 5}, {TOKEN_PUNCTUATION, "#", 5},
           {TOKEN_WORD, "w", 5});
}
END_TEST

START_TEST(a_byte_order_mark_is_no_name)
{
    EXPECT("\xef\xbb\xbfint", {TOKEN_WORD, "int", 1});
}
END_TEST

/* Tokens are in order, do not overlap, are never empty but at the end, and lines only grow. */
static void check_tokens(const char *text, uint32_t length)
{
    char *exact = malloc(length > 0 ? length : 1); /* the sanitizer guards its end */
    uint32_t at = 0, line = 1;
    struct lexer lexer;
    struct token token;

    memcpy(exact, text, length);
    lexer_start(&lexer, exact, 0, length, 1, true);
    do {
        lexer_next(&lexer, &token);
        ALWAYS(token.begin >= at);
        ALWAYS(token.line >= line);
        ALWAYS(token.kind == TOKEN_END || token.end > token.begin);
        ALWAYS(token.end <= length);
        at = token.end;
        line = token.line;
    } while (token.kind != TOKEN_END);
    free(exact);
}

START_TEST(any_bytes)
{
    static const char alphabet[] = "ab/ *\\\n\r\"'#()LR{}<>=.0e+-\t\x80";
    char text[400];

    srand((unsigned)_i);
    for (unsigned round = 0; round < 20; round++) { /* in one process: a fork takes longer */
        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        }
        for (uint32_t length = 0; length <= sizeof text; length += 7) {
            check_tokens(text, length);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lexer");
    TCase *tests = tcase_create("lexer");

    tcase_add_test(tests, words_numbers_and_operators);
    tcase_add_test(tests, strings_hide_what_is_in_them);
    tcase_add_test(tests, a_string_that_is_not_closed_ends_with_its_line);
    tcase_add_test(tests, comments_and_joined_lines_lie_between);
    tcase_add_test(tests, directives_are_whole_lines);
    tcase_add_test(tests, a_byte_order_mark_is_no_name);
    tcase_add_loop_test(tests, any_bytes, 0, 10);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
