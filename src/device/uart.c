/* SPDX-License-Identifier: MIT */
/* The UART's registers and its interrupt. */
#include "device/uart_internal.h"

#include <string.h>

bool uart_has_fifos(const struct uart *uart)
{
    return (uart->fcr & FCR_ENABLE) != 0;
}

uint8_t uart_room(const struct uart *uart)
{
    return uart_has_fifos(uart) ? UART_FIFO : 1;
}

uint8_t uart_trigger(const struct uart *uart)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return uart_has_fifos(uart) ? levels[uart->fcr >> 6] : 1;
}

bool uart_line_open(const struct uart *uart)
{
    return (uart->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
}

/* ---- the interrupt ---- */

/* The most urgent cause, as the interrupt identification register says it. */
static uint8_t cause(const struct uart *uart)
{
    if ((uart->ier & IER_LINE) && uart->line_errors) {
        return IIR_LINE;
    }
    if ((uart->ier & IER_DATA) && uart->rx_count >= uart_trigger(uart)) {
        return IIR_DATA;
    }
    if ((uart->ier & IER_DATA) && uart->rx_timeout) {
        return IIR_TIMEOUT;
    }
    if ((uart->ier & IER_EMPTY) && uart->tx_empty) {
        return IIR_EMPTY;
    }
    if ((uart->ier & IER_MODEM) && uart->modem_delta) {
        return IIR_MODEM;
    }
    return IIR_NONE;
}

/* A chip that was pulled out answers nothing and asks for nothing. */
static bool is_there(struct uart *uart)
{
    if (!uart->hardware.present && uart->pin.attached) {
        machine_timer_cancel(&uart->timer);
        interrupt_pin_detach(&uart->pin);
    }
    return uart->hardware.present;
}

void uart_update(struct uart *uart)
{
    bool asserted = uart_line_open(uart) && cause(uart) != IIR_NONE;
    uint64_t rise = UART_NEVER, due;

    if (!is_there(uart)) {
        return;
    }
    if (asserted != uart->pin.asserted) {
        uart->counters.interrupts += asserted;
        interrupt_pin_set(&uart->pin, asserted);
    }
    if (!asserted && uart_line_open(uart)) {
        rise = uart_next_rise(uart);
    }
    if (rise == UART_NEVER) {
        machine_timer_cancel(&uart->timer);
        return;
    }
    due = (rise + UART_TICKS_PER_UNIT - 1) / UART_TICKS_PER_UNIT;
    if (uart->timer.heap_index == 0 || uart->timer.due != due) {
        machine_timer_set(&uart->timer, due);
    }
}

static void expire(struct machine_timer *timer)
{
    struct uart *uart = timer->context;

    uart_catch_up(uart);
    uart_update(uart);
}

/* ---- reading ---- */

static uint8_t read_data(struct uart *uart)
{
    uint8_t data = (uint8_t)uart->rx[0];

    if (uart->rx_count == 0) {
        return data; /* what was read last: it stays in the latch */
    }
    uart->rx_count--;
    if (uart->rx_count > 0) {
        memmove(&uart->rx[0], &uart->rx[1], uart->rx_count * sizeof uart->rx[0]);
    }
    uart->rx_timeout = false;
    uart_restart_timeout(uart);
    uart_reveal(uart);
    return data;
}

static uint8_t read_iir(struct uart *uart)
{
    uint8_t value = cause(uart);

    if (value == IIR_EMPTY) {
        uart->tx_empty = false;
    }
    return uart_has_fifos(uart) ? value | IIR_FIFOS : value;
}

static uint8_t read_lsr(struct uart *uart)
{
    uint8_t value = uart->line_errors;

    value |= uart->rx_count > 0 ? LSR_READY : 0;
    value |= uart->tx_count == 0 ? LSR_EMPTY : 0;
    value |= uart->tx_count == 0 && !uart->tx_shifting ? LSR_IDLE : 0;
    for (unsigned i = 0; i < uart->rx_count && uart_has_fifos(uart); i++) {
        value |= UART_DAMAGE_OF(uart->rx[i]) ? LSR_FIFO_ERROR : 0;
    }
    uart->line_errors = 0;
    if (uart->rx_count > 0) {
        uart->rx[0] &= 0xff; /* its errors were told */
    }
    return value;
}

/* The modem inputs as the chip sees them: in loopback they are its own outputs. */
static uint8_t inputs(const struct uart *uart)
{
    if ((uart->mcr & MCR_LOOP) == 0) {
        return uart->modem;
    }
    return (uint8_t)((uart->mcr & MCR_RTS ? UART_CTS : 0) | (uart->mcr & MCR_DTR ? UART_DSR : 0) |
                     (uart->mcr & MCR_OUT1 ? UART_RI : 0) | (uart->mcr & MCR_OUT2 ? UART_DCD : 0));
}

static uint8_t read_msr(struct uart *uart)
{
    uint8_t value = inputs(uart) | uart->modem_delta;

    uart->modem_delta = 0;
    return value;
}

static uint8_t read_register(struct uart *uart, uint32_t number)
{
    bool divisor = (uart->lcr & LCR_DIVISOR) != 0;

    switch (number) {
    case UART_DATA:
        return divisor ? (uint8_t)uart->divisor : read_data(uart);
    case UART_IER:
        return divisor ? (uint8_t)(uart->divisor >> 8) : uart->ier;
    case UART_IIR:
        return read_iir(uart);
    case UART_LCR:
        return uart->lcr;
    case UART_MCR:
        return uart->mcr;
    case UART_LSR:
        return read_lsr(uart);
    case UART_MSR:
        return read_msr(uart);
    default:
        return uart->scr;
    }
}

/* ---- writing ---- */

static void note_inputs(struct uart *uart, uint8_t before)
{
    uint8_t after = inputs(uart);

    uart->modem_delta |= (uint8_t)(((before ^ after) & (UART_CTS | UART_DSR | UART_DCD)) >> 4);
    if ((before & UART_RI) && !(after & UART_RI)) { /* only the end of a ring counts */
        uart->modem_delta |= UART_RI >> 4;
    }
}

static void write_data(struct uart *uart, uint8_t data)
{
    uart->tx_empty = false;
    uart->tx_empty_at = UART_NEVER;
    if (!uart_has_fifos(uart)) {
        uart->tx[0] = data;
        uart->tx_count = 1;
    } else if (uart->tx_count < UART_FIFO) { /* else it is lost */
        uart->tx[uart->tx_count++] = data;
        uart->tx_crowded |= uart->tx_count > 1;
    }
    uart_start_shifting(uart);
}

static void write_ier(struct uart *uart, uint8_t value)
{
    bool was = (uart->ier & IER_EMPTY) != 0;

    uart->ier = value & (IER_DATA | IER_EMPTY | IER_LINE | IER_MODEM);
    if (!was && (uart->ier & IER_EMPTY) && uart->tx_count == 0) {
        uart->tx_empty = true;
    }
}

static void clear_receiver(struct uart *uart)
{
    uart->rx_count = 0;
    uart->rx_timeout = false;
    uart->rx_quiet_at = UART_NEVER;
}

static void clear_transmitter(struct uart *uart)
{
    if (uart->tx_count > 0) {
        uart->tx_count = 0;
        uart->tx_empty = true;
    }
    uart->tx_crowded = false;
}

static void write_fcr(struct uart *uart, uint8_t value)
{
    bool switched = ((value ^ uart->fcr) & FCR_ENABLE) != 0;

    if (switched || (value & FCR_ENABLE && value & FCR_CLEAR_RECEIVER)) {
        clear_receiver(uart);
    }
    if (switched || (value & FCR_ENABLE && value & FCR_CLEAR_TRANSMITTER)) {
        clear_transmitter(uart);
    }
    /* The other bits count only in a write that has the first one. */
    uart->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
}

static void write_lcr(struct uart *uart, uint8_t value)
{
    if (value & ~uart->lcr & LCR_BREAK) {
        uart->counters.breaks++;
        uart->tx_in_break = true; /* whatever is on the wire is spoiled */
    }
    uart->lcr = value;
}

static void write_mcr(struct uart *uart, uint8_t value)
{
    uint8_t before = inputs(uart);

    uart->mcr = value & (MCR_DTR | MCR_RTS | MCR_OUT1 | MCR_OUT2 | MCR_LOOP);
    note_inputs(uart, before);
    uart_start_far(uart);
}

static void write_divisor(struct uart *uart, uint16_t value)
{
    uart->divisor = value;
    uart_start_shifting(uart); /* the clock may just have started */
    uart_start_far(uart);
}

static void write_register(struct uart *uart, uint32_t number, uint8_t value)
{
    bool divisor = (uart->lcr & LCR_DIVISOR) != 0;

    switch (number) {
    case UART_DATA:
        if (divisor) {
            write_divisor(uart, (uint16_t)((uart->divisor & 0xff00) | value));
        } else {
            write_data(uart, value);
        }
        break;
    case UART_IER:
        if (divisor) {
            write_divisor(uart, (uint16_t)((uart->divisor & 0xff) | value << 8));
        } else {
            write_ier(uart, value);
        }
        break;
    case UART_FCR:
        write_fcr(uart, value);
        break;
    case UART_LCR:
        write_lcr(uart, value);
        break;
    case UART_MCR:
        write_mcr(uart, value);
        break;
    case UART_SCR:
        uart->scr = value;
        break;
    default: /* the status registers cannot be written */
        break;
    }
}

/* ---- on the bus ---- */

/* The chip is eight bits wide: a wider access is one for each byte. */
static uint64_t bus_read(void *context, uint32_t offset, unsigned bytes)
{
    struct uart *uart = context;
    uint64_t value = 0;

    if (!is_there(uart)) {
        return UINT64_MAX;
    }
    uart_catch_up(uart);
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t byte = offset + i < UART_REGISTERS ? read_register(uart, offset + i) : 0xff;

        value |= (uint64_t)byte << (8 * i);
    }
    uart_update(uart);
    return value;
}

