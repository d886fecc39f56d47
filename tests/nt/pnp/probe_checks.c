/* SPDX-License-Identifier: MIT */
/* What a device's driver finds when it looks: properties, keys, interfaces, the bus, power. */
#include "pnp_probe.h"

/* Routines of ntddk.h, which wdm.h leaves out. */
NTSYSAPI NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName,
                                              ULONG ValueType, PVOID ValueData, ULONG ValueLength);

const GUID ProbeClass = {0x86e0d1e0, 0x8089, 0x11d0, {0x9c, 0xe4, 8, 0, 0x3e, 0x30, 0x1f, 0x73}};
const GUID ProbeOtherClass = {0x4d36e978, 0xe325, 0x11ce, {0xbf, 0xc1, 8, 0, 0x2b, 0xe1, 3, 0x18}};

static BOOLEAN Same(const WCHAR *Text, const WCHAR *Expected)
{
    UNICODE_STRING A, B;

    RtlInitUnicodeString(&A, Text);
    RtlInitUnicodeString(&B, Expected);
    return RtlEqualUnicodeString(&A, &B, FALSE);
}

/* ---- properties ---- */

static NTSTATUS Property(struct probe_device *Device, DEVICE_REGISTRY_PROPERTY Which, PVOID Buffer,
                         ULONG Bytes, ULONG *Length)
{
    return IoGetDeviceProperty(Device->Pdo, Which, Bytes, Buffer, Length);
}

static BOOLEAN IsText(struct probe_device *Device, DEVICE_REGISTRY_PROPERTY Which,
                      const WCHAR *Expected)
{
    WCHAR Buffer[128];
    ULONG Length;

    return Property(Device, Which, Buffer, sizeof Buffer, &Length) == STATUS_SUCCESS &&
           Length == (wcslen(Expected) + 1) * sizeof(WCHAR) && Same(Buffer, Expected);
}

BOOLEAN ProbeProperties(struct probe_device *Device)
{
    const char *Name = "properties";
    static const WCHAR Ids[] = L"ACPI\\PNP0501\0*PNP0501\0";
    WCHAR Buffer[128];
    GUID Bus;
    ULONG Length = 0, Number = 99;

    EXPECT(Name, IsText(Device, DevicePropertyDeviceDescription, L"Communications Port"));
    EXPECT(Name, IsText(Device, DevicePropertyFriendlyName, L"Communications Port (COM1)"));
    EXPECT(Name, IsText(Device, DevicePropertyClassName, L"Ports"));
    EXPECT(Name,
           IsText(Device, DevicePropertyClassGuid, L"{4d36e978-e325-11ce-bfc1-08002be10318}"));
    EXPECT(Name, IsText(Device, DevicePropertyEnumeratorName, L"ACPI"));
    EXPECT(Name, Property(Device, DevicePropertyDriverKeyName, Buffer, sizeof Buffer, &Length) ==
                     STATUS_SUCCESS);
    EXPECT(Name, Property(Device, DevicePropertyHardwareID, Buffer, sizeof Buffer, &Length) ==
                         STATUS_SUCCESS &&
                     Length == sizeof Ids && RtlEqualMemory(Buffer, Ids, sizeof Ids));
    EXPECT(Name, Property(Device, DevicePropertyPhysicalDeviceObjectName, Buffer, sizeof Buffer,
                          &Length) == STATUS_SUCCESS &&
                     Length == sizeof L"\\Device\\00000001");
    EXPECT(Name, Property(Device, DevicePropertyBusTypeGuid, &Bus, sizeof Bus, &Length) ==
                         STATUS_SUCCESS &&
                     Bus.Data1 == 0xe676f854);
    EXPECT(Name,
           Property(Device, DevicePropertyLegacyBusType, &Number, 4, &Length) == STATUS_SUCCESS &&
               Number == Isa);
    EXPECT(Name,
           Property(Device, DevicePropertyInstallState, &Number, 4, &Length) == STATUS_SUCCESS &&
               Number == 0);
    EXPECT(Name, Property(Device, DevicePropertyAllocatedResources, NULL, 0, &Length) ==
                         STATUS_BUFFER_TOO_SMALL &&
                     Length == sizeof(CM_RESOURCE_LIST) + sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR));
    EXPECT(Name, Property(Device, DevicePropertyResourceRequirements, NULL, 0, &Length) ==
                     STATUS_BUFFER_TOO_SMALL);
    EXPECT(Name, Property(Device, DevicePropertyLocationInformation, Buffer, sizeof Buffer,
                          &Length) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(Name, Property(Device, DevicePropertyAddress, &Number, 4, &Length) ==
                     STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(Name, Property(Device, 99, &Number, 4, &Length) == STATUS_INVALID_PARAMETER_2);
    EXPECT(Name, Property(Device, DevicePropertyDeviceDescription, Buffer, 2, &Length) ==
                         STATUS_BUFFER_TOO_SMALL &&
                     Length == sizeof L"Communications Port");
    return TRUE;
}

/* ---- keys ---- */

static NTSTATUS Value(HANDLE Key, const WCHAR *Name, WCHAR *Text, ULONG Bytes)
{
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Information;
        UCHAR Data[256];
    } Buffer;
    UNICODE_STRING String;
    ULONG Length;
    NTSTATUS Status;

    RtlInitUnicodeString(&String, Name);
    Status =
        ZwQueryValueKey(Key, &String, KeyValuePartialInformation, &Buffer, sizeof Buffer, &Length);
    if (NT_SUCCESS(Status) && Buffer.Information.DataLength <= Bytes) {
        RtlCopyMemory(Text, Buffer.Information.Data, Buffer.Information.DataLength);
    }
    return Status;
}

