/* SPDX-License-Identifier: MIT */
/*
 * The channel on Linux: a ring in shared memory, and a pair of sockets to wake the other side.
 *
 * Positions are byte counts that only grow.  The writer owns `head`, the reader owns `tail`; each
 * keeps its own in private memory and publishes it, so that a driver that scribbles over the ring
 * can garble records but never send the reader out of it.
 *
 * A side that is about to sleep sets its `sleeps` flag and looks again; the other side publishes
 * its position and then looks at the flag.  Both orders are sequentially consistent, so one of the
 * two always sees the other and no wake-up is lost.  The socket also tells when the other side is
 * gone.
 */
#include "event/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/host.h"

#define RECORD_ALIGNMENT 8u
#define READER           0
#define WRITER           1

struct record_header {
    uint32_t kind;
    uint32_t bytes;
};

struct shared {
    _Alignas(64) _Atomic uint64_t head;
    _Atomic uint32_t reader_sleeps;
    _Alignas(64) _Atomic uint64_t tail;
    _Atomic uint32_t writer_sleeps;
    _Alignas(64) uint8_t ring[];
};

/* One per process after the fork: each side's copy is its own. */
struct channel {
    struct shared *shared;
    size_t capacity; /* of the ring, a power of two */
    uint64_t head;   /* writer */
    uint64_t tail;   /* reader */
    int sockets[2];  /* indexed by side; -1: closed */
    bool peer_gone;
};

static uint64_t record_bytes(uint32_t payload)
{
    uint64_t bytes = sizeof(struct record_header) + (uint64_t)payload;

    return (bytes + RECORD_ALIGNMENT - 1) & ~(uint64_t)(RECORD_ALIGNMENT - 1);
}

pg_status channel_open(size_t bytes, struct channel **out)
{
    struct channel *channel;

    if (bytes < 2 * record_bytes(CHANNEL_RECORD_MAX) || (bytes & (bytes - 1)) != 0) {
        return PG_E_ARG;
    }
    channel = host.allocate(sizeof *channel);
    if (channel == NULL) {
        return PG_E_NO_MEMORY;
    }
    channel->capacity = bytes;
    channel->shared = host.map_shared(sizeof(struct shared) + bytes);
    if (channel->shared == NULL) {
        host.release(channel);
        return PG_E_NO_MEMORY;
    }
    if (host.wake_pair(channel->sockets) != 0) {
        host.unmap_shared(channel->shared, sizeof(struct shared) + bytes);
        host.release(channel);
        return PG_E_LIMIT;
    }
    *out = channel;
    return PG_OK;
}

static void close_side(struct channel *channel, int side)
{
    if (channel->sockets[side] >= 0) {
        host.close(channel->sockets[side]);
        channel->sockets[side] = -1;
    }
}

void channel_close(struct channel *channel)
{
    close_side(channel, READER);
    close_side(channel, WRITER);
    host.unmap_shared(channel->shared, sizeof(struct shared) + channel->capacity);
    host.release(channel);
}

void channel_be_writer(struct channel *channel)
{
    close_side(channel, READER);
}

void channel_be_reader(struct channel *channel)
{
    close_side(channel, WRITER);
}

