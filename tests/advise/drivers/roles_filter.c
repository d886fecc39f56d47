/* SPDX-License-Identifier: MIT */
/* A minifilter's table of operations, with what of <fltKernel.h> it takes.  Never run. */
#include <ntddk.h>

typedef struct _FLT_OPERATION_REGISTRATION {
    UCHAR MajorFunction;
    ULONG Flags;
    PVOID PreOperation, PostOperation, Reserved;
} FLT_OPERATION_REGISTRATION;

typedef struct _FLT_REGISTRATION {
    USHORT Size, Version;
    ULONG Flags;
    PVOID ContextRegistration;
    const FLT_OPERATION_REGISTRATION *OperationRegistration;
    PVOID Callbacks[14];
} FLT_REGISTRATION;

NTSTATUS FltRegisterFilter(PDRIVER_OBJECT Driver, const FLT_REGISTRATION *Registration,
                           PVOID *Filter);
DRIVER_INITIALIZE DriverEntry;

static volatile ULONG Count;

#define OPERATION(name, result)                                                                    \
    static int name(PVOID Data)                                                                    \
    {                                                                                              \
        Count += *(volatile ULONG *)Data;                                                          \
        return result;                                                                             \
    }

OPERATION(PreCreate, 1)
OPERATION(PostCreate, 2)
OPERATION(PreRead, 3)
OPERATION(PostRead, 4)
OPERATION(PostBoth, 5)

static const FLT_OPERATION_REGISTRATION Operations[] = {
    {IRP_MJ_CREATE, 0, PreCreate, PostCreate, NULL},
    {IRP_MJ_READ, 0, PreRead, PostRead, NULL},
    {IRP_MJ_CREATE_NAMED_PIPE, 0, PreCreate, PostBoth, NULL},
    {IRP_MJ_CREATE, 0, NULL, PostBoth, NULL},
    {.MajorFunction = 0x80},
};
static const FLT_REGISTRATION Registration = {.Size = sizeof(FLT_REGISTRATION),
                                              .OperationRegistration = Operations};

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    static PVOID Filter;

    UNREFERENCED_PARAMETER(Path);
    return FltRegisterFilter(Driver, &Registration, &Filter);
}
