/* SPDX-License-Identifier: MIT */
/* Records of the I/O manager by the address of what they stand for, and in the order of their
 * making. */
#include "nt/io.h"

static struct io_record **bucket_of(const struct io_table *table, uint64_t address)
{
    size_t count = sizeof table->buckets / sizeof *table->buckets;

    return (struct io_record **)&table->buckets[(address >> 4) % count];
}

void io_table_add(struct io_table *table, struct io_record *record)
{
    struct io_record **bucket = bucket_of(table, record->address);

    PG_ASSERT(io_table_find(table, record->address) == NULL);
    record->sequence = ++io_state->sequence;
    record->chain = *bucket;
    *bucket = record;
    record->next = NULL;
    record->previous = table->last;
    *(table->last != NULL ? &table->last->next : &table->first) = record;
    table->last = record;
}

void *io_table_find(const struct io_table *table, uint64_t address)
{
    struct io_record *record = *bucket_of(table, address);

    while (record != NULL && record->address != address) {
        record = record->chain;
    }
    return record;
}

void io_table_remove(struct io_table *table, struct io_record *record)
{
    struct io_record **link = bucket_of(table, record->address);

    while (*link != record) {
        link = &(*link)->chain;
    }
    *link = record->chain;
    *(record->previous != NULL ? &record->previous->next : &table->first) = record->next;
    *(record->next != NULL ? &record->next->previous : &table->last) = record->previous;
    ex_heap_give(record);
}