static void bus_write(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct uart *uart = context;

    if (!is_there(uart)) {
        return;
    }
    uart_catch_up(uart);
    for (unsigned i = 0; i < bytes && offset + i < UART_REGISTERS; i++) {
        write_register(uart, offset + i, (uint8_t)(value >> (8 * i)));
    }
    uart_update(uart);
}

void uart_modem(struct uart *uart, uint8_t which, uint8_t active)
{
    uint8_t before;

    uart_catch_up(uart);
    before = inputs(uart);
    uart->modem = (uint8_t)((uart->modem & ~which) | (active & which));
    note_inputs(uart, before);
    uart_update(uart);
}

void uart_reset(struct uart *uart)
{
    uart_catch_up(uart);
    uart->ier = uart->fcr = uart->lcr = uart->mcr = uart->scr = 0;
    uart->divisor = 0;
    uart->line_errors = uart->modem_delta = 0;
    clear_receiver(uart);
    uart->tx_count = 0;
    uart->tx_shifting = uart->tx_empty = uart->tx_crowded = false;
    uart->tx_empty_at = UART_NEVER;
    uart_update(uart);
}

/* ---- making one ---- */

static struct uart *make(const char *name, enum resource_kind kind, uint64_t start, uint32_t line)
{
    struct uart *uart = machine_allocate(sizeof *uart);

