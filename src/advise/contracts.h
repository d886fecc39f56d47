/* SPDX-License-Identifier: MIT */
/*
 * What the system's routines demand of the IRQL, do to it, and what they take routines for.
 *
 * A contract is a list of cases: the first whose condition holds applies.  A condition on an
 * argument whose value is not known leaves several cases possible.  Limits are facts of Microsoft's
 * reference (see the tables); where two sources differ, `disputed` is set and no verdict built on
 * the limit is definite.
 */
#ifndef PAGABLE_ADVISE_CONTRACTS_H
#define PAGABLE_ADVISE_CONTRACTS_H

#include <stdbool.h>
#include <stdint.h>

/* Classes of IRQL and sets of them. */
enum irql_class { IRQL_P, IRQL_A, IRQL_D, IRQL_H, IRQL_CLASSES }; /* 0, 1, 2, above 2 */
typedef uint8_t irql_set;                                         /* one bit per class */
#define IRQL_BIT(class) ((irql_set)(1u << (class)))
#define IRQL_PAGEABLE   ((irql_set)(IRQL_BIT(IRQL_P) | IRQL_BIT(IRQL_A)))
#define IRQL_RAISED     ((irql_set)(IRQL_BIT(IRQL_D) | IRQL_BIT(IRQL_H)))
#define IRQL_ANY        ((irql_set)0xf)

/* What a call does to the IRQL. */
enum irql_effect {
    EFFECT_SAME,
    EFFECT_SET,       /* to the class `level` */
    EFFECT_SET_VALUE, /* to the value of argument `level_argument` (KfRaiseIrql, KeLowerIrql) */
    EFFECT_RESTORE,   /* to what was saved, see `place` */
    EFFECT_WAIT,      /* ends what a Wait = TRUE call began; else as SAME */
};

/* Where the old IRQL goes (SET) or comes from (RESTORE). */
enum irql_place {
    PLACE_NONE,
    PLACE_RETURN,  /* the value returned */
    PLACE_VALUE,   /* the value of `place_argument` */
    PLACE_POINTEE, /* *place_argument: a KIRQL that the caller provides */
    PLACE_HANDLE,  /* inside the structure (lock handle, lock object) at place_argument */
};

/* A case that EFFECT_WAIT applies to may also be called at the class that a Wait = TRUE call left,
 * whatever `entry` says: that is what the wait is for. */

enum contract_condition {
    WHEN_ALWAYS,
    WHEN_ARGUMENT_NOT_ZERO, /* the BOOLEAN, pointer or mask test below is not zero */
    WHEN_POINTEE_ZERO,      /* argument is not NULL and points to a 64-bit zero (Timeout) */
    WHEN_RETURNS_NOT_ZERO,  /* effect only when it returns TRUE (ExTryToAcquireFastMutex) */
    WHEN_EXTERNAL,          /* depends on what the image does not show; `condition_text` says it */
};

struct contract_case {
    irql_set entry; /* classes at which it may be called */
    uint8_t effect; /* enum irql_effect */
    uint8_t level;  /* EFFECT_SET: enum irql_class */
    uint8_t level_argument;
    uint8_t place; /* enum irql_place */
    uint8_t place_argument;
    uint8_t condition; /* enum contract_condition */
    uint8_t condition_argument;
    uint8_t condition_bytes; /* width of that argument: 1 for BOOLEAN, 4, 8 */
    uint64_t condition_mask; /* bits of it that are tested; 0: all */
    const char *condition_text;
};

/* What a routine is, for the rules; a set. */
enum contract_trait {
    TRAIT_SPIN_ACQUIRE = 1 << 0, /* a spin lock in any of its forms, at-DPC-level ones too */
    TRAIT_SPIN_RELEASE = 1 << 1,
    TRAIT_RAISE = 1 << 2, /* KeRaiseIrql and relatives */
    TRAIT_LOWER = 1 << 3,
    TRAIT_WAIT_TRUE = 1 << 4, /* the case with Wait = TRUE applies when its condition holds */
    TRAIT_WAIT = 1 << 5,
    TRAIT_SECTION_LOCK = 1 << 6, /* by address: MmLockPagableDataSection */
    TRAIT_SECTION_LOCK_HANDLE = 1 << 7,
    TRAIT_SECTION_UNLOCK = 1 << 8,
    TRAIT_PAGE_ENTIRE = 1 << 9,
    TRAIT_RESET_PAGING = 1 << 10,
    TRAIT_CURRENT_IRQL = 1 << 11, /* returns the current IRQL */
    TRAIT_NO_RETURN = 1 << 12,
    TRAIT_INITIALIZES_LOCK =
        1 << 13, /* argument 0 is a spin lock, event, mutex, ... to be resident */
    TRAIT_CONNECTS_INTERRUPT = 1 << 14,
    TRAIT_DISCONNECTS_INTERRUPT = 1 << 15,
};

