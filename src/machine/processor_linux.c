/* SPDX-License-Identifier: MIT */
/* The gs base of the host thread: drivers find their processor and thread through it. */
#include "machine/internal.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

pg_status processor_set_gs(uint64_t base)
{
    return syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0 ? PG_OK : PG_E_UNSUPPORTED;
}
