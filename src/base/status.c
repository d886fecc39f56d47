/* SPDX-License-Identifier: MIT */
/* Names and sentences of the status codes. */
#include <pagable/status.h>

const char *pg_status_text(pg_status status)
{
    switch (status) {
    case PG_OK:
        return "ok";
#define PG_STATUS_CASE(name, value, text)                                                          \
    case name:                                                                                     \
        return text;
        PG_STATUS_MAP(PG_STATUS_CASE)
#undef PG_STATUS_CASE
    }
    return "unknown status";
}

const char *pg_status_name(pg_status status)
{
    switch (status) {
    case PG_OK:
        return "PG_OK";
#define PG_STATUS_CASE(name, value, text)                                                          \
    case name:                                                                                     \
        return #name;
        PG_STATUS_MAP(PG_STATUS_CASE)
#undef PG_STATUS_CASE
    }
    return "unknown";
}