/* What a routine of the driver is called as, and at which IRQL. */
enum role {
    ROLE_NONE,
    ROLE_DRIVER_ENTRY,
    ROLE_UNLOAD,
    ROLE_ADD_DEVICE,
    ROLE_REINITIALIZE,
    ROLE_DISPATCH,          /* any major function without a row of its own */
    ROLE_DISPATCH_TRANSFER, /* read, write, device control: may be called at <= APC, or DISPATCH */
    ROLE_DISPATCH_POWER,
    ROLE_STARTIO,
    ROLE_CANCEL,
    ROLE_COMPLETION,
    ROLE_DPC, /* deferred routine of a DPC, DpcForIsr */
    ROLE_THREADED_DPC,
    ROLE_TIMER, /* IoInitializeTimer, ExAllocateTimer */
    ROLE_ISR,
    ROLE_SYNCHRONIZE, /* KeSynchronizeExecution */
    ROLE_IPI,
    ROLE_WORK_ITEM,
    ROLE_THREAD,
    ROLE_APC,
    ROLE_NOTIFY_PASSIVE, /* Ps..., Io..., Cm... notification at PASSIVE_LEVEL or <= APC_LEVEL */
    ROLE_FAST_IO,
    ROLE_CSQ_RAISED,  /* IoCsq callbacks that run with the queue's lock held */
    ROLE_CSQ_ACQUIRE, /* CsqAcquireLock: may return raised */
    ROLE_CSQ_RELEASE, /* CsqReleaseLock: entered at what CsqAcquireLock returned at */
    ROLE_BUGCHECK,
    ROLE_ANY_IRQL,       /* documented as <= DISPATCH_LEVEL: it may be called raised */
    ROLE_POST_OPERATION, /* of a minifilter: the same, but for IRP_MJ_CREATE, which is synchronous
                          */
    ROLE_POWER_UP, /* PASSIVE, but while the disk may be off: Microsoft advises against paging it */
    ROLE_PASSIVE,  /* any other callback that is documented for PASSIVE_LEVEL */
    ROLE_APC_AT_MOST, /* the same, <= APC_LEVEL */
    ROLE_RAISED,      /* the same, at DISPATCH_LEVEL */
    ROLE_COUNT,
};

struct role_text {
    const char *name;      /* "DPC", "dispatch routine" */
    irql_set certain;      /* classes at which the system does call it, sooner or later */
    irql_set possible;     /* classes at which it may call it */
    bool must_be_resident; /* the documents forbid a pageable one, whatever it does */
    bool better_resident;  /* they advise against it: never offered */
    bool changes_irql;     /* it is its task to return at another IRQL */
};
const struct role_text *role_text(enum role role);

enum object_type {
    OBJECT_UNKNOWN,
    OBJECT_DRIVER, /* DRIVER_OBJECT */
    OBJECT_DRIVER_EXTENSION,
    OBJECT_DEVICE,
    OBJECT_IRP,
    OBJECT_STACK_LOCATION,
    OBJECT_FAST_IO,
    OBJECT_TYPE_COUNT,
};

/* A routine handed over in a call. */
struct contract_role {
    uint8_t argument; /* that is the routine, or that points to the structure with it */
    uint8_t role;     /* enum role */
    bool in_structure;
    bool conditional;      /* a setting that is not looked at may make it another: never definite */
    bool array_pointed_to; /* the structure has a pointer to the array at `array_offset` */
    uint8_t stride;        /* not 0: `offset` is in each element, of so many bytes, of an array */
    uint16_t offset;       /* of the routine in the structure, or in the element */
    uint16_t array_offset;
};

#define CONTRACT_ARGUMENTS_UNKNOWN 0xff
#define CONTRACT_TYPES             4

struct contract {
    const char *name;
    uint32_t traits;
    uint8_t argument_count; /* or CONTRACT_ARGUMENTS_UNKNOWN */
    bool disputed;
    bool documented; /* has a limit; false: nothing but roles or traits is known */
    const struct contract_case *cases; /* never empty; the last one is WHEN_ALWAYS or the default */
    uint8_t case_count;
    const struct contract_role *roles;
    uint8_t role_count;
    uint8_t result;                /* enum object_type that the result points to */
    uint8_t types[CONTRACT_TYPES]; /* enum object_type that its first arguments point to */
};

/* By the name that is imported ("KeAcquireSpinLockRaiseToDpc") or that source uses
 * ("KeAcquireSpinLock", kept apart where arguments differ); NULL when nothing is known.  The module
 * matters not.  Any thread; constant. */
const struct contract *contract_find(const char *name);
/* Entry of the KMDF function table; NULL beyond its end.  Its arguments are those of the entry:
 * argument 0 is the driver's globals (so with contract_find("WdfSpinLockAcquire") too). */
const struct contract *contract_wdf(uint32_t index);

/* ---- structures that routines are stored into (x64 offsets) ---- */

/* The role of a routine stored at [object + offset], ROLE_NONE when that is no place for one.
 * Of a stack location the offset may be negative: it is one of the next lower ones then. */
enum role object_role(enum object_type type, int64_t offset);
/* Type of what the pointer at [object + offset] points to. */
enum object_type object_member(enum object_type type, int64_t offset);
/* Type of an argument of a routine with this role. */
enum object_type role_argument(enum role role, unsigned argument);

#endif
