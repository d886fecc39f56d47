/* SPDX-License-Identifier: MIT */
/*
 * A printer: see printer.h.
 *
 *     FREE --strobe--> TAKING --PRINTER_TAKE--> HELD --room, ready--> ACK --PRINTER_ACK--> FREE
 *     FREE --not ready--> HELD        any --nInit, power--> WAKING --PRINTER_WAKE--> HELD
 *
 * Everything happens in settle(), which brings the printer from the moment of the last look to now,
 * one event after the other.  Between two looks nothing from outside changes: whoever changes
 * something settles first.  Busy is high in every state but FREE, nAck low in ACK only.
 */
#include "device/printer.h"

#include <string.h>

#include "base/assert.h"
#include "device/parallel.h"
#include "device/printer_1284.h"
#include "machine/machine.h"

#define SECOND_UNITS 10000000u
#define NEVER        UINT64_MAX

/* The last byte that finds room may bring a line feed with it. */
#define BUFFER_BYTES (PRINTER_BUFFER_MAX + 1)

#define DEFAULT_RATE   20000u
#define DEFAULT_BUFFER 8192u

#define CARRIAGE_RETURN 0x0d
#define LINE_FEED       0x0a

/* What was printed, until somebody takes it. */
#define SHEET_BYTES 4064u
struct sheet {
    struct sheet *next;
    uint32_t used, taken;
    uint8_t text[SHEET_BYTES];
};

enum state { STATE_FREE, STATE_TAKING, STATE_HELD, STATE_ACK, STATE_WAKING };

struct printer {
    struct parallel port;
    struct printer_1284 ieee1284;
    struct machine_timer timer; /* set only while `watched` */
    bool watched;

    enum state state;
    uint64_t state_until; /* TAKING, ACK, WAKING */
    bool acks;            /* this printer gives nAck */
    bool offline, paper_empty, fault, off, knows_1284;

    struct parallel_wires wires;
    uint8_t stable_data;                /* on the wires before the last change */
    uint64_t data_since;                /* the last change */
    uint64_t strobe_since, strobe_over; /* of the strobe whose byte is being taken */
    uint64_t init_since;
    bool byte_open; /* a byte was latched and can still change, or turn out never to have been */
    bool byte_fed;  /* nAutoFd was low */
    uint8_t byte;

    uint8_t buffer[BUFFER_BYTES];
    uint32_t capacity, head, count;
    uint32_t rate;
    uint64_t print_due; /* the byte at the head; NEVER: not printing */

    struct sheet *first, *last, *blank;
    uint32_t paper_used; /* bytes since the paper was put in */
    struct printer_counters counters;
};

/* ---- paper ---- */

static void print_byte(struct printer *p, uint8_t byte)
{
    struct sheet *sheet = p->last;

    if (sheet == NULL || sheet->used == SHEET_BYTES) {
        sheet = p->blank;
        if (sheet != NULL) {
            p->blank = sheet->next;
        } else {
            sheet = machine_allocate(sizeof *sheet);
        }
        sheet->next = NULL;
        sheet->used = sheet->taken = 0;
        if (p->last != NULL) {
            p->last->next = sheet;
        } else {
            p->first = sheet;
        }
        p->last = sheet;
    }
    sheet->text[sheet->used++] = byte;
    if (++p->paper_used >= PRINTER_PAPER) {
        p->paper_empty = true;
    }
}

static bool is_ready(const struct printer *p)
{
    return !p->off && !p->offline && !p->paper_empty && !p->fault;
}

/* The printing starts, or stops, as things are at `now`. */
static void set_printing(struct printer *p, uint64_t now)
{
    if (p->count == 0 || !is_ready(p)) {
        p->print_due = NEVER;
    } else if (p->print_due == NEVER) {
        p->print_due = now + SECOND_UNITS / p->rate;
    }
}

static void print_head(struct printer *p, uint64_t now)
{
    uint8_t byte = p->buffer[p->head];

    p->head = (p->head + 1) % BUFFER_BYTES;
    p->count--;
    p->counters.printed++;
    print_byte(p, byte);
    p->print_due = NEVER;
    set_printing(p, now);
}

static void discard_buffer(struct printer *p)
{
    p->counters.discarded += p->count;
    p->count = 0;
    p->byte_open = false;
    p->print_due = NEVER;
}

/* ---- bytes from the wires ---- */

static void put_in_buffer(struct printer *p, uint8_t byte)
{
    PG_ASSERT(p->count < BUFFER_BYTES);
    p->buffer[(p->head + p->count) % BUFFER_BYTES] = byte;
    p->count++;
}

/* The byte is whole once nStrobe was long enough and the hold time is over. */
static void close_byte(struct printer *p, uint64_t now)
{
    p->byte_open = false;
    put_in_buffer(p, p->byte);
    if (p->byte == CARRIAGE_RETURN && p->byte_fed) {
        put_in_buffer(p, LINE_FEED);
    }
    p->counters.taken++;
    set_printing(p, now);
}