/* A full socket buffer is as good as a byte sent: the other side has wake-ups waiting. */
static void wake(int fd)
{
    ssize_t n;

    do {
        n = send(fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
}

/* Wait for a wake-up; takes all that are there.  False when the other side is gone. */
static bool wait_for_peer(int fd, int timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    char drain[64];
    ssize_t n;

    if (poll(&one, 1, timeout_ms) <= 0) {
        return true; /* nothing in time, or a signal: the caller looks again */
    }
    do {
        n = recv(fd, drain, sizeof drain, MSG_DONTWAIT);
    } while (n == (ssize_t)sizeof drain || (n < 0 && errno == EINTR));
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

static void copy_in(struct channel *channel, uint64_t position, const void *data, size_t bytes)
{
    size_t at = position & (channel->capacity - 1);
    size_t first = bytes < channel->capacity - at ? bytes : channel->capacity - at;

    memcpy(&channel->shared->ring[at], data, first);
    memcpy(&channel->shared->ring[0], (const uint8_t *)data + first, bytes - first);
}

static void copy_out(const struct channel *channel, uint64_t position, void *data, size_t bytes)
{
    size_t at = position & (channel->capacity - 1);
    size_t first = bytes < channel->capacity - at ? bytes : channel->capacity - at;

    memcpy(data, &channel->shared->ring[at], first);
    memcpy((uint8_t *)data + first, &channel->shared->ring[0], bytes - first);
}

/* A tail that no reader can have published (somebody scribbled over it) counts as "no room". */
static bool has_room(const struct channel *channel, uint64_t bytes)
{
    uint64_t used = channel->head - atomic_load(&channel->shared->tail);

    return used <= channel->capacity && bytes <= channel->capacity - used;
}

static bool wait_for_room(struct channel *channel, uint64_t bytes)
{
    while (!has_room(channel, bytes)) {
        if (channel->peer_gone) {
            return false;
        }
        atomic_store(&channel->shared->writer_sleeps, 1);
        if (!has_room(channel, bytes) && !wait_for_peer(channel->sockets[WRITER], -1)) {
            channel->peer_gone = true;
        }
    }
    return true;
}

/* When the reader is gone and the ring is full, records are dropped: nobody could read them. */
void channel_put(struct channel *channel, enum record_kind kind, const void *payload,
                 uint32_t bytes)
{
    struct record_header header = {.kind = (uint32_t)kind, .bytes = bytes};
    uint64_t needed = record_bytes(bytes);

    PG_ASSERT(bytes <= CHANNEL_RECORD_MAX);
    if (!wait_for_room(channel, needed)) {
        return;
    }
    copy_in(channel, channel->head, &header, sizeof header);
    copy_in(channel, channel->head + sizeof header, payload, bytes);
    channel->head += needed;
    atomic_store(&channel->shared->head, channel->head);
    if (atomic_exchange(&channel->shared->reader_sleeps, 0) != 0) {
        wake(channel->sockets[WRITER]);
    }
}

/* CHANNEL_EMPTY, CHANNEL_BROKEN or, with the payload copied out, CHANNEL_RECORD. */
static enum channel_state take_now(struct channel *channel, enum record_kind *kind, void *payload,
                                   uint32_t *bytes)
{
    uint64_t available = atomic_load(&channel->shared->head) - channel->tail;
    struct record_header header;

    if (available == 0) {
        return CHANNEL_EMPTY;
    }
    if (available > channel->capacity || available < sizeof header) {
        return CHANNEL_BROKEN;
    }
    copy_out(channel, channel->tail, &header, sizeof header);
    if (header.kind >= RECORD_KIND_COUNT || header.bytes > CHANNEL_RECORD_MAX ||
        record_bytes(header.bytes) > available) {
        return CHANNEL_BROKEN;
    }
    copy_out(channel, channel->tail + sizeof header, payload, header.bytes);
    *kind = (enum record_kind)header.kind;
    *bytes = header.bytes;
    channel->tail += record_bytes(header.bytes);
    atomic_store(&channel->shared->tail, channel->tail);
    if (atomic_exchange(&channel->shared->writer_sleeps, 0) != 0) {
        wake(channel->sockets[READER]);
    }
    return CHANNEL_RECORD;
}

enum channel_state channel_take(struct channel *channel, enum record_kind *kind, void *payload,
                                uint32_t *bytes, int timeout_ms)
{
    enum channel_state state = take_now(channel, kind, payload, bytes);

    if (state != CHANNEL_EMPTY) {
        return state;
    }
    if (channel->peer_gone) {
        return CHANNEL_ENDED;
    }
    atomic_store(&channel->shared->reader_sleeps, 1);
    state = take_now(channel, kind, payload, bytes);
    if (state == CHANNEL_EMPTY) {
        channel->peer_gone = !wait_for_peer(channel->sockets[READER], timeout_ms);
        state = take_now(channel, kind, payload, bytes);
    }
    atomic_store(&channel->shared->reader_sleeps, 0);
    return state == CHANNEL_EMPTY && channel->peer_gone ? CHANNEL_ENDED : state;
}
