/* SPDX-License-Identifier: MIT */
/* What the computer asks of its host thread and process. */
#include "machine/internal.h"

#include <asm/prctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

pg_status processor_set_gs(uint64_t base)
{
    return syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0 ? PG_OK : PG_E_UNSUPPORTED;
}

/* A huge page would bring neighbours of a page in, or keep them: residency must be page by page. */
pg_status processor_forbid_huge_pages(void)
{
    return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 ? PG_OK : PG_E_UNSUPPORTED;
}
