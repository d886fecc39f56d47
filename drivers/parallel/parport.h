/* SPDX-License-Identifier: MIT */
/*
 * What parallel.sys offers beyond <ntddpar.h>: how it moves bytes, and how often.
 *
 * The timeout of writes is that of IOCTL_SERIAL_SET_TIMEOUTS (only WriteTotalTimeoutConstant
 * counts): milliseconds that the printer may take nothing before a write gives up; 0 waits for
 * ever.
 */
#ifndef PARPORT_H
#define PARPORT_H

/* Input: a ULONG, one of enum parport_way.  Takes effect with the next bytes. */
#define IOCTL_PARPORT_SET_WAY                                                                      \
    CTL_CODE(FILE_DEVICE_PARALLEL_PORT, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Output: a struct parport_statistics. */
#define IOCTL_PARPORT_QUERY_STATISTICS                                                             \
    CTL_CODE(FILE_DEVICE_PARALLEL_PORT, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

enum parport_way {
    PARPORT_POLLED = 0,
    PARPORT_INTERRUPT = 1, /* STATUS_NOT_SUPPORTED when the port has no interrupt */
};

/* Since the device was started. */
struct parport_statistics {
    ULONG Way;            /* enum parport_way, as it is now */
    ULONG PolledBytes;    /* sent by the thread */
    ULONG InterruptBytes; /* sent by the interrupt service routine, but for the first of a run */
    ULONG Interrupts;     /* that were ours */
    ULONG Foreign;        /* that were not: other devices on the line, or nobody */
    ULONG FellBack;       /* times that the interrupt way was given up since no nAck came */
};

#endif
