/* SPDX-License-Identifier: MIT */
/* What each rule of the advisor says that no run has: of images, then of source. */
#include "finding/texts.h"

const struct rule_text advisor_texts[RULE_COUNT - RUN_RULE_COUNT] = {
    /* ---- advice of the image ---- */

    ADVISOR_RULE(
        COULD_BE_PAGEABLE, .title = "resident routine that could be in a PAGE section",
        .document = "When Should Code and Data Be Pageable: code that only runs below "
                    "DISPATCH_LEVEL, holds no spin lock and raises no IRQL can be pageable, and a "
                    "section is worth it from about 4 KB on.",
        .cause = "Every routine that calls this one, and every role that it has, is at APC_LEVEL "
                 "at most, and nothing in it raises the IRQL (proven); or it is so but for "
                 "transfer and power requests, which come raised to a driver that serves paging "
                 "I/O or has a driver above that sends them so, or but for calls through pointers "
                 "that could not be followed (assumed); or it always calls something that is only "
                 "allowed at APC_LEVEL or below, so no correct caller can be above (evidence). "
                 "It is resident all the same and takes memory for ever.",
        .fix = "put the routine into a PAGE section with #pragma alloc_text, and PAGED_CODE() at "
               "its start",
        .wrong = "NTSTATUS ParseSettings(PUNICODE_STRING Path)    /* resident */\n"
                 "{\n"
                 "    return ZwOpenKey(&Key, KEY_READ, &Attributes);\n"
                 "}",
        .right = "#pragma alloc_text(PAGE, ParseSettings)\n"
                 "NTSTATUS ParseSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    PAGED_CODE();\n"
                 "    return ZwOpenKey(&Key, KEY_READ, &Attributes);\n"
                 "}"),

    ADVISOR_RULE(
        ISOLATE, .title = "resident because of a few raised lines",
        .document = "Isolating Pageable Code: move the lines that hold the spin lock into a "
                    "resident routine of their own, so that the rest can be pageable.",
        .cause = "Everybody calls the routine at APC_LEVEL or below, and only the lines between "
                 "an acquire and its releases need memory that stays. They keep the whole "
                 "routine resident.",
        .fix = "move the region out of the routine (pagable isolate does it for C), then put the "
               "routine into PAGE",
        .wrong = "VOID Unmount(PDEVICE Device)                    /* resident */\n"
                 "{\n"
                 "    KeAcquireSpinLock(&DatabaseLock, &Irql);\n"
                 "    Device->References--;\n"
                 "    KeReleaseSpinLock(&DatabaseLock, Irql);\n"
                 "    DismountVolume(Device);                     /* long, and passive */\n"
                 "}",
        .right = "DECLSPEC_NOINLINE VOID DropReference(PDEVICE Device);  /* resident */\n"
                 "#pragma alloc_text(PAGE, Unmount)\n"
                 "VOID Unmount(PDEVICE Device)\n"
                 "{\n"
                 "    PAGED_CODE();\n"
                 "    DropReference(Device);\n"
                 "    DismountVolume(Device);\n"
                 "}"),

    ADVISOR_RULE(
        LAYOUT_SMALL_SECTION, .title = "pageable section of less than a page",
        .document = "When Should Code and Data Be Pageable: make a section pageable when its "
                    "total is at least 4 KB.",
        .cause = "Memory is given back in pages of 4 KB, and a section starts on a page of its "
                 "own. A small section takes a page, and often the resident one next to it does "
                 "not get shorter by a page.",
        .fix = "merge the section with another that is used at the same time, or leave it "
               "resident",
        .wrong = "#pragma alloc_text(PAGECONF, ReadSetting)   /* 160 bytes, alone */",
        .right = "#pragma alloc_text(PAGE, ReadSetting)       /* with the rest of PAGE */"),

    ADVISOR_RULE(
        LAYOUT_BELONG_TOGETHER, .title = "pageable routines that are used together lie apart",
        .document = "MmLockPagableCodeSection: routines that are needed at the same time go into "
                    "one section, which is locked as a whole.",
        .cause = "A routine is only ever called from one other pageable section. Whenever it is "
                 "needed both sections come in, and two pages are read where one would do.",
        .fix = "put the routine into the section of its callers",
        .wrong = "#pragma alloc_text(PAGESER, OpenPort)\n"
                 "#pragma alloc_text(PAGE, SetBaudRate)       /* only called by OpenPort */",
        .right = "#pragma alloc_text(PAGESER, OpenPort, SetBaudRate)"),

    ADVISOR_RULE(
        LAYOUT_CODE_AND_DATA, .title = "pageable code and data share a section's name",
        .document = "alloc_text, data_seg: sections of one name are merged by the linker, and "
                    "their attributes with them.",
        .cause = "The section is writable and executable at once: the linker put data under a "
                 "name that code has too. Locking one locks the other, and memory integrity "
                 "refuses to load images with such a section.",
        .fix = "give the data a name of its own, as PAGEDATA",
        .wrong = "#pragma data_seg(\"PAGE\")\n"
                 "ULONG Table[512] = { 1 };",
        .right = "#pragma data_seg(\"PAGEDATA\")\n"
                 "ULONG Table[512] = { 1 };"),

    ADVISOR_RULE(
        LAYOUT_MIXED_LOCKING, .title = "always pageable routine in a section that is locked",
        .document = "MmLockPagableCodeSection: group routines by when they are needed; locking "
                    "a section keeps all of it in memory.",
        .cause = "The driver locks this section for routines that run at DISPATCH_LEVEL or that "
                 "an interrupt may need. This routine needs no lock, ever, and is held in memory "
                 "with the others.",
        .fix = "move the routine into a section that is never locked, as PAGE",
        .wrong = "#pragma alloc_text(PAGESER, SerialDpc, ReadSettings)  /* locked while open */",
        .right = "#pragma alloc_text(PAGESER, SerialDpc)\n"
                 "#pragma alloc_text(PAGE, ReadSettings)"),
    /* ---- source ---- */

    ADVISOR_RULE(
        PAGED_CODE_MISSING, .title = "pageable routine does not begin with PAGED_CODE",
        .document = "PAGED_CODE: every routine of a pageable section should begin with it, so that "
                    "a caller at raised IRQL is found where it happens.",
        .cause = "A pragma puts the routine into a PAGE section, and nothing in it asserts that "
                 "the IRQL is low enough. A call at DISPATCH_LEVEL works for as long as the page "
                 "is in memory, which on a developer's machine is nearly always.",
        .fix = "make PAGED_CODE() its first statement; PAGED_CODE_LOCKED() where callers lock the "
               "section first",
        .wrong = "#pragma alloc_text(PAGE, ReadSettings)\n"
                 "NTSTATUS ReadSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    return OpenKey(Path);\n"
                 "}",
        .right = "#pragma alloc_text(PAGE, ReadSettings)\n"
                 "NTSTATUS ReadSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    PAGED_CODE();\n"
                 "    return OpenKey(Path);\n"
                 "}"),

    ADVISOR_RULE(
        PAGED_CODE_IN_RESIDENT, .title = "PAGED_CODE in a routine that no pragma makes pageable",
        .document = "PAGED_CODE: for routines that are in a pageable section by alloc_text or "
                    "code_seg; it moves nothing by itself.",
        .cause = "The routine says of itself that it is pageable, but it stays in .text: the "
                 "pragma was forgotten, misspelt or names another routine. The memory that was to "
                 "be saved is not, and callers obey a limit that they need not.",
        .fix = "add #pragma alloc_text(PAGE, routine) behind its declaration, or drop PAGED_CODE",
        .wrong = "NTSTATUS ReadSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    PAGED_CODE();",
        .right = "#pragma alloc_text(PAGE, ReadSettings)\n"
                 "NTSTATUS ReadSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    PAGED_CODE();"),

    ADVISOR_RULE(
        PAGED_CODE_TWICE, .title = "PAGED_CODE more than once in a routine",
        .document = "PAGED_CODE: once, at the beginning of the routine.",
        .cause = "It checks the IRQL at the place where it stands, so a second one looks as if the "
                 "routine raised and lowered the IRQL in between. Mostly it is what is left of two "
                 "routines that became one.",
        .fix = "keep the first one only",
        .wrong = "PAGED_CODE();\n"
                 "Status = OpenKey(Path);\n"
                 "PAGED_CODE();",
        .right = "PAGED_CODE();\n"
                 "Status = OpenKey(Path);"),

    ADVISOR_RULE(
        ALLOC_TEXT_LINKAGE, .title = "alloc_text names a routine that it does not work for",
        .document = "alloc_text pragma: it takes functions that are declared with C linkage, in "
                    "the file in which they are defined.",
        .cause = "The routine is a C++ function without extern \"C\", or nothing in the file "
                 "declares it. The compiler refuses the pragma or passes over it, and the routine "
                 "stays in .text.",
        .fix = "declare it extern \"C\", or use __declspec(code_seg(\"PAGE\")), which any routine "
               "may have",
        .wrong = "NTSTATUS ReadSettings(PUNICODE_STRING);      // settings.cpp\n"
                 "#pragma alloc_text(PAGE, ReadSettings)",
        .right = "extern \"C\" NTSTATUS ReadSettings(PUNICODE_STRING);\n"
                 "#pragma alloc_text(PAGE, ReadSettings)"),

    ADVISOR_RULE(
        ALLOC_TEXT_ORDER, .title = "alloc_text before the declaration or after the definition",
        .document = "alloc_text pragma: it must stand after the declaration of the functions that "
                    "it names and before their definition.",
        .cause = "When the compiler comes to the body it has chosen the section. A pragma behind "
                 "it comes too late, one before the declaration names nothing.",
        .fix = "declare the routine first, then write the pragma, then define it",
        .wrong = "NTSTATUS ReadSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    PAGED_CODE();\n"
                 "    return OpenKey(Path);\n"
                 "}\n"
                 "#pragma alloc_text(PAGE, ReadSettings)",
        .right = "NTSTATUS ReadSettings(PUNICODE_STRING Path);\n"
                 "#pragma alloc_text(PAGE, ReadSettings)\n"
                 "NTSTATUS ReadSettings(PUNICODE_STRING Path)\n"
                 "{\n"
                 "    PAGED_CODE();\n"
                 "    return OpenKey(Path);\n"
                 "}"),

    ADVISOR_RULE(
        SECTION_NAME, .title = "section name is too long, or PAGE is not in capitals",
        .document = "MmLockPagableCodeSection: PAGE and the suffix of up to four characters are "
                    "case-sensitive; PAGE must be in capitals.",
        .cause = "The name in an image has eight characters. What is longer is cut off, so that "
                 "two sections may become one; \"Page\" or \"page\" is a name like any other, and "
                 "the section is resident.",
        .fix = "name it PAGE, or PAGE and up to four characters",
        .wrong = "#pragma alloc_text(PAGESETTINGS, ReadSettings)\n"
                 "#pragma alloc_text(page, WriteSettings)",
        .right = "#pragma alloc_text(PAGESETT, ReadSettings)\n"
                 "#pragma alloc_text(PAGE, WriteSettings)"),
};