BOOLEAN ProbeKeys(struct probe_device *Device)
{
    const char *Name = "keys";
    UNICODE_STRING Own = RTL_CONSTANT_STRING(L"Own");
    WCHAR Text[64];
    HANDLE Key;

    EXPECT(Name, IoOpenDeviceRegistryKey(Device->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key) ==
                     STATUS_SUCCESS);
    EXPECT(Name, Value(Key, L"PortName", Text, sizeof Text) == STATUS_SUCCESS);
    EXPECT(Name, Same(Text, L"COM1"));
    EXPECT(Name, ZwSetValueKey(Key, &Own, 0, REG_SZ, L"mine", sizeof L"mine") == STATUS_SUCCESS);
    ZwClose(Key);
    EXPECT(Name, IoOpenDeviceRegistryKey(Device->Pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key) ==
                     STATUS_SUCCESS);
    EXPECT(Name, Value(Key, L"Own", Text, sizeof Text) == STATUS_SUCCESS && Same(Text, L"mine"));
    ZwClose(Key);
    EXPECT(Name, IoOpenDeviceRegistryKey(Device->Pdo, PLUGPLAY_REGKEY_DRIVER, KEY_READ, &Key) ==
                     STATUS_SUCCESS);
    EXPECT(Name, Value(Key, L"DriverDesc", Text, sizeof Text) == STATUS_SUCCESS);
    EXPECT(Name, Value(Key, L"Own", Text, sizeof Text) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(Key);
    EXPECT(Name, IoOpenDeviceRegistryKey(Device->Pdo,
                                         PLUGPLAY_REGKEY_DEVICE | PLUGPLAY_REGKEY_CURRENT_HWPROFILE,
                                         KEY_READ, &Key) == STATUS_SUCCESS);
    EXPECT(Name, Value(Key, L"PortName", Text, sizeof Text) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(Key);
    EXPECT(Name,
           IoOpenDeviceRegistryKey(Device->Pdo, 0, KEY_READ, &Key) == STATUS_INVALID_PARAMETER);
    EXPECT(Name, IoOpenDeviceRegistryKey(Device->Self, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key) ==
                     STATUS_INVALID_DEVICE_REQUEST);
    return TRUE;
}

BOOLEAN ProbeDeviceMap(struct probe_device *Device)
{
    const char *Name = "map";
    UNICODE_STRING Path =
        RTL_CONSTANT_STRING(L"\\Registry\\Machine\\Hardware\\DeviceMap\\SERIALCOMM");
    OBJECT_ATTRIBUTES Attributes;
    WCHAR Text[16];
    HANDLE Key;

    UNREFERENCED_PARAMETER(Device);
    EXPECT(Name, RtlWriteRegistryValue(RTL_REGISTRY_DEVICEMAP, L"SERIALCOMM", L"\\Device\\Probe0",
                                       REG_SZ, L"COM1", sizeof L"COM1") == STATUS_SUCCESS);
    InitializeObjectAttributes(&Attributes, &Path, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(Name, ZwOpenKey(&Key, KEY_READ, &Attributes) == STATUS_SUCCESS);
    EXPECT(Name, Value(Key, L"\\Device\\Probe0", Text, sizeof Text) == STATUS_SUCCESS);
    EXPECT(Name, Same(Text, L"COM1"));
    ZwClose(Key);
    return TRUE;
}

/* ---- interfaces ---- */

static DRIVER_NOTIFICATION_CALLBACK_ROUTINE InterfaceEvent;
static NTSTATUS InterfaceEvent(PVOID Structure, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change = Structure;

    UNREFERENCED_PARAMETER(Context);
    DbgPrint("probe: interface %s %wZ\n", Change->Event.Data1 == 0xcb3a4004 ? "arrives" : "leaves",
             Change->SymbolicLinkName);
    return STATUS_SUCCESS;
}

static PVOID InterfaceListener;

void ProbeInterfaceEvents(struct probe_device *Device, BOOLEAN Listen)
{
    UNREFERENCED_PARAMETER(Device);
    if (Listen && !InterfaceListener) {
        (void)IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange,
                                             PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES,
                                             (PVOID)&ProbeClass, ProbeDriver, InterfaceEvent, NULL,
                                             &InterfaceListener);
    } else if (!Listen && InterfaceListener) {
        (void)IoUnregisterPlugPlayNotification(InterfaceListener);
        InterfaceListener = NULL;
    }
}

static BOOLEAN Opens(PUNICODE_STRING Link, struct probe_device *Device)
{
    PDEVICE_OBJECT Found;
    PFILE_OBJECT File;
    BOOLEAN Same;

    if (!NT_SUCCESS(IoGetDeviceObjectPointer(Link, FILE_READ_DATA, &File, &Found))) {
        return FALSE;
    }
    Same = Found == IoGetAttachedDevice(Device->Pdo);
    ObDereferenceObject(File);
    return Same;
}

BOOLEAN ProbeInterfaces(struct probe_device *Device)
{
    const char *Name = "interfaces";
    UNICODE_STRING Reference = RTL_CONSTANT_STRING(L"second");
    UNICODE_STRING Bad = RTL_CONSTANT_STRING(L"a\\b");
    UNICODE_STRING First, Second, Alias;
    PWSTR List;
    HANDLE Key;

    EXPECT(Name, Same(Device->Interface.Buffer,
                      L"\\??\\ACPI#PNP0501#1#{86e0d1e0-8089-11d0-9ce4-08003e301f73}"));
    ProbeInterfaceEvents(Device, TRUE);
    EXPECT(Name, Opens(&Device->Interface, Device));
    EXPECT(Name, IoSetDeviceInterfaceState(&Device->Interface, TRUE) == STATUS_OBJECT_NAME_EXISTS);
    EXPECT(Name, IoRegisterDeviceInterface(Device->Pdo, &ProbeOtherClass, &Bad, &Second) ==
                     STATUS_INVALID_DEVICE_REQUEST);
    EXPECT(Name, IoRegisterDeviceInterface(Device->Self, &ProbeOtherClass, NULL, &Second) ==
                     STATUS_INVALID_DEVICE_REQUEST);
    EXPECT(Name, IoRegisterDeviceInterface(Device->Pdo, &ProbeOtherClass, NULL, &First) ==
                     STATUS_SUCCESS);
    EXPECT(Name, IoRegisterDeviceInterface(Device->Pdo, &ProbeOtherClass, &Reference, &Second) ==
                     STATUS_SUCCESS);
    EXPECT(Name, !Opens(&First, Device) && !Opens(&Second, Device));
    EXPECT(Name, IoSetDeviceInterfaceState(&First, FALSE) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(Name, IoSetDeviceInterfaceState(&Second, TRUE) == STATUS_SUCCESS);
    EXPECT(Name, Opens(&Second, Device)); /* through the link and a name behind it */
    EXPECT(Name, IoGetDeviceInterfaces(&ProbeOtherClass, Device->Pdo, 0, &List) == STATUS_SUCCESS);
    EXPECT(Name, Same(List, Second.Buffer) && List[wcslen(List) + 1] == 0);
    ExFreePool(List);
    EXPECT(Name, IoGetDeviceInterfaces(&ProbeOtherClass, NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE,
                                       &List) == STATUS_SUCCESS);
    EXPECT(Name, Same(List, First.Buffer) && Same(List + wcslen(List) + 1, Second.Buffer));
    ExFreePool(List);
    EXPECT(Name, IoSetDeviceInterfaceState(&First, TRUE) == STATUS_SUCCESS);
    EXPECT(Name, IoSetDeviceInterfaceState(&Second, FALSE) == STATUS_SUCCESS);
    EXPECT(Name, Opens(&First, Device)); /* the link that both share is still there */
    EXPECT(Name, IoSetDeviceInterfaceState(&First, FALSE) == STATUS_SUCCESS);
    EXPECT(Name, !Opens(&First, Device));
    EXPECT(Name, IoGetDeviceInterfaceAlias(&Device->Interface, &ProbeOtherClass, &Alias) ==
                         STATUS_SUCCESS &&
                     Same(Alias.Buffer, First.Buffer));
    RtlFreeUnicodeString(&Alias);
    EXPECT(Name,
           IoGetDeviceInterfaceAlias(&Second, &ProbeClass, &Alias) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(Name, IoOpenDeviceInterfaceRegistryKey(&Second, KEY_READ, &Key) == STATUS_SUCCESS);
    ZwClose(Key);
    RtlFreeUnicodeString(&First);
    RtlFreeUnicodeString(&Second);
    return TRUE;
}

/* ---- the target device notification ---- */

static DRIVER_NOTIFICATION_CALLBACK_ROUTINE TargetEvent;
static NTSTATUS TargetEvent(PVOID Structure, PVOID Context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION Event = Structure;
    struct probe_device *Device = Context;

    DbgPrint("probe: target event %08x%s\n", Event->Event.Data1,
             Event->FileObject == Device->TargetFile ? "" : " for another file");
    if (Event->Event.Data1 == 0xcb3a4006 && ProbeOrders.VetoTarget) {
        return STATUS_UNSUCCESSFUL;
    }
    if (Event->Event.Data1 == 0xcb3a4006 || Event->Event.Data1 == 0xcb3a4008) {
        if (Device->TargetFile) {
            ObDereferenceObject(Device->TargetFile); /* nothing is left open */
            Device->TargetFile = NULL;
        }
        if (Device->Target) {
            (void)IoUnregisterPlugPlayNotification(Device->Target);
            Device->Target = NULL;
        }
    }
    return STATUS_SUCCESS;
}

BOOLEAN ProbeTarget(struct probe_device *Device)
{
    const char *Name = "target";
    PDEVICE_OBJECT Found;

    EXPECT(Name, IoGetDeviceObjectPointer(&Device->Interface, FILE_READ_DATA, &Device->TargetFile,
                                          &Found) == STATUS_SUCCESS);
    EXPECT(Name, IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0,
                                                Device->TargetFile, ProbeDriver, TargetEvent,
                                                Device, &Device->Target) == STATUS_SUCCESS);
    return TRUE;
}

static DEVICE_CHANGE_COMPLETE_CALLBACK CustomDone;
static VOID CustomDone(PVOID Context)
{
    DbgPrint("probe: custom event done\n");
    UNREFERENCED_PARAMETER(Context);
}

BOOLEAN ProbeCustom(struct probe_device *Device)
{
    const char *Name = "custom";
    TARGET_DEVICE_CUSTOM_NOTIFICATION Event = {
        .Version = 1, .Size = sizeof Event, .Event = {.Data1 = 0x1234}, .NameBufferOffset = -1};

    EXPECT(Name, IoReportTargetDeviceChange(Device->Pdo, &Event) == STATUS_SUCCESS);
    EXPECT(Name, IoReportTargetDeviceChangeAsynchronous(Device->Pdo, &Event, CustomDone, NULL) ==
                     STATUS_PENDING);
    Event.Event = (GUID){0xcb3a4008, 0x46f0, 0x11d0, {0xb0, 0x8f, 0, 0x60, 0x97, 0x13, 5, 0x3f}};
    EXPECT(Name, IoReportTargetDeviceChange(Device->Pdo, &Event) == STATUS_INVALID_DEVICE_REQUEST);
    Event.Version = 2;
    EXPECT(Name, IoReportTargetDeviceChange(Device->Pdo, &Event) == STATUS_INVALID_DEVICE_REQUEST);
    return TRUE;
}

/* ---- the bus ---- */

NTSTATUS ProbeAsk(struct probe_device *Device, PIO_STACK_LOCATION Parameters,
                  ULONG_PTR *Information)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Event;
    NTSTATUS Status;
    PIRP Irp;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Device->Pdo, NULL, 0, NULL, &Event, &Iosb);
    if (!Irp) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    *IoGetNextIrpStackLocation(Irp) = *Parameters;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_PNP;
    Status = IoCallDriver(Device->Pdo, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    }
    *Information = Iosb.Information;
    return Iosb.Status;
}

static BOOLEAN IsId(struct probe_device *Device, BUS_QUERY_ID_TYPE Which, const WCHAR *Expected,
                    ULONG Bytes)
{
    IO_STACK_LOCATION Ask = {.MinorFunction = IRP_MN_QUERY_ID};
    ULONG_PTR Answer = 0;
    BOOLEAN Same;

    Ask.Parameters.QueryId.IdType = Which;
    if (ProbeAsk(Device, &Ask, &Answer) != STATUS_SUCCESS) {
        return FALSE;
    }
    Same = RtlEqualMemory((PVOID)Answer, Expected, Bytes);
    ExFreePool((PVOID)Answer);
    return Same;
}

BOOLEAN ProbeBus(struct probe_device *Device)
{
    const char *Name = "bus";
    static const WCHAR Ids[] = L"ACPI\\PNP0501\0*PNP0501\0";
    IO_STACK_LOCATION Ask = {0};
    ULONG_PTR Answer = 0;

    EXPECT(Name, IsId(Device, BusQueryDeviceID, L"ACPI\\PNP0501", sizeof L"ACPI\\PNP0501"));
    EXPECT(Name, IsId(Device, BusQueryHardwareIDs, Ids, sizeof Ids));
    EXPECT(Name, IsId(Device, BusQueryInstanceID, L"1", sizeof L"1"));
    Ask.MinorFunction = IRP_MN_QUERY_ID;
    Ask.Parameters.QueryId.IdType = BusQueryCompatibleIDs;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_NOT_SUPPORTED);
    Ask = (IO_STACK_LOCATION){.MinorFunction = IRP_MN_QUERY_DEVICE_TEXT};
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_SUCCESS);
    EXPECT(Name, Same((PWSTR)Answer, L"Communications Port"));
    ExFreePool((PVOID)Answer);
    Ask.Parameters.QueryDeviceText.DeviceTextType = DeviceTextLocationInformation;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_NOT_SUPPORTED);
    Ask = (IO_STACK_LOCATION){.MinorFunction = IRP_MN_QUERY_RESOURCES};
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_SUCCESS);
    ProbePrintResources((PCM_RESOURCE_LIST)Answer, "boot");
    ExFreePool((PVOID)Answer);
    Ask.MinorFunction = IRP_MN_QUERY_RESOURCE_REQUIREMENTS;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_SUCCESS);
    EXPECT(Name, ((PIO_RESOURCE_REQUIREMENTS_LIST)Answer)->List[0].Count == 2);
    ExFreePool((PVOID)Answer);
    Ask.MinorFunction = IRP_MN_QUERY_BUS_INFORMATION;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_SUCCESS);
    EXPECT(Name, ((PPNP_BUS_INFORMATION)Answer)->LegacyBusType == Isa);
    ExFreePool((PVOID)Answer);
    Ask = (IO_STACK_LOCATION){.MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS};
    Ask.Parameters.QueryDeviceRelations.Type = TargetDeviceRelation;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_SUCCESS);
    EXPECT(Name, ((PDEVICE_RELATIONS)Answer)->Count == 1 &&
                     ((PDEVICE_RELATIONS)Answer)->Objects[0] == Device->Pdo);
    ObDereferenceObject(Device->Pdo);
    ExFreePool((PVOID)Answer);
    Ask.Parameters.QueryDeviceRelations.Type = BusRelations;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_NOT_SUPPORTED);
    return TRUE;
}

