/* SPDX-License-Identifier: MIT */
/* The run-time library, pool and registry as a driver calls them. */
#include "ex_probe.h"

/* The kernel exports these; the headers at hand do not declare all of them. */
int __cdecl sprintf(char *Buffer, const char *Format, ...);
int __cdecl _snprintf(char *Buffer, SIZE_T Count, const char *Format, ...);
int __cdecl _vsnprintf(char *Buffer, SIZE_T Count, const char *Format, va_list Arguments);
int __cdecl _snwprintf(WCHAR *Buffer, SIZE_T Count, const WCHAR *Format, ...);
NTSYSAPI ULONG NTAPI vDbgPrintExWithPrefix(PCCH Prefix, ULONG Component, ULONG Level, PCCH Format,
                                           va_list Arguments);

static VOID Prefixed(PCSTR Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    vDbgPrintExWithPrefix("probe: ", DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, Format, Arguments);
    va_end(Arguments);
}

static int Listed(char *Buffer, SIZE_T Count, const char *Format, ...)
{
    va_list Arguments;
    int Result;

    va_start(Arguments, Format);
    Result = _vsnprintf(Buffer, Count, Format, Arguments);
    va_end(Arguments);
    return Result;
}

VOID ProbePrint(VOID)
{
    static const WCHAR Text[] = {'W', 0xe4, 0x20ac, 0};
    UNICODE_STRING Counted;
    ANSI_STRING Ansi;
    WCHAR Wide[32];
    char Narrow[32];
    char Long[600];

    RtlInitUnicodeString(&Counted, Text);
    RtlInitAnsiString(&Ansi, "ansi");
    Say("%d %u %x %I64x %c %s %S %ws %wZ %Z %p\n", -1, 2u, 0xabcu, 0x123456789abcdefull, 'c',
        "narrow", L"wide", L"ws", &Counted, &Ansi, (PVOID)0x1234);
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "probe: %s %d%%\n", "ex", 100);
    Prefixed("%s %d %d %d %d\n", "list", 1, 2, 3, 4);
    Say("%d ", sprintf(Narrow, "<%5d|%-5d|%05d>", 1, 2, 3));
    DbgPrint("%s\n", Narrow);
    Say("%d ", _snprintf(Narrow, 4, "%s", "truncated"));
    DbgPrint("%.4s\n", Narrow);
    Say("%d ", Listed(Narrow, sizeof(Narrow), "%s-%d", "listed", 9));
    DbgPrint("%s\n", Narrow);
    Say("%d ", _snwprintf(Wide, 32, L"%s %S", L"unit", "byte"));
    DbgPrint("%S\n", Wide);
    RtlFillMemory(Long, sizeof(Long), 'x');
    Long[599] = 0;
    Say("%s", Long);
    DbgPrint("|\n");
}

VOID ProbePool(VOID)
{
    PUCHAR Paged = ExAllocatePoolWithTag(PagedPool, 3 * PAGE_SIZE, PROBE_TAG);
    PUCHAR Small = ExAllocatePoolWithTag(NonPagedPool, 24, PROBE_TAG);
    PHYSICAL_ADDRESS Highest;
    KIRQL Irql;
    ULONG Sum = 0;

    for (ULONG i = 0; i < 3 * PAGE_SIZE; i++) {
        Paged[i] = (UCHAR)i;
    }
    KeRaiseIrql(DISPATCH_LEVEL, &Irql); /* trims */
    Say("valid at dispatch: %u %u\n", MmIsAddressValid(Paged), MmIsAddressValid(Small));
    KeLowerIrql(Irql);
    for (ULONG i = 0; i < 3 * PAGE_SIZE; i++) {
        Sum += Paged[i];
    }
    Say("sum %u, page %u, small %u\n", Sum, (ULONG)((ULONG_PTR)Paged % PAGE_SIZE),
        (ULONG)((ULONG_PTR)Small % 16));
    ExFreePoolWithTag(Paged, PROBE_TAG);
    ExFreePool(Small);
    Highest.QuadPart = 0xffffff;
    Small = MmAllocateContiguousMemory(2 * PAGE_SIZE, Highest);
    Say("contiguous below 16M: %u\n",
        MmGetPhysicalAddress(Small).QuadPart + 2 * PAGE_SIZE - 1 <= Highest.QuadPart);
    MmFreeContiguousMemory(Small);
}

static NTSTATUS OpenKey(PUNICODE_STRING Path, HANDLE Root, PHANDLE Key, BOOLEAN Create)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Root,
                               NULL);
    return Create ? ZwCreateKey(Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, REG_OPTION_NON_VOLATILE,
                                NULL)
                  : ZwOpenKey(Key, KEY_ALL_ACCESS, &Attributes);
}

