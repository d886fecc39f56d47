/* SPDX-License-Identifier: MIT */
/*
 * The table of host calls.  Every request to the operating system that can fail goes through
 * `host`, so that tests can make the n-th one fail (host_fail_nth) and a port can replace them.
 */
#ifndef PAGABLE_BASE_HOST_H
#define PAGABLE_BASE_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sigaction;

enum host_protection { HOST_NONE = 0, HOST_READ = 1, HOST_WRITE = 2, HOST_EXECUTE = 4 };

struct host_calls {
    void *(*allocate)(size_t bytes); /* zeroed; NULL when out of memory */
    void (*release)(void *memory);

    /*
     * Memory at a fixed address; addresses and sizes are multiples of 4096.  0 or a negative errno.
     *   reserve   claims a range with no access and no memory; fails with -EEXIST when occupied
     *   protect   changes the access of a range; `protection` is a set of enum host_protection
     *   populate  gives memory to a range that can be written to, so that no access to it faults;
     *             only time is lost where the kernel does not know how (0 then too)
     *   discard   gives the memory of a range back and leaves it with no access: one system call
     *   unreserve ends a claim
     */
    int (*reserve)(uint64_t address, uint64_t bytes);
    int (*protect)(uint64_t address, uint64_t bytes, unsigned protection);
    int (*populate)(uint64_t address, uint64_t bytes);
    int (*discard)(uint64_t address, uint64_t bytes);
    int (*unreserve)(uint64_t address, uint64_t bytes);

    /*
     * Pages that are missing (never had memory, or `forget` took it), told apart from forbidden
     * ones: their first use is a signal of its own kind (SIGBUS) though the range's protection
     * allows it.  0 or a negative errno.
     *   missing_open   a descriptor for the calls below; fails where the system has no such thing,
     *                  lacks a part of it, or does not let this process use it; ends with `close`
     *   missing_watch  from now on, uses of pages of a reserved range that have no memory are told
     *   missing_fill   a missing range gets memory with these bytes, at once; with `guarded` the
     *                  first write to each page is told, too
     *   missing_guard  guards pages that have memory, or no longer does
     */
    int (*missing_open)(void);
    int (*missing_watch)(int fd, uint64_t address, uint64_t bytes);
    int (*missing_fill)(int fd, uint64_t address, const void *content, uint64_t bytes, int guarded);
    int (*missing_guard)(int fd, uint64_t address, uint64_t bytes, int guarded);

    /* Files.  A descriptor or byte count, or a negative errno; short counts are possible. */
    int (*open_read)(const char *path); /* does not wait for who writes a FIFO */
    int (*open_scratch)(void);          /* an unnamed read-write file, in $TMPDIR when possible */
    ssize_t (*read_at)(int fd, void *buffer, size_t bytes, uint64_t offset);
    ssize_t (*write_at)(int fd, const void *buffer, size_t bytes, uint64_t offset);
    int64_t (*file_size)(int fd); /* of a regular file; -ESPIPE for a pipe, device or socket */
    void (*close)(int fd);

    /* For two processes after a fork: zeroed memory that both see (NULL: none), and a pair of
     * connected descriptors that carry single bytes (0 or a negative errno). */
    void *(*map_shared)(size_t bytes);
    void (*unmap_shared)(void *memory, size_t bytes);
    int (*wake_pair)(int fds[2]);

    /*
     * Pages of ordinary mappings, for programs that manage their own sections.  0 or a negative
     * errno; addresses and sizes are multiples of 4096.
     *   lock_memory, unlock_memory   mlock(2), munlock(2): they do not nest
     *   forget                       drops the process's pages; what was modified is lost
     *   push_out                     asks for the pages to leave memory; nothing is lost
     *   lock_limit                   how many bytes the process may lock; UINT64_MAX: any
     *   file_identity                device and inode of an open file
     *   signal_action                sigaction(2)
     */
    int (*lock_memory)(uint64_t address, uint64_t bytes);
    int (*unlock_memory)(uint64_t address, uint64_t bytes);
    int (*forget)(uint64_t address, uint64_t bytes);
    int (*push_out)(uint64_t address, uint64_t bytes);
    int (*lock_limit)(uint64_t *bytes);
    int (*file_identity)(int fd, uint64_t identity[2]);
    int (*signal_action)(int signal, const struct sigaction *action, struct sigaction *previous);
};

extern struct host_calls host;

/*
 * Make the n-th fallible host call from now fail (n = 1: the next one); 0 disarms.  Calls after the
 * failed one succeed again.  Test use only.  host_fail_hit tells whether the failure was delivered.
 */
void host_fail_nth(unsigned n);
int host_fail_hit(void);

#endif