/* Requests that the bus does not know keep their status. */
BOOLEAN ProbeRefused(struct probe_device *Device)
{
    const char *Name = "refused";
    static const UCHAR Minors[] = {IRP_MN_QUERY_INTERFACE, IRP_MN_READ_CONFIG, IRP_MN_WRITE_CONFIG,
                                   IRP_MN_EJECT,           IRP_MN_SET_LOCK,    0x7f};
    IO_STACK_LOCATION Ask = {0};
    DEVICE_CAPABILITIES Capabilities = {.Size = sizeof Capabilities, .Version = 1};
    ULONG_PTR Answer;

    for (ULONG i = 0; i < ARRAYSIZE(Minors); i++) {
        Ask.MinorFunction = Minors[i];
        EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_NOT_SUPPORTED);
    }
    Ask.MinorFunction = IRP_MN_DEVICE_USAGE_NOTIFICATION;
    Ask.Parameters.UsageNotification.InPath = TRUE;
    Ask.Parameters.UsageNotification.Type = DeviceUsageTypePaging;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_NOT_SUPPORTED);
    Ask = (IO_STACK_LOCATION){.MinorFunction = IRP_MN_QUERY_CAPABILITIES};
    Ask.Parameters.DeviceCapabilities.Capabilities = &Capabilities;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_SUCCESS);
    EXPECT(Name, Capabilities.UniqueID && !Capabilities.Removable &&
                     Capabilities.DeviceState[PowerSystemWorking] == PowerDeviceD0 &&
                     Capabilities.DeviceState[PowerSystemSleeping3] == PowerDeviceD3);
    Capabilities.Version = 2;
    EXPECT(Name, ProbeAsk(Device, &Ask, &Answer) == STATUS_UNSUCCESSFUL);
    return TRUE;
}

