/* SPDX-License-Identifier: MIT */
/* Device control: every code with the size of what it takes and gives, and the routine that does
 * it. */
#include "serial.h"

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialDeviceControl)
#endif
#endif

static const struct {
    ULONG Code, In, Out;
    SERIAL_CONTROL *Routine;
} Controls[] = {
    {IOCTL_SERIAL_SET_BAUD_RATE, sizeof(SERIAL_BAUD_RATE), 0, SerialSetBaud},
    {IOCTL_SERIAL_GET_BAUD_RATE, 0, sizeof(SERIAL_BAUD_RATE), SerialGetBaud},
    {IOCTL_SERIAL_SET_LINE_CONTROL, sizeof(SERIAL_LINE_CONTROL), 0, SerialSetLine},
    {IOCTL_SERIAL_GET_LINE_CONTROL, 0, sizeof(SERIAL_LINE_CONTROL), SerialGetLine},
    {IOCTL_SERIAL_SET_TIMEOUTS, sizeof(SERIAL_TIMEOUTS), 0, SerialSetTimeouts},
    {IOCTL_SERIAL_GET_TIMEOUTS, 0, sizeof(SERIAL_TIMEOUTS), SerialGetTimeouts},
    {IOCTL_SERIAL_SET_CHARS, sizeof(SERIAL_CHARS), 0, SerialSetChars},
    {IOCTL_SERIAL_GET_CHARS, 0, sizeof(SERIAL_CHARS), SerialGetChars},
    {IOCTL_SERIAL_SET_HANDFLOW, sizeof(SERIAL_HANDFLOW), 0, SerialSetHandFlow},
    {IOCTL_SERIAL_GET_HANDFLOW, 0, sizeof(SERIAL_HANDFLOW), SerialGetHandFlow},
    {IOCTL_SERIAL_SET_FIFO_CONTROL, sizeof(ULONG), 0, SerialSetFifo},
    {IOCTL_SERIAL_SET_QUEUE_SIZE, sizeof(SERIAL_QUEUE_SIZE), 0, SerialSetQueueSize},
    {IOCTL_SERIAL_SET_WAIT_MASK, sizeof(ULONG), 0, SerialSetWaitMask},
    {IOCTL_SERIAL_GET_WAIT_MASK, 0, sizeof(ULONG), SerialGetWaitMask},
    {IOCTL_SERIAL_SET_DTR, 0, 0, SerialSetDtr},
    {IOCTL_SERIAL_CLR_DTR, 0, 0, SerialClearDtr},
    {IOCTL_SERIAL_SET_RTS, 0, 0, SerialSetRts},
    {IOCTL_SERIAL_CLR_RTS, 0, 0, SerialClearRts},
    {IOCTL_SERIAL_GET_DTRRTS, 0, sizeof(ULONG), SerialGetDtrRts},
    {IOCTL_SERIAL_GET_MODEMSTATUS, 0, sizeof(ULONG), SerialGetModemStatus},
    {IOCTL_SERIAL_SET_MODEM_CONTROL, sizeof(ULONG), 0, SerialSetModemControl},
    {IOCTL_SERIAL_GET_MODEM_CONTROL, 0, sizeof(ULONG), SerialGetModemControl},
    {IOCTL_SERIAL_SET_XOFF, 0, 0, SerialSetXoff},
    {IOCTL_SERIAL_SET_XON, 0, 0, SerialSetXon},
    {IOCTL_SERIAL_SET_BREAK_ON, 0, 0, SerialBreakOn},
    {IOCTL_SERIAL_SET_BREAK_OFF, 0, 0, SerialBreakOff},
    {IOCTL_SERIAL_RESET_DEVICE, 0, 0, SerialReset},
    {IOCTL_SERIAL_PURGE, sizeof(ULONG), 0, SerialPurge},
    {IOCTL_SERIAL_GET_COMMSTATUS, 0, sizeof(SERIAL_STATUS), SerialGetCommStatus},
    {IOCTL_SERIAL_GET_PROPERTIES, 0, sizeof(SERIAL_COMMPROP), SerialGetProperties},
    {IOCTL_SERIAL_GET_STATS, 0, sizeof(SERIALPERF_STATS), SerialGetStats},
    {IOCTL_SERIAL_CLEAR_STATS, 0, 0, SerialClearStats},
    {IOCTL_SERIAL_CONFIG_SIZE, 0, sizeof(ULONG), SerialConfigSize},
};

/* May be called at DISPATCH_LEVEL by a driver above, as reads and writes may: nothing here waits.
 */
NTSTATUS SerialDeviceControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG In = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG Out = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    LIST_ENTRY Done;
    NTSTATUS Status;
    KIRQL Irql;

    if (!SerialEnter(Port, Irp, &Status)) {
        return Status;
    }
    if (Code == IOCTL_SERIAL_WAIT_ON_MASK) {
        return Out < sizeof(ULONG) ? SerialFinish(Port, Irp, STATUS_BUFFER_TOO_SMALL, 0)
                                   : SerialWaitOnMask(Port, Irp);
    }
    if (Code == IOCTL_SERIAL_IMMEDIATE_CHAR) {
        return In < sizeof(UCHAR) ? SerialFinish(Port, Irp, STATUS_BUFFER_TOO_SMALL, 0)
                                  : SerialImmediate(Port, Irp, *(PUCHAR)Buffer);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Controls); i++) {
        if (Controls[i].Code != Code) {
            continue;
        }
        if (In < Controls[i].In || Out < Controls[i].Out) {
            return SerialFinish(Port, Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        InitializeListHead(&Done);
        KeAcquireSpinLock(&Port->Lock, &Irql);
        Status = Controls[i].Routine(Port, Buffer, &Done);
        KeReleaseSpinLock(&Port->Lock, Irql);
        SerialComplete(Port, &Done);
        return SerialFinish(Port, Irp, Status, NT_SUCCESS(Status) ? Controls[i].Out : 0);
    }
    return SerialFinish(Port, Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}
