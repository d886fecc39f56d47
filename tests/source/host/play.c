/* SPDX-License-Identifier: MIT */
/*
 * Every shape with many inputs, and what it did as text: SHAPES names the source with them, before
 * or after the rewrite.
 */
#include SHAPES

static void tell(const EXT *Ext, const char *Name, long Value)
{
    printf("%s: %ld, count %u, flags %u, irql %u\n", Name, Value, Ext->Count, Ext->Flags,
           CurrentIrql);
    if (Ext->Lock.Held) {
        Wrong("still held");
    }
}

static void play(ULONG Count, ULONG Flags, KIRQL Irql)
{
    static EXT Ext, Other;
    LIST_ENTRY Entry;
    IO_STATUS_BLOCK Block = {0, 0};
    IRP Irp = {0};
    ULONG Out = 0;

    CurrentIrql = Irql;
    for (unsigned Step = 0; Step < 20; Step++) {
        memset(&Ext, 0, sizeof Ext);
        memset(&Other, 0, sizeof Other);
        Ext.Count = Count;
        Ext.Flags = Flags;
        Other.Count = Count * 3;
        InitializeListHead(&Ext.Queue);
        if (Count & 1) {
            InsertHeadList(&Ext.Queue, &Entry);
        }
        long Value = 0;

        switch (Step) {
        case 0:
            Value = OneOne(&Ext, &Out) + (long)Out;
            break;
        case 1:
            Value = Early(&Ext);
            break;
        case 2:
            Value = GotoOut(&Ext);
            break;
        case 3:
            Value = Loops(&Ext);
            break;
        case 4:
            LoopAround(&Ext);
            break;
        case 5:
            Value = SwitchIn(&Ext, Flags);
            break;
        case 6:
            Nested(&Ext, &Other);
            break;
        case 7:
            Value = Result(&Ext) == &Entry;
            break;
        case 8:
            Value = TwoResults(&Ext);
            break;
        case 9:
            if (!(Count & 1)) {
                Value = AddressTaken(&Ext, &Block) + Block.Information;
            }
            break;
        case 10:
            Queued(&Ext);
            break;
        case 11:
            TwoRegions(&Ext);
            break;
        case 12:
            Cancel(&Irp);
            Value = Irp.Cancel;
            break;
        case 13:
            Raise(&Ext);
            break;
        case 14:
            Chain(&Ext);
            break;
        case 15:
            Value = Seed(&Ext);
            break;
        case 16:
            Value = OnlyExits(&Ext);
            break;
        case 17:
            Value = MultipleNames(&Ext);
            break;
        case 18:
            Value = Unbraced(&Ext);
            break;
        default:
            Macros(&Ext);
            break;
        }
        printf("%u: ", Step);
        tell(&Ext, "done", Value);
    }
}

int main(void)
{
    for (ULONG Count = 0; Count < 8; Count++) {
        for (ULONG Flags = 0; Flags < 24; Flags++) {
            play(Count, Flags, (KIRQL)(Flags & 1));
        }
    }
    return 0;
}