void ProbePrintResources(PCM_RESOURCE_LIST List, const char *What)
{
    PCM_PARTIAL_RESOURCE_LIST Partial;

    if (!List) {
        DbgPrint("probe: %s: no resources\n", What);
        return;
    }
    Partial = &List->List[0].PartialResourceList;
    for (ULONG i = 0; i < Partial->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR d = &Partial->PartialDescriptors[i];

        if (d->Type == CmResourceTypeInterrupt) {
            DbgPrint("probe: %s: interrupt level %u vector %u share %u flags %u affinity %u\n",
                     What, d->u.Interrupt.Level, d->u.Interrupt.Vector, d->ShareDisposition,
                     d->Flags, (ULONG)d->u.Interrupt.Affinity);
        } else {
            DbgPrint("probe: %s: type %u start 0x%x length %u share %u flags 0x%x\n", What, d->Type,
                     (ULONG)d->u.Port.Start.QuadPart, d->u.Port.Length, d->ShareDisposition,
                     d->Flags);
        }
    }
}

/* ---- power ---- */

static REQUEST_POWER_COMPLETE PowerDone;
static VOID PowerDone(PDEVICE_OBJECT DeviceObject, UCHAR Minor, POWER_STATE State, PVOID Context,
                      PIO_STATUS_BLOCK Iosb)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    DbgPrint("probe: power request %u to %u: %08x\n", Minor, State.DeviceState, Iosb->Status);
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

