/* SPDX-License-Identifier: MIT */
/* The usual computer: see computer.h. */
#include "device/computer.h"

#include <stddef.h>

#include "base/assert.h"
#include "device/disk.h"
#include "device/printer.h"
#include "device/uart.h"
#include "machine/machine.h"

struct computer {
    struct uart *uarts[COMPUTER_UARTS];
    struct printer *printers[COMPUTER_PRINTERS];
    struct disk *disks[COMPUTER_DISKS];
};

static struct computer *computer;

/* Two ports share each line, as on every PC. */
static void add_uarts(void)
{
    static const struct {
        const char *name;
        uint16_t port;
        uint8_t line;
    } usual[COMPUTER_UARTS] = {
        {"uart1", 0x3f8, 4}, {"uart2", 0x2f8, 3}, {"uart3", 0x3e8, 4}, {"uart4", 0x2e8, 3}};

    for (unsigned i = 0; i < COMPUTER_UARTS; i++) {
        computer->uarts[i] = uart_new(usual[i].name, usual[i].port, usual[i].line);
    }
}

#define DISK_BYTES (16ull << 20)

static void add_disks(void)
{
    static const char *const names[COMPUTER_DISKS] = {"disk1", "disk2", "disk3", "disk4"};

    for (unsigned i = 0; i < COMPUTER_DISKS; i++) {
        computer->disks[i] = disk_new(names[i], DISK_BYTES);
    }
}

void computer_start(void)
{
    PG_ASSERT(computer == NULL);
    computer = machine_allocate(sizeof *computer);
    add_uarts();
    computer->printers[0] = printer_new("lpt1", 0x378, 7);
    add_disks();
}

struct uart *computer_uart(unsigned n)
{
    return computer != NULL && n < COMPUTER_UARTS ? computer->uarts[n] : NULL;
}

struct printer *computer_printer(unsigned n)
{
    return computer != NULL && n < COMPUTER_PRINTERS ? computer->printers[n] : NULL;
}

struct disk *computer_disk(unsigned n)
{
    return computer != NULL && n < COMPUTER_DISKS ? computer->disks[n] : NULL;
}
