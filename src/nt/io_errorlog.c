/* SPDX-License-Identifier: MIT */
/* The system event log: an entry that a driver writes is a line for the user. */
#include "nt/io.h"

#define ERROR_LOG_TAG     IO_TAG('E', 'r', 'L', 'g')
#define ERROR_LOG_MAXIMUM 240u /* ERROR_LOG_MAXIMUM_SIZE, on x64 */

static const struct io_driver *driver_of(uint64_t object)
{
    const struct io_device *device = io_device_find(object);

    return device != NULL ? device->driver : io_driver_find(object);
}

struct log_entry {
    struct io_record record; /* address: the packet */
    const struct io_driver *driver;
};

static struct io_error_log_packet *IoAllocateErrorLogEntry(uint64_t object, uint8_t bytes)
{
    const struct io_driver *driver = driver_of(object);
    struct io_error_log_packet *packet;
    struct log_entry *entry;

    if (driver == NULL || bytes < sizeof *packet || bytes > ERROR_LOG_MAXIMUM) {
        return NULL;
    }
    packet = machine_pointer(ex_pool_allocate(POOL_NONPAGED, bytes, ERROR_LOG_TAG));
    if (packet != NULL) {
        entry = ex_heap_take(sizeof *entry);
        entry->record.address = (uint64_t)packet;
        entry->driver = driver;
        io_table_add(&io_state->log_entries, &entry->record);
    }
    return packet;
}

static struct log_entry *entry_checked(const struct io_error_log_packet *packet)
{
    struct log_entry *entry = io_table_find(&io_state->log_entries, (uint64_t)packet);

    if (entry == NULL) {
        machine_bugcheck(0xC2, 0x7, 0, 0, (uint64_t)packet,
                         "something was used as an error log entry that is none, or not any more");
    }
    return entry;
}

static void drop(struct log_entry *entry)
{
    ex_pool_free(entry->record.address);
    io_table_remove(&io_state->log_entries, &entry->record);
}

static void IoWriteErrorLogEntry(struct io_error_log_packet *packet)
{
    struct log_entry *entry = entry_checked(packet);
    const struct module *module = entry->driver->module;

    machine_notice("event log: %s: error 0x%08x, status 0x%08x, unique value %u",
                   module == NULL ? "a driver" : module->name, (uint32_t)packet->ErrorCode,
                   (uint32_t)packet->FinalStatus, packet->UniqueErrorValue);
    drop(entry);
}

static void IoFreeErrorLogEntry(struct io_error_log_packet *packet)
{
    drop(entry_checked(packet));
}

NT_CALL2(IoAllocateErrorLogEntry, uint64_t, uint8_t)
NT_VOID1(IoWriteErrorLogEntry, struct io_error_log_packet *)
NT_VOID1(IoFreeErrorLogEntry, struct io_error_log_packet *)