static void Request(struct probe_device *Device, UCHAR Minor, ULONG To, BOOLEAN AtDispatch)
{
    POWER_STATE State = {.DeviceState = (DEVICE_POWER_STATE)To};
    KIRQL Irql = KeGetCurrentIrql();
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    if (AtDispatch) {
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    }
    if (PoRequestPowerIrp(Device->Pdo, Minor, State, PowerDone, &Event, NULL) != STATUS_PENDING) {
        KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    }
    if (AtDispatch) {
        KeLowerIrql(Irql);
    }
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
}

BOOLEAN ProbePower(struct probe_device *Device)
{
    const char *Name = "power";

    Request(Device, IRP_MN_SET_POWER, PowerDeviceD3, FALSE);
    EXPECT(Name, Device->Power == PowerDeviceD3);
    Request(Device, IRP_MN_QUERY_POWER, PowerDeviceD0, FALSE);
    EXPECT(Name, Device->Power == PowerDeviceD3);
    Request(Device, IRP_MN_SET_POWER, PowerDeviceD0, TRUE);
    EXPECT(Name, Device->Power == PowerDeviceD0);
    Request(Device, IRP_MN_WAIT_WAKE, PowerSystemWorking, FALSE);
    return TRUE;
}

/* ---- WMI ---- */

BOOLEAN ProbeWmi(struct probe_device *Device)
{
    const char *Name = "wmi";
    PVOID Event = ExAllocatePoolWithTag(NonPagedPool, 64, PROBE_TAG);

    EXPECT(Name, IoWMIRegistrationControl(Device->Self, WMIREG_ACTION_DEREGISTER) ==
                     STATUS_INVALID_PARAMETER);
    EXPECT(Name, IoWMIRegistrationControl(Device->Self, WMIREG_ACTION_UPDATE_GUIDS) ==
                     STATUS_INVALID_PARAMETER);
    EXPECT(Name, IoWMIRegistrationControl(Device->Self, WMIREG_ACTION_REGISTER) == STATUS_SUCCESS);
    EXPECT(Name, IoWMIRegistrationControl(Device->Self, 99) == STATUS_INVALID_PARAMETER);
    EXPECT(Name, IoWMIDeviceObjectToProviderId(Device->Self) !=
                     IoWMIDeviceObjectToProviderId(Device->Pdo));
    EXPECT(Name, Event && IoWMIWriteEvent(Event) == STATUS_SUCCESS); /* which frees it */
    return TRUE;
}
