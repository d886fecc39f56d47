/* SPDX-License-Identifier: MIT */
/* The host calls on Linux, and the switch that makes the n-th of them fail. */
#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned fail_countdown;
static int fail_delivered;

void host_fail_nth(unsigned n)
{
    fail_countdown = n;
    fail_delivered = 0;
}

int host_fail_hit(void)
{
    return fail_delivered;
}

static int must_fail(void)
{
    if (fail_countdown == 0 || --fail_countdown != 0) {
        return 0;
    }
    fail_delivered = 1;
    return 1;
}

/* Tables of a large driver are gone through from end to end: faulting them in page by page is a
 * good part of the work.  Only advice, so a kernel without huge pages may say no. */
static void ask_for_huge_pages(void *memory, size_t bytes)
{
    enum { HUGE_BYTES = 2 << 20, WORTH_IT = 2 * HUGE_BYTES };

    if (bytes >= WORTH_IT) {
        uintptr_t begin = ((uintptr_t)memory + HUGE_BYTES - 1) & -(uintptr_t)HUGE_BYTES;
        uintptr_t end = ((uintptr_t)memory + bytes) & -(uintptr_t)HUGE_BYTES;

        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    }
}

static void *linux_allocate(size_t bytes)
{
    void *memory = must_fail() ? NULL : calloc(1, bytes);

    if (memory != NULL) {
        ask_for_huge_pages(memory, bytes);
    }
    return memory;
}

static int as_protection(unsigned protection)
{
    return ((protection & HOST_READ) ? PROT_READ : 0) |
           ((protection & HOST_WRITE) ? PROT_WRITE : 0) |
           ((protection & HOST_EXECUTE) ? PROT_EXEC : 0);
}

static int map_none(uint64_t address, uint64_t bytes, int how)
{
    void *at = mmap((void *)address, bytes, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | how, -1, 0);

    return at == MAP_FAILED ? -errno : 0;
}

static int linux_reserve(uint64_t address, uint64_t bytes)
{
    return must_fail() ? -ENOMEM : map_none(address, bytes, MAP_FIXED_NOREPLACE);
}

static int linux_protect(uint64_t address, uint64_t bytes, unsigned protection)
{
    if (must_fail()) {
        return -ENOMEM;
    }
    return mprotect((void *)address, bytes, as_protection(protection)) == 0 ? 0 : -errno;
}