static void strobe_begins(struct printer *p, uint64_t now)
{
    if (!p->wires.select_in) {
        p->counters.unselected++;
        return;
    }
    if (p->state != STATE_FREE) {
        p->counters.overruns++;
        return;
    }
    p->byte = p->wires.data;
    if (now - p->data_since < PRINTER_SETUP) {
        p->counters.short_setups++;
        p->byte = p->stable_data;
    }
    p->byte_open = true;
    p->byte_fed = p->wires.autofeed;
    p->strobe_since = now;
    p->strobe_over = NEVER;
    p->state = STATE_TAKING;
    p->state_until = NEVER;
}

static void strobe_ends(struct printer *p, uint64_t now)
{
    if (!p->byte_open || p->strobe_over != NEVER) {
        return;
    }
    if (now - p->strobe_since < PRINTER_STROBE) {
        p->counters.short_strobes++;
        p->byte_open = false;
        p->state = STATE_FREE;
        return;
    }
    p->strobe_over = now;
    p->state_until = now + PRINTER_TAKE;
}

static void data_changes(struct printer *p, uint8_t data, uint64_t now)
{
    p->stable_data = p->wires.data;
    p->data_since = now;
    if (p->byte_open && (p->strobe_over == NEVER || now - p->strobe_over < PRINTER_HOLD)) {
        p->counters.short_holds++;
        p->byte = data;
    }
}

/* ---- time ---- */

/* Busy rises when the printer cannot print, and stays up after a byte until it can take another. */
static void hold_or_release(struct printer *p, uint64_t now)
{
    if (p->state == STATE_FREE && !is_ready(p)) {
        p->state = STATE_HELD;
    } else if (p->state == STATE_HELD && is_ready(p) && p->count < p->capacity) {
        p->state = STATE_ACK;
        p->state_until = now + PRINTER_ACK;
    }
}

static void state_ends(struct printer *p, uint64_t now)
{
    switch (p->state) {
    case STATE_TAKING:
        close_byte(p, now);
        p->state = STATE_HELD;
        break;
    case STATE_WAKING:
        p->state = STATE_HELD;
        break;
    case STATE_ACK:
        p->state = STATE_FREE;
        if (p->acks) {
            p->counters.acks++;
            parallel_acknowledge(&p->port);
        }
        break;
    default:
        break;
    }
}

static uint64_t next_event(const struct printer *p)
{
    bool timed = p->state == STATE_TAKING || p->state == STATE_ACK || p->state == STATE_WAKING;

    return timed && p->state_until < p->print_due ? p->state_until : p->print_due;
}

static void settle(struct printer *p)
{
    uint64_t now = machine_time(), at = next_event(p);

    while (at <= now) {
        if (at == p->print_due) {
            print_head(p, at);
        } else {
            state_ends(p, at);
        }
        hold_or_release(p, at);
        at = next_event(p);
    }
}

/* Somebody waits for nAck: be there in time.  Nobody waits while nothing leads to an edge. */
static void watch(struct printer *p)
{
    uint64_t next = NEVER;

    if (p->watched && p->acks && p->state != STATE_FREE) {
        next = next_event(p);
    }
    if (next == NEVER) {
        machine_timer_cancel(&p->timer);
    } else {
        machine_timer_set(&p->timer, next);
    }
}

static void on_timer(struct machine_timer *timer)
{
    struct printer *p = timer->context;

    settle(p);
    watch(p);
}

/* After something outside changed. */
static void changed(struct printer *p)
{
    uint64_t now = machine_time();

    set_printing(p, now);
    hold_or_release(p, now);
    watch(p);
}

/* ---- wires ---- */

static void wake(struct printer *p, uint64_t now)
{
    discard_buffer(p);
    p->ieee1284.phase = PRINTER_COMPATIBLE;
    p->state = STATE_WAKING;
    p->state_until = now + PRINTER_WAKE;
}

static void init_ends(struct printer *p, uint64_t now)
{
    if (now - p->init_since < PRINTER_INIT) {
        p->counters.short_inits++;
        return;
    }
    p->counters.inits++;
    wake(p, now);
}

static uint8_t levels(void *context)
{
    struct printer *p = context;
    uint8_t wires = 0;

    settle(p);
    if (p->off) {
        return 0; /* nothing drives them */
    }
    if (p->ieee1284.phase != PRINTER_COMPATIBLE) {
        return p->ieee1284.levels;
    }
    if (p->state != STATE_FREE || p->wires.init) {
        wires |= PARALLEL_BUSY;
    }
    if (p->state != STATE_ACK || !p->acks) {
        wires |= PARALLEL_NACK;
    }
    if (p->paper_empty) {
        wires |= PARALLEL_PERROR;
    }
    if (!p->offline && !p->paper_empty && !p->fault) {
        wires |= PARALLEL_SELECT | PARALLEL_NFAULT;
    }
    return wires;
}

