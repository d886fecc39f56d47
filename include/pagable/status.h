/* SPDX-License-Identifier: MIT */
/*
 * Status codes: the one way in which pagable's functions report failure.
 *
 * 0 is success, every failure is negative.  A status never describes what a *driver* did wrong
 * (that is a finding or a bug check) nor a defect of pagable itself (that stops by assertion).
 */
#ifndef PAGABLE_STATUS_H
#define PAGABLE_STATUS_H

/* name, value (negated in the enum), sentence */
#define PG_STATUS_MAP(X)                                                                           \
    X(PG_E_ARG, 1, "argument out of range")                                                        \
    X(PG_E_NO_MEMORY, 2, "out of memory")                                                          \
    X(PG_E_TRUNCATED, 3, "file ends inside a structure")                                           \
    X(PG_E_FORMAT, 4, "structure is malformed")                                                    \
    X(PG_E_UNSUPPORTED, 5, "not supported")                                                        \
    X(PG_E_IO, 6, "input or output error")                                                         \
    X(PG_E_CHANGED, 7, "file changed since it was loaded")                                         \
    X(PG_E_CORRUPT, 8, "checksum does not match")                                                  \
    X(PG_E_NOT_FOUND, 9, "not found")                                                              \
    X(PG_E_OVERLAP, 10, "two sections claim the same address")                                     \
    X(PG_E_NO_IMAGE, 11, "address lies in no image")                                               \
    X(PG_E_NO_SECTION, 12, "address lies in no section")                                           \
    X(PG_E_STALE, 13, "handle of an image that is no longer loaded")                               \
    X(PG_E_UNDERFLOW, 14, "section is not locked")                                                 \
    X(PG_E_OVERFLOW, 15, "lock count is at its limit")                                             \
    X(PG_E_LIMIT, 16, "resource limit reached")                                                    \
    X(PG_E_DISCARDED, 17, "section was discarded")                                                 \
    X(PG_E_BUSY, 18, "in use")

typedef enum pg_status {
    PG_OK = 0,
#define PG_STATUS_ENUM(name, value, text) name = -(value),
    PG_STATUS_MAP(PG_STATUS_ENUM)
#undef PG_STATUS_ENUM
} pg_status;

/* The sentence of a status; static storage, never NULL.  Any thread. */
const char *pg_status_text(pg_status status);

/* The identifier of a status, "PG_E_TRUNCATED"; static storage, never NULL.  Any thread. */
const char *pg_status_name(pg_status status);

#endif