    uart->hardware = (struct hardware){
        .name = name,
        .ids = "ACPI\\PNP0501\0*PNP0501\0",
        .description = "Communications Port",
        .resources = {{kind, start, UART_REGISTERS}, {RESOURCE_INTERRUPT, line, 1}},
        .resource_count = 2,
        .present = true,
    };
    uart->timer.expire = expire;
    uart->timer.context = uart;
    uart->timer.hardware = true;
    uart->rx_quiet_at = uart->tx_empty_at = UART_NEVER;
    uart->now = machine_time() * UART_TICKS_PER_UNIT;
    return uart;
}

static struct uart *install(struct uart *uart, bool claimed, uint32_t line)
{
    if (!claimed) {
        return NULL;
    }
    interrupt_pin_attach(&uart->pin, line);
    hardware_add(&uart->hardware);
    return uart;
}

struct uart *uart_new(const char *name, uint16_t port, uint32_t line)
{
    struct uart *uart = make(name, RESOURCE_PORTS, port, line);
    struct io_range range = {bus_read, bus_write, uart};

    return install(uart, machine_ports_claim(port, UART_REGISTERS, &range), line);
}

struct uart *uart_new_memory(const char *name, uint64_t physical, uint32_t line)
{
    struct uart *uart = make(name, RESOURCE_MEMORY, physical, line);
    struct io_range range = {bus_read, bus_write, uart};

    return install(uart, machine_memory_claim(physical, UART_REGISTERS, &range), line);
}

const struct hardware *uart_hardware(const struct uart *uart)
{
    return &uart->hardware;
}