/* Centronics: what the edges of the host's wires mean. */
static void drive_compatible(struct printer *p, const struct parallel_wires *wires, uint64_t now)
{
    struct parallel_wires old = p->wires;

    if (wires->data != old.data) {
        data_changes(p, wires->data, now);
    }
    p->wires = *wires;
    if (wires->init && !old.init) {
        p->init_since = now;
    } else if (!wires->init && old.init) {
        init_ends(p, now);
    }
    if (wires->strobe && !old.strobe) {
        strobe_begins(p, now);
    } else if (!wires->strobe && old.strobe) {
        strobe_ends(p, now);
    }
}

static void drive(void *context, const struct parallel_wires *wires, bool watched)
{
    struct printer *p = context;
    uint64_t now = machine_time();
    bool acknowledged = false;

    settle(p);
    p->watched = watched;
    if (p->off) {
        p->wires = *wires;
        return;
    }
    if (wires->init) {
        p->ieee1284.phase = PRINTER_COMPATIBLE;
    } else if (p->knows_1284) {
        enum printer_1284_phase before = p->ieee1284.phase;

        if (printer_1284_drive(&p->ieee1284, wires, &acknowledged)) {
            p->counters.negotiations += before == PRINTER_COMPATIBLE;
            p->wires = *wires;
        }
    }
    if (acknowledged) {
        parallel_acknowledge(&p->port);
    }
    if (p->ieee1284.phase == PRINTER_COMPATIBLE) {
        drive_compatible(p, wires, now);
    }
    changed(p);
}

/* ---- what scenarios do ---- */

size_t printer_take(struct printer *p, void *to, size_t size)
{
    size_t done = 0;

    settle(p);
    while (p->first != NULL && done < size) {
        struct sheet *sheet = p->first;
        size_t n = sheet->used - sheet->taken;

        n = n < size - done ? n : size - done;
        memcpy((uint8_t *)to + done, sheet->text + sheet->taken, n);
        sheet->taken += (uint32_t)n;
        done += n;
        if (sheet->taken == sheet->used) {
            p->first = sheet->next;
            p->last = p->first != NULL ? p->last : NULL;
            sheet->next = p->blank;
            p->blank = sheet;
        }
    }
    return done;
}

void printer_set_offline(struct printer *p, bool offline)
{
    settle(p);
    p->offline = offline;
    changed(p);
}

void printer_set_paper(struct printer *p, bool paper)
{
    settle(p);
    p->paper_empty = !paper;
    p->paper_used = 0;
    changed(p);
}

void printer_set_fault(struct printer *p, bool fault)
{
    settle(p);
    p->fault = fault;
    changed(p);
}

void printer_set_power(struct printer *p, bool on)
{
    settle(p);
    if (p->off == on) {
        p->off = !on;
        wake(p, machine_time());
    }
    changed(p);
}

void printer_set_plugged(struct printer *p, bool plugged)
{
    settle(p);
    parallel_plug(&p->port, plugged);
}

void printer_set_rate(struct printer *p, uint32_t bytes_per_second)
{
    PG_ASSERT(bytes_per_second >= 1 && bytes_per_second <= PRINTER_RATE_MAX);
    settle(p);
    p->rate = bytes_per_second;
    p->print_due = NEVER; /* the byte at the head begins anew */
    changed(p);
}

void printer_set_buffer(struct printer *p, uint32_t bytes)
{
    PG_ASSERT(bytes >= 1 && bytes <= PRINTER_BUFFER_MAX);
    settle(p);
    p->capacity = bytes;
    changed(p);
}

void printer_set_ack(struct printer *p, bool gives_ack)
{
    settle(p);
    p->acks = gives_ack;
    changed(p);
}

void printer_set_ieee1284(struct printer *p, bool knows)
{
    settle(p);
    p->knows_1284 = knows;
    p->ieee1284.phase = PRINTER_COMPATIBLE;
    changed(p);
}

const struct printer_counters *printer_counters(struct printer *p)
{
    settle(p);
    return &p->counters;
}

uint32_t printer_buffered(struct printer *p)
{
    settle(p);
    return p->count;
}

struct hardware *printer_hardware(struct printer *p)
{
    return &p->port.hardware;
}

struct printer *printer_new(const char *name, uint16_t port, uint32_t line)
{
    static struct printer *spare; /* of an attempt that failed: nothing is ever freed */
    struct printer *p = spare != NULL ? spare : machine_allocate(sizeof *p);
    const struct parallel_device device = {levels, drive, p};

    spare = p;
    p->capacity = DEFAULT_BUFFER;
    p->rate = DEFAULT_RATE;
    p->acks = p->knows_1284 = true;
    p->print_due = NEVER;
    p->ieee1284.id = "MFG:Plain;MDL:Line 80;CLS:PRINTER;DES:Plain Line 80;CMD:TEXT;";
    p->timer.expire = on_timer;
    p->timer.context = p;
    p->timer.hardware = true;
    if (!parallel_start(&p->port, name, port, line, &device)) {
        return NULL;
    }
    spare = NULL;
    return p;
}