VOID ProbeRegistry(VOID)
{
    union {
        KEY_VALUE_PARTIAL_INFORMATION Value;
        KEY_BASIC_INFORMATION Key;
        UCHAR Room[128];
    } Buffer;
    UNICODE_STRING Name;
    HANDLE Mine, Child;
    ULONG Number = 0x12345, Length;
    NTSTATUS Status = OpenKey(&ProbeRegistryPath, NULL, &Mine, FALSE);

    Say("service key %wZ: %08x\n", &ProbeRegistryPath, Status);
    RtlInitUnicodeString(&Name, L"Parameters");
    Say("create %08x\n", OpenKey(&Name, Mine, &Child, TRUE));
    RtlInitUnicodeString(&Name, L"Number");
    Say("set %08x\n", ZwSetValueKey(Child, &Name, 0, REG_DWORD, &Number, sizeof(Number)));
    Status =
        ZwQueryValueKey(Child, &Name, KeyValuePartialInformation, &Buffer, sizeof(Buffer), &Length);
    Say("query %08x length %u type %u data %x\n", Status, Length, Buffer.Value.Type,
        *(PULONG)Buffer.Value.Data);
    Say("small %08x\n",
        ZwQueryValueKey(Child, &Name, KeyValuePartialInformation, &Buffer, 4, &Length));
    Status = ZwEnumerateKey(Mine, 0, KeyBasicInformation, &Buffer, sizeof(Buffer), &Length);
    Say("enumerate %08x %.*S\n", Status, (int)(Buffer.Key.NameLength / 2), Buffer.Key.Name);
    Say("delete value %08x\n", ZwDeleteValueKey(Child, &Name));
    Say("delete key %08x\n", ZwDeleteKey(Child));
    Say("deleted %08x\n", ZwFlushKey(Child));
    ZwClose(Child);
    ZwClose(Mine);
}

static NTSTATUS NTAPI OnValue(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                              PVOID EntryContext)
{
    Say("  %S type %u length %u %s %s %S\n", Name, Type, Length, (PSTR)Context, (PSTR)EntryContext,
        Type == REG_SZ ? (PWSTR)Data : L"");
    return STATUS_SUCCESS;
}

VOID ProbeQuery(VOID)
{
    static const WCHAR List[] = L"one\0two\0three\0";
    static ULONG Default = 7;
    ULONG Missing = 0, Number = 9;
    UNICODE_STRING Text = {0, 0, NULL};
    RTL_QUERY_REGISTRY_TABLE Table[6];
    NTSTATUS Status;

    RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"ExProbeQuery");
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"ExProbeQuery", L"List", REG_MULTI_SZ,
                          (PVOID)List, sizeof(List));
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"ExProbeQuery", L"Text", REG_SZ, L"hello", 12);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"ExProbeQuery", L"Number", REG_DWORD, &Number,
                          sizeof(Number));
    Number = 0;
    RtlZeroMemory(Table, sizeof(Table));
    Table[0].QueryRoutine = OnValue;
    Table[0].Name = L"List";
    Table[0].EntryContext = "list";
    Table[1].Flags = RTL_QUERY_REGISTRY_DIRECT;
    Table[1].Name = L"Missing";
    Table[1].EntryContext = &Missing;
    Table[1].DefaultType = REG_DWORD;
    Table[1].DefaultData = &Default;
    Table[1].DefaultLength = sizeof(Default);
    Table[2].Flags = RTL_QUERY_REGISTRY_DIRECT;
    Table[2].Name = L"Number";
    Table[2].EntryContext = &Number;
    Table[3].Flags = RTL_QUERY_REGISTRY_DIRECT;
    Table[3].Name = L"Text";
    Table[3].EntryContext = &Text;
    Table[4].QueryRoutine = OnValue; /* every value */
    Table[4].Flags = RTL_QUERY_REGISTRY_NOEXPAND;
    Table[4].EntryContext = "all";
    Status = RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"ExProbeQuery", Table, "context", NULL);
    Say("query %08x default %u number %u text %wZ\n", Status, Missing, Number, &Text);
    RtlFreeUnicodeString(&Text);
    Table[1].Flags |= RTL_QUERY_REGISTRY_REQUIRED;
    Say("required %08x\n",
        RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"ExProbeQuery", Table + 1, NULL, NULL));
    Say("no key %08x\n",
        RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Nowhere", Table, NULL, NULL));
    Say("optional %08x\n", RtlQueryRegistryValues(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL,
                                                  L"Nowhere", Table, NULL, NULL));
}

