/* SPDX-License-Identifier: MIT */
/* IEEE 1284 on the wires of a printer: see printer_1284.h. */
#include "device/printer_1284.h"

#include <string.h>

/* Extensibility requests: what the host puts on the data wires in a negotiation. */
enum { REQUEST_NIBBLE = 0x00, REQUEST_ID_NIBBLE = 0x04 };

#define ID_LENGTH_BYTES 2u

/* A wire of a set of levels. */
static void set(struct printer_1284 *state, uint8_t wire, bool high)
{
    state->levels = (uint8_t)(high ? state->levels | wire : state->levels & ~wire);
}

/* Byte of the answer: its length, high byte first and counting itself, then the id. */
static uint8_t answer_byte(const struct printer_1284 *state, uint32_t index)
{
    size_t length = strlen(state->id) + ID_LENGTH_BYTES;

    if (index < ID_LENGTH_BYTES) {
        return (uint8_t)(length >> (index == 0 ? 8 : 0));
    }
    return (uint8_t)state->id[index - ID_LENGTH_BYTES];
}

static bool more_to_send(const struct printer_1284 *state)
{
    return state->sent < state->nibbles;
}

/* Between bytes nFault and PError say whether there is another one, Select what was agreed on. */
static void show_reverse(struct printer_1284 *state)
{
    set(state, PARALLEL_NFAULT, !more_to_send(state));
    set(state, PARALLEL_PERROR, !more_to_send(state));
    set(state, PARALLEL_SELECT, state->request == REQUEST_ID_NIBBLE);
    set(state, PARALLEL_BUSY, false);
}

/* Event 1 to 2. */
static void begin(struct printer_1284 *state)
{
    state->phase = PRINTER_NEGOTIATING;
    state->strobed = false;
    state->levels = PARALLEL_NFAULT | PARALLEL_SELECT | PARALLEL_PERROR;
}

/* Event 4 to 6.  Select high says yes, but for plain nibble mode, for which low does. */
static void answer_request(struct printer_1284 *state)
{
    bool id = state->request == REQUEST_ID_NIBBLE;

    state->sent = 0;
    state->nibbles = id ? 2 * (uint32_t)(strlen(state->id) + ID_LENGTH_BYTES) : 0;
    show_reverse(state);
    set(state, PARALLEL_PERROR, false);
    set(state, PARALLEL_NACK, true);
    state->phase = PRINTER_REVERSE;
}

/* Event 7 to 9. */
static void put_nibble(struct printer_1284 *state)
{
    uint8_t byte = answer_byte(state, state->sent / 2);
    uint8_t nibble = state->sent % 2 == 0 ? byte & 0xf : byte >> 4;

    set(state, PARALLEL_NFAULT, (nibble & 1) != 0);
    set(state, PARALLEL_SELECT, (nibble & 2) != 0);
    set(state, PARALLEL_PERROR, (nibble & 4) != 0);
    set(state, PARALLEL_BUSY, (nibble & 8) != 0);
    set(state, PARALLEL_NACK, false);
    state->sent++;
    state->phase = PRINTER_NIBBLE;
}

/* Event 10 to 11, and 12 to 15 after the second nibble of a byte. */
static void take_nibble_back(struct printer_1284 *state)
{
    if (state->sent % 2 == 0) {
        show_reverse(state);
    }
    set(state, PARALLEL_NACK, true);
    state->phase = PRINTER_REVERSE;
}

/* nSelectIn went low.  Event 22 to 24 when the host does it where the standard says so; at any
 * other time the printer falls back at once. */
static bool leave(struct printer_1284 *state, const struct parallel_wires *wires,
                  bool *acknowledged)
{
    switch (state->phase) {
    case PRINTER_REVERSE:
        if (wires->autofeed) {
            break;
        }
        state->levels = PARALLEL_BUSY | PARALLEL_NFAULT;
        set(state, PARALLEL_SELECT, state->request != REQUEST_ID_NIBBLE);
        state->phase = PRINTER_TERMINATING;
        return true;
    case PRINTER_TERMINATING: /* event 25 to 27, then 28 */
        if (wires->autofeed) {
            *acknowledged = (state->levels & PARALLEL_NACK) == 0;
            set(state, PARALLEL_NACK, true);
            return true;
        }
        if ((state->levels & PARALLEL_NACK) == 0) {
            return true;
        }
        break;
    default:
        break;
    }
    state->phase = PRINTER_COMPATIBLE;
    return false;
}

bool printer_1284_drive(struct printer_1284 *state, const struct parallel_wires *wires,
                        bool *acknowledged)
{
    *acknowledged = false;
    if (state->phase == PRINTER_COMPATIBLE) {
        if (wires->select_in || !wires->autofeed || wires->strobe) {
            return false;
        }
        begin(state);
        return true;
    }
    if (wires->select_in) {
        return leave(state, wires, acknowledged);
    }
    switch (state->phase) {
    case PRINTER_NEGOTIATING:
        if (wires->strobe) {
            state->request = wires->data;
            state->strobed = true;
        } else if (state->strobed && !wires->autofeed) {
            answer_request(state);
            *acknowledged = true;
        }
        break;
    case PRINTER_REVERSE:
        if (wires->autofeed && more_to_send(state)) {
            put_nibble(state);
        }
        break;
    case PRINTER_NIBBLE:
        if (!wires->autofeed) {
            take_nibble_back(state);
            *acknowledged = true;
        }
        break;
    default: /* TERMINATING: the host took nSelectIn back */
        state->phase = PRINTER_COMPATIBLE;
        return false;
    }
    return true;
}