/* Kernels before 5.14 answer EINVAL: there each page comes at its first use. */
static int linux_populate(uint64_t address, uint64_t bytes)
{
    if (must_fail()) {
        return -ENOMEM;
    }
    return madvise((void *)address, bytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL ? 0
                                                                                        : -errno;
}

static int linux_discard(uint64_t address, uint64_t bytes)
{
    return must_fail() ? -ENOMEM : map_none(address, bytes, MAP_FIXED);
}

static int linux_unreserve(uint64_t address, uint64_t bytes)
{
    return munmap((void *)address, bytes) == 0 ? 0 : -errno;
}

/* User mode only: what an unprivileged process may have.  Faults of the kernel on our behalf then
 * fail with EFAULT, as they do on memory without access. */
static int linux_missing_open(void)
{
    struct uffdio_api api = {.api = UFFD_API,
                             .features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP};
    int fd, error;

    if (must_fail()) {
        return -EPERM;
    }
    fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (fd < 0) {
        return -errno;
    }
    if (ioctl(fd, UFFDIO_API, &api) != 0) {
        error = errno;
        (void)close(fd);
        return -error;
    }
    return fd;
}

static int linux_missing_watch(int fd, uint64_t address, uint64_t bytes)
{
    struct uffdio_register range = {.range = {.start = address, .len = bytes},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP};

    if (must_fail()) {
        return -ENOMEM;
    }
    return ioctl(fd, UFFDIO_REGISTER, &range) == 0 ? 0 : -errno;
}

static int linux_missing_fill(int fd, uint64_t address, const void *content, uint64_t bytes,
                              int guarded)
{
    uint64_t done = 0;

    if (must_fail()) {
        return -ENOMEM;
    }
    while (done < bytes) {
        struct uffdio_copy copy = {.dst = address + done,
                                   .src = (uint64_t)content + done,
                                   .len = bytes - done,
                                   .mode = UFFDIO_COPY_MODE_DONTWAKE |
                                           (guarded ? UFFDIO_COPY_MODE_WP : 0)};

        if (ioctl(fd, UFFDIO_COPY, &copy) == 0) {
            break;
        }
        if (errno != EAGAIN) { /* EAGAIN: it came as far as .copy says */
            return -errno;
        }
        done += copy.copy > 0 ? (uint64_t)copy.copy : 0;
    }
    return 0;
}

static int linux_missing_guard(int fd, uint64_t address, uint64_t bytes, int guarded)
{
    struct uffdio_writeprotect range = {.range = {.start = address, .len = bytes},
                                        .mode = guarded ? UFFDIO_WRITEPROTECT_MODE_WP
                                                        : UFFDIO_WRITEPROTECT_MODE_DONTWAKE};
    int result;

    if (must_fail()) {
        return -ENOMEM;
    }
    do {
        result = ioctl(fd, UFFDIO_WRITEPROTECT, &range);
    } while (result != 0 && errno == EAGAIN);
    return result == 0 ? 0 : -errno;
}

static int linux_open_read(const char *path)
{
    int fd;

    if (must_fail()) {
        return -EIO;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int linux_open_scratch(void)
{
    const char *folder = getenv("TMPDIR");
    int fd;

    if (must_fail()) {
        return -EIO;
    }
    if (folder == NULL || folder[0] == '\0') {
        folder = "/tmp";
    }
    fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* no such folder, or a file system without unnamed files */
        fd = memfd_create("pagable-paging-file", MFD_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

static ssize_t linux_read_at(int fd, void *buffer, size_t bytes, uint64_t offset)
{
    ssize_t n;

    if (must_fail()) {
        return -EIO;
    }
    do {
        n = pread(fd, buffer, bytes, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t linux_write_at(int fd, const void *buffer, size_t bytes, uint64_t offset)
{
    ssize_t n;

    if (must_fail()) {
        return -EIO;
    }
    do {
        n = pwrite(fd, buffer, bytes, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int64_t linux_file_size(int fd)
{
    struct stat st;

    if (must_fail()) {
        return -EIO;
    }
    if (fstat(fd, &st) != 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
    }
    return (int64_t)st.st_size;
}

static void linux_close(int fd)
{
    (void)close(fd); /* read-only or unnamed files: nothing can be lost here */
}

static void *linux_map_shared(size_t bytes)
{
    void *at = must_fail()
                   ? MAP_FAILED
                   : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static void linux_unmap_shared(void *memory, size_t bytes)
{
    (void)munmap(memory, bytes);
}

/* Sockets rather than a pipe: both ends notice when the other is gone, and no SIGPIPE. */
static int linux_wake_pair(int fds[2])
{
    if (must_fail()) {
        return -EMFILE;
    }
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0 ? 0
                                                                                        : -errno;
}

/* By number: the sanitizers' own mlock does nothing, successfully. */
static int linux_lock_memory(uint64_t address, uint64_t bytes)
{
    if (must_fail()) {
        return -ENOMEM;
    }
    return syscall(SYS_mlock, address, bytes) == 0 ? 0 : -errno;
}

static int linux_unlock_memory(uint64_t address, uint64_t bytes)
{
    if (must_fail()) {
        return -ENOMEM;
    }
    return syscall(SYS_munlock, address, bytes) == 0 ? 0 : -errno;
}

static int linux_forget(uint64_t address, uint64_t bytes)
{
    if (must_fail()) {
        return -ENOMEM;
    }
    return madvise((void *)address, bytes, MADV_DONTNEED) == 0 ? 0 : -errno;
}

static int linux_push_out(uint64_t address, uint64_t bytes)
{
    if (must_fail()) {
        return -ENOMEM;
    }
    return madvise((void *)address, bytes, MADV_PAGEOUT) == 0 ? 0 : -errno;
}

static int linux_lock_limit(uint64_t *bytes)
{
    struct rlimit limit;

    if (must_fail() || getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        return -EIO;
    }
    *bytes = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_cur;
    return 0;
}

static int linux_file_identity(int fd, uint64_t identity[2])
{
    struct stat st;

    if (must_fail()) {
        return -EIO;
    }
    if (fstat(fd, &st) != 0) {
        return -errno;
    }
    identity[0] = (uint64_t)st.st_dev;
    identity[1] = (uint64_t)st.st_ino;
    return 0;
}

static int linux_signal_action(int signal, const struct sigaction *action,
                               struct sigaction *previous)
{
    if (must_fail()) {
        return -EINVAL;
    }
    return sigaction(signal, action, previous) == 0 ? 0 : -errno;
}

struct host_calls host = {
    .allocate = linux_allocate,
    .release = free,
    .reserve = linux_reserve,
    .protect = linux_protect,
    .populate = linux_populate,
    .discard = linux_discard,
    .unreserve = linux_unreserve,
    .missing_open = linux_missing_open,
    .missing_watch = linux_missing_watch,
    .missing_fill = linux_missing_fill,
    .missing_guard = linux_missing_guard,
    .open_read = linux_open_read,
    .open_scratch = linux_open_scratch,
    .read_at = linux_read_at,
    .write_at = linux_write_at,
    .file_size = linux_file_size,
    .close = linux_close,
    .map_shared = linux_map_shared,
    .unmap_shared = linux_unmap_shared,
    .wake_pair = linux_wake_pair,
    .lock_memory = linux_lock_memory,
    .unlock_memory = linux_unlock_memory,
    .forget = linux_forget,
    .push_out = linux_push_out,
    .lock_limit = linux_lock_limit,
    .file_identity = linux_file_identity,
    .signal_action = linux_signal_action,
};
