/* SPDX-License-Identifier: MIT */
/* IEEE 1284 with the printer: its device id in nibble mode, event by event. */
#include <check.h>
#include <string.h>

#include "parallel_rig.h"

/* ---- IEEE 1284 ---- */

#define ID_REQUEST 0x04

/* Events 0 to 6; the printer's answer. */
static uint8_t negotiate(uint8_t request)
{
    out(DATA, request);
    out(CONTROL, NINIT | AUTOFEED);
    ck_assert_uint_eq(status_of(NACK | NFAULT | SELECT | PERROR), NFAULT | SELECT | PERROR);
    out(CONTROL, NINIT | AUTOFEED | STROBE);
    out(CONTROL, NINIT);
    return in(STATUS);
}

/* Events 7 to 11. */
static uint8_t nibble(void)
{
    uint8_t status;

    out(CONTROL, NINIT | AUTOFEED);
    status = in(STATUS);
    ck_assert_uint_eq(status & NACK, 0);
    out(CONTROL, NINIT);
    ck_assert_uint_eq(status_of(NACK), NACK);
    /* nFault, Select, PError, Busy (which reads inverted) are bits 0 to 3. */
    return (uint8_t)((status >> 3 & 7) | ((status & NOT_BUSY) == 0 ? 8 : 0));
}

static uint8_t reverse_byte(void)
{
    uint8_t low = nibble();

    return (uint8_t)(low | nibble() << 4);
}

/* Events 22 to 28. */
static void terminate(void)
{
    out(CONTROL, IDLE);
    ck_assert_uint_eq(status_of(NACK | NOT_BUSY), 0);
    out(CONTROL, IDLE | AUTOFEED);
    ck_assert_uint_eq(status_of(NACK), NACK);
    out(CONTROL, IDLE);
    ck_assert_uint_eq(in(STATUS), READY);
}

START_TEST(test_device_id)
{
    char id[256] = "";
    unsigned length;
    uint8_t status;

    start();
    for (int round = 0; round < 2; round++) {
        status = negotiate(ID_REQUEST);
        ck_assert_uint_eq(status & (NACK | SELECT | PERROR | NFAULT), NACK | SELECT);
        length = (unsigned)reverse_byte() << 8;
        length |= reverse_byte();
        ck_assert_uint_gt(length, 2);
        ck_assert_uint_lt(length, sizeof id);
        for (unsigned i = 0; i < length - 2; i++) {
            ck_assert_uint_eq(status_of(NFAULT), 0); /* more */
            id[i] = (char)reverse_byte();
        }
        id[length - 2] = '\0';
        ck_assert_uint_eq(status_of(NFAULT), NFAULT);
        ck_assert_int_eq(strncmp(id, "MFG:", 4), 0);
        ck_assert_ptr_nonnull(strstr(id, ";CLS:PRINTER;"));
        terminate();
    }
    ck_assert_uint_eq(counters()->negotiations, 2);
    send('a'); /* and it prints as before */
    pass(MILLISECOND);
    expect_output("a");
}
END_TEST

START_TEST(test_nothing_after_the_last_nibble)
{
    start();
    (void)negotiate(ID_REQUEST);
    while (status_of(NFAULT) == 0) {
        (void)reverse_byte();
    }
    out(CONTROL, NINIT | AUTOFEED);
    ck_assert_uint_eq(status_of(NACK), NACK);
    out(CONTROL, NINIT);
    terminate();
}
END_TEST

START_TEST(test_other_requests_are_refused)
{
    uint8_t status;

    start();
    status = negotiate(0x10); /* ECP */
    ck_assert_uint_eq(status & (NACK | SELECT | NFAULT), NACK | NFAULT);
    terminate();
    status = negotiate(0x00); /* nibble mode, for which a low Select is a yes; it has no data */
    ck_assert_uint_eq(status & (NACK | SELECT | NFAULT), NACK | NFAULT);
    terminate();
}
END_TEST

START_TEST(test_negotiation_broken_off)
{
    start();
    out(CONTROL, NINIT | AUTOFEED);
    ck_assert_uint_eq(status_of(NACK), 0);
    out(CONTROL, IDLE);
    ck_assert_uint_eq(in(STATUS), READY);
    (void)negotiate(ID_REQUEST);
    out(CONTROL, NINIT | AUTOFEED); /* a nibble is on the wires */
    out(CONTROL, IDLE | AUTOFEED);
    ck_assert_uint_eq(in(STATUS), READY);
    out(CONTROL, IDLE);
    (void)negotiate(ID_REQUEST);
    out(CONTROL, 0); /* nInit */
    M->time += PRINTER_INIT;
    out(CONTROL, IDLE);
    pass(10 * MILLISECOND);
    ck_assert_uint_eq(in(STATUS), READY);
    send('a');
    pass(MILLISECOND);
    expect_output("a");
}
END_TEST

START_TEST(test_negotiation_with_a_printer_that_knows_nothing)
{
    start();
    printer_set_ieee1284(printer, false);
    out(DATA, ID_REQUEST);
    out(CONTROL, NINIT | AUTOFEED);
    ck_assert_uint_eq(in(STATUS), READY);
    out(CONTROL, IDLE);
    ck_assert_uint_eq(counters()->negotiations, 0);
}
END_TEST

START_TEST(test_interrupts_of_a_negotiation)
{
    start();
    out(DATA, ID_REQUEST);
    out(CONTROL, NINIT | AUTOFEED | ENABLE);
    out(CONTROL, NINIT | AUTOFEED | ENABLE | STROBE);
    pass(1);
    ck_assert_uint_eq(interrupts, 0);
    out(CONTROL, NINIT | ENABLE);
    pass(1);
    ck_assert_uint_eq(interrupts, 1); /* nAck rose in event 6 */
    ck_assert_uint_eq(claimed, 1);
}
END_TEST

int main(void)
{
    const struct rig_test tests[] = {
        {"device id", test_device_id, 0},
        {"last nibble", test_nothing_after_the_last_nibble, 0},
        {"refused", test_other_requests_are_refused, 0},
        {"broken off", test_negotiation_broken_off, 0},
        {"knows nothing", test_negotiation_with_a_printer_that_knows_nothing, 0},
        {"1284 interrupts", test_interrupts_of_a_negotiation, 0},
    };

    return rig_run("printer_1284", tests, sizeof tests / sizeof *tests);
}