VOID ProbeNames(VOID)
{
    static PCWSTR const Names[] = {L"ExAllocatePoolWithTag", L"exallocatepoolwithtag",
                                   L"NoSuchRoutine", L"PsThreadType"};
    UNICODE_STRING Name, Prefix;
    WCHAR Buffer[32];
    GUID Guid;

    for (ULONG i = 0; i < ARRAYSIZE(Names); i++) {
        PVOID Address;

        RtlInitUnicodeString(&Name, Names[i]);
        Address = MmGetSystemRoutineAddress(&Name);
        Say("%S %s\n", Names[i],
            Address == NULL                                     ? "missing"
            : i == 0 && Address != (PVOID)ExAllocatePoolWithTag ? "elsewhere"
                                                                : "found");
    }
    Name.Buffer = Buffer;
    Name.Length = 0;
    Name.MaximumLength = sizeof(Buffer);
    RtlAppendUnicodeToString(&Name, L"Device");
    RtlInitUnicodeString(&Prefix, L"dev");
    Say("prefix %u %u\n", RtlPrefixUnicodeString(&Prefix, &Name, TRUE),
        RtlPrefixUnicodeString(&Prefix, &Name, FALSE));
    Say("upcase %08x %wZ\n", RtlUpcaseUnicodeString(&Name, &Prefix, FALSE), &Name);
    Say("integer %08x %wZ\n", RtlIntegerToUnicodeString(0xbeef, 16, &Name), &Name);
    RtlInitUnicodeString(&Name, L"{00112233-4455-6677-8899-AABBCCDDEEFF}");
    Say("guid %08x %08x %02x\n", RtlGUIDFromString(&Name, &Guid), Guid.Data1, Guid.Data4[7]);
    Say("string %08x", RtlStringFromGUID(&Guid, &Prefix));
    DbgPrint(" %wZ\n", &Prefix);
    RtlFreeUnicodeString(&Prefix);
}

VOID ProbeVersions(VOID)
{
    RTL_OSVERSIONINFOW Info = {.dwOSVersionInfoSize = sizeof(Info)};
    LARGE_INTEGER Time;
    TIME_FIELDS Fields;
    ULONG Major, Minor, Build;

    RtlGetVersion(&Info);
    Say("version %u.%u.%u checked %u\n", Info.dwMajorVersion, Info.dwMinorVersion,
        Info.dwBuildNumber, PsGetVersion(&Major, &Minor, &Build, NULL));
    Say("same %u %u %u\n", Major == Info.dwMajorVersion, Minor == Info.dwMinorVersion,
        Build == Info.dwBuildNumber);
    Time.QuadPart = 133800000000000000ll;
    RtlTimeToTimeFields(&Time, &Fields);
    Say("time %u-%02u-%02u %02u:%02u:%02u day %u\n", Fields.Year, Fields.Month, Fields.Day,
        Fields.Hour, Fields.Minute, Fields.Second, Fields.Weekday);
    Say("process %u, mode %u, debugger %u %u, user %p\n", (ULONG)(ULONG_PTR)PsGetCurrentProcessId(),
        ExGetPreviousMode(), KD_DEBUGGER_ENABLED, KD_DEBUGGER_NOT_PRESENT, MmHighestUserAddress);
}

static NTSTATUS Open(PCWSTR Path, ULONG Options, PHANDLE File, PIO_STATUS_BLOCK Iosb)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateFile(File, GENERIC_READ | SYNCHRONIZE, &Attributes, Iosb, NULL,
                        FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, FILE_OPEN, Options, NULL, 0);
}

VOID ProbeFile(VOID)
{
    LARGE_INTEGER Offset = {.QuadPart = 3};
    IO_STATUS_BLOCK Iosb = {0};
    char Data[8] = "";
    HANDLE File, Event;

    Say("no file system %08x\n", Open(L"\\??\\C:\\log.txt", 0, &File, &Iosb));
    Say("no device %08x\n", Open(L"\\Device\\Nothing", 0, &File, &Iosb));
    Say("no file %08x\n", Open(L"\\Device", 0, &File, &Iosb));
    Say("open %08x", Open(L"\\Device\\ExProbe\\part", FILE_SYNCHRONOUS_IO_NONALERT, &File, &Iosb));
    DbgPrint(" information %u\n", (ULONG)Iosb.Information);
    Say("read %08x", ZwReadFile(File, NULL, NULL, NULL, &Iosb, Data, 5, &Offset, NULL));
    DbgPrint(" %u %s\n", (ULONG)Iosb.Information, Data);
    Say("read on %08x", ZwReadFile(File, NULL, NULL, NULL, &Iosb, Data, 5, NULL, NULL));
    DbgPrint(" %s\n", Data);
    Say("write %08x\n", ZwWriteFile(File, NULL, NULL, NULL, &Iosb, Data, 5, NULL, NULL));
    Say("control %08x\n",
        ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb,
                              CTL_CODE(FILE_DEVICE_UNKNOWN, 0xfff, METHOD_BUFFERED, 0), NULL, 0,
                              Data, sizeof(Data)));
    ZwClose(File);
    Say("asynchronous %08x\n", Open(L"\\Device\\ExProbe", 0, &File, &Iosb));
    Say("no position %08x\n", ZwReadFile(File, NULL, NULL, NULL, &Iosb, Data, 5, NULL, NULL));
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    Offset.QuadPart = 25;
    Say("read %08x", ZwReadFile(File, Event, NULL, NULL, &Iosb, Data, 2, &Offset, NULL));
    Offset.QuadPart = 0;
    DbgPrint(" %.2s, event %08x\n", Data, ZwWaitForSingleObject(Event, FALSE, &Offset));
    Say("no event %08x\n", ZwReadFile(File, File, NULL, NULL, &Iosb, Data, 2, &Offset, NULL));
    ZwClose(Event);
    ZwClose(File);
    Say("closed %08x\n", ZwReadFile(File, NULL, NULL, NULL, &Iosb, Data, 2, &Offset, NULL));
}
