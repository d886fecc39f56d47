/* SPDX-License-Identifier: MIT */
/*
 * What pnp_probe.sys is made of.  It says on the debugger's line what plug and play does to it, and
 * checks from inside what its devices are told to be.
 */
#ifndef PNP_PROBE_H
#define PNP_PROBE_H

#include <wdm.h>

#define PROBE_TAG 'bnpP'

/* What the driver was told to do wrong, by values of its Parameters key. */
struct probe_orders {
    ULONG FailAdd, FailStart, RefuseStop, RefuseRemove;
    ULONG KeepDevice;            /* REMOVE does not delete the device */
    ULONG KeepAttached;          /* REMOVE deletes the device and does not detach it */
    ULONG SaysFailed;            /* QUERY_PNP_DEVICE_STATE: PNP_DEVICE_FAILED */
    ULONG HangStart, HangRemove; /* the request is pended and forgotten */
    ULONG FailRestart;           /* the second START fails */
    ULONG Initializing;          /* AddDevice leaves DO_DEVICE_INITIALIZING set */
    ULONG VetoTarget;            /* the target notification refuses a removal */
    ULONG NewRequirements;       /* FILTER_RESOURCE_REQUIREMENTS replaces the list */
    ULONG Children; /* QUERY_DEVICE_RELATIONS reports the device's own physical device */
};
extern struct probe_orders ProbeOrders;
extern PDRIVER_OBJECT ProbeDriver;

struct probe_device {
    PDEVICE_OBJECT Self, Pdo, Lower;
    IO_REMOVE_LOCK RemoveLock;
    UNICODE_STRING Interface;
    PIRP Waiting; /* a read that only cancellation or removal ends */
    ULONG Starts;
    DEVICE_POWER_STATE Power;
    PVOID Target; /* notification of its own device */
    PFILE_OBJECT TargetFile;
};

extern const GUID ProbeClass, ProbeOtherClass;

/* "NAME ok", or "NAME: line N: EXPRESSION" for the first thing that is not as documented. */
#define EXPECT(name, condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            DbgPrint("%s: line %d: %s\n", name, __LINE__, #condition);                             \
            return FALSE;                                                                          \
        }                                                                                          \
    } while (0)

typedef BOOLEAN probe_check(struct probe_device *Device);
probe_check ProbeProperties, ProbeKeys, ProbeInterfaces, ProbeBus, ProbeTarget, ProbeCustom,
    ProbePower, ProbeDeviceMap, ProbeRefused, ProbeWmi;

void ProbeInterfaceEvents(struct probe_device *Device, BOOLEAN Listen);
void ProbePrintResources(PCM_RESOURCE_LIST List, const char *What);
/* One request of this driver's own to the bottom of the stack. */
NTSTATUS ProbeAsk(struct probe_device *Device, PIO_STACK_LOCATION Parameters,
                  ULONG_PTR *Information);

/* Function numbers of device controls. */
enum {
    PROBE_CHECK = 0x800,       /* + number of the check */
    PROBE_INVALIDATE = 0x900,  /* IoInvalidateDeviceState */
    PROBE_SAYS_FAILED = 0x901, /* the next QUERY_PNP_DEVICE_STATE says so */
    PROBE_RELATIONS = 0x902,   /* IoInvalidateDeviceRelations */
    PROBE_EJECT = 0x903,       /* IoRequestDeviceEject */
    PROBE_REQUEST_D3 = 0x904,  /* PoRequestPowerIrp, waited for */
    PROBE_NOT_PDO = 0x905,     /* IoInvalidateDeviceState on the functional device: bug check */
};

#endif
