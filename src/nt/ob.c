/* SPDX-License-Identifier: MIT */
/*
 * Objects: a block of nonpaged pool that drivers see, and a record here that they do not.
 *
 *   ob_create: one reference   ob_reference +1   ob_dereference -1, at 0: on_delete, memory freed
 *
 * Deletion happens at PASSIVE_LEVEL: an object whose last reference goes above it is deleted by a
 * worker thread.  A reference that drivers drop and do not have is bug check 0x18.
 */
#include "nt/ex.h"

#define OBJECT_TAG 0x6a624f20u /* " Obj" */
#define TYPE_BYTES 0x100u

static const char *const type_names[OBJECT_TYPE_COUNT] = {[OBJECT_DEVICE] = "Device",
                                                          [OBJECT_DRIVER] = "Driver",
                                                          [OBJECT_FILE] = "File",
                                                          [OBJECT_THREAD] = "Thread",
                                                          [OBJECT_EVENT] = "Event",
                                                          [OBJECT_SEMAPHORE] = "Semaphore",
                                                          [OBJECT_MUTANT] = "Mutant",
                                                          [OBJECT_TIMER] = "Timer",
                                                          [OBJECT_SYMBOLIC_LINK] = "SymbolicLink",
                                                          [OBJECT_KEY] = "Key",
                                                          [OBJECT_PROCESS] = "Process",
                                                          [OBJECT_CALLBACK] = "Callback",
                                                          [OBJECT_DIRECTORY] = "Directory",
                                                          [OBJECT_SECTION] = "Section"};

/* Data exports that hold the address of a type; types without a number have no objects here. */
static const struct {
    const char *export;
    int type;
} type_exports[] = {{"CmKeyObjectType", OBJECT_KEY},
                    {"ExDesktopObjectType", -1},
                    {"ExEventObjectType", OBJECT_EVENT},
                    {"ExSemaphoreObjectType", OBJECT_SEMAPHORE},
                    {"ExWindowStationObjectType", -1},
                    {"IoAdapterObjectType", -1},
                    {"IoDeviceObjectType", OBJECT_DEVICE},
                    {"IoDriverObjectType", OBJECT_DRIVER},
                    {"IoFileObjectType", OBJECT_FILE},
                    {"LpcPortObjectType", -1},
                    {"MmSectionObjectType", OBJECT_SECTION},
                    {"PsJobType", -1},
                    {"PsProcessType", OBJECT_PROCESS},
                    {"PsThreadType", OBJECT_THREAD},
                    {"SeTokenObjectType", -1},
                    {"TmTransactionObjectType", -1}};

#define TYPE_EXPORTS (sizeof type_exports / sizeof *type_exports)

struct object_state {
    uint64_t type_objects[OBJECT_TYPE_COUNT];
};
static struct object_state *state;

void (*ob_on_last_handle[OBJECT_TYPE_COUNT])(uint64_t object);

static uint64_t type_object_new(void)
{
    uint64_t object = ex_pool_allocate(POOL_NONPAGED, TYPE_BYTES, OBJECT_TAG);

    PG_ASSERT(object != 0);
    /* Its first member is a list of the type's objects, which is empty as long as nobody debugs. */
    nt_list_init(machine_pointer(object));
    return object;
}

void ob_start(void)
{
    state = machine_allocate(sizeof *state);
    for (size_t i = 0; i < OBJECT_TYPE_COUNT; i++) {
        state->type_objects[i] = type_object_new();
    }
    for (size_t i = 0; i < TYPE_EXPORTS; i++) {
        int type = type_exports[i].type;

        *(uint64_t *)nt_data(type_exports[i].export) =
            type >= 0 ? state->type_objects[type] : type_object_new();
    }
    ob_name_start();
    ob_handle_start();
}

const char *ob_type_name(enum nt_object_type type)
{
    return type_names[type];
}

int ob_type_of_pointer(uint64_t pointer)
{
    for (int i = 0; i < OBJECT_TYPE_COUNT; i++) {
        if (state->type_objects[i] == pointer) {
            return i;
        }
    }
    return -1;
}

struct ob_object *ob_find(uint64_t object)
{
    const struct ex_pool_block *block = ex_pool_find(object);

    return block == NULL ? NULL : block->owner;
}

int ob_type(uint64_t object)
{
    const struct ob_object *o = ob_find(object);

    return o == NULL ? -1 : (int)o->type;
}

uint64_t ob_create(enum nt_object_type type, size_t bytes, void (*on_delete)(uint64_t))
{
    uint64_t address = ex_pool_allocate(POOL_NONPAGED, bytes, OBJECT_TAG);
    struct ob_object *object;

    if (address == 0) {
        return 0;
    }
    object = ex_heap_take(sizeof *object);
    *object = (struct ob_object){
        .address = address, .type = type, .references = 1, .on_delete = on_delete};
    ex_pool_find(address)->owner = object;
    return address;
}

static void destroy(struct ob_object *object)
{
    uint64_t address = object->address;

    PG_ASSERT(object->references == 0 && object->handles == 0);
    if (object->on_delete != NULL) {
        object->on_delete(address);
    }
    ob_unname(address);
    ex_pool_find(address)->owner = NULL;
    ex_pool_free(address);
    ex_heap_give(object);
}

static void destroy_later(struct ex_work *work)
{
    destroy(work->context);
}

void ob_reference(uint64_t address)
{
    struct ob_object *object = ob_find(address);

    PG_ASSERT(object != NULL && object->references > 0);
    object->references++;
}

void ob_dereference(uint64_t address)
{
    struct ob_object *object = ob_find(address);

    PG_ASSERT(object != NULL && object->references > object->handles);
    if (--object->references > 0) {
        return;
    }
    if (machine_irql() == PASSIVE_LEVEL || object->on_delete == NULL) {
        destroy(object);
        return;
    }
    object->work = (struct ex_work){.run = destroy_later, .context = object};
    ex_work_queue(EX_WORK_DELAYED, &object->work);
}

/* ---- on behalf of drivers ---- */

static struct ob_object *checked(uint64_t address, const char *what)
{
    struct ob_object *object = ob_find(address);

    if (object == NULL || object->references == 0) {
        machine_bugcheck(0x18, 0, address, 0, 0, what);
    }
    return object;
}

static int64_t reference_checked(uint64_t address)
{
    checked(address, "memory was referenced that is no object");
    ob_reference(address);
    return ob_find(address)->references;
}

static int64_t dereference_checked(uint64_t address)
{
    const struct ob_object *object =
        checked(address, "an object was dereferenced that is gone, or memory that is no object");
    int64_t left = (int64_t)object->references - 1;

    if (object->references == object->handles) {
        machine_bugcheck(0x18, state->type_objects[object->type], address, 0, 0,
                         "an object was dereferenced more often than it was referenced: what is "
                         "left belongs to open handles");
    }
    ob_dereference(address);
    return left;
}

static ntstatus reference_by_pointer(uint64_t object, uint64_t type)
{
    if (ob_find(object) == NULL ||
        (type != 0 && ob_type_of_pointer(type) != (int)ob_find(object)->type)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    reference_checked(object);
    return STATUS_SUCCESS;
}

static int64_t ObfReferenceObject(uint64_t object)
{
    return reference_checked(object);
}

static int64_t ObfReferenceObjectWithTag(uint64_t object, uint32_t tag)
{
    (void)tag;
    return reference_checked(object);
}

static int64_t ObfDereferenceObject(uint64_t object)
{
    return dereference_checked(object);
}

static int64_t ObfDereferenceObjectWithTag(uint64_t object, uint32_t tag)
{
    (void)tag;
    return dereference_checked(object);
}

static int64_t ObReferenceObject(uint64_t object)
{
    return reference_checked(object);
}

static int64_t ObDereferenceObject(uint64_t object)
{
    return dereference_checked(object);
}

static void ObDereferenceObjectDeferDelete(uint64_t object)
{
    dereference_checked(object);
}

static void ObDereferenceObjectDeferDeleteWithTag(uint64_t object, uint32_t tag)
{
    (void)tag;
    dereference_checked(object);
}

static ntstatus ObReferenceObjectByPointer(uint64_t object, uint32_t access, uint64_t type,
                                           uint8_t mode)
{
    (void)access;
    (void)mode;
    return reference_by_pointer(object, type);
}

static ntstatus ObReferenceObjectByPointerWithTag(uint64_t object, uint32_t access, uint64_t type,
                                                  uint8_t mode, uint32_t tag)
{
    (void)access;
    (void)mode;
    (void)tag;
    return reference_by_pointer(object, type);
}

static uint64_t ObGetObjectType(uint64_t object)
{
    return state
        ->type_objects[checked(object, "the type of memory was asked that is no object")->type];
}

static void ObMakeTemporaryObject(uint64_t address)
{
    struct ob_object *object = checked(address, "memory was made temporary that is no object");

    object->temporary = true;
    if (object->handles == 0) {
        ob_unname(address);
    }
}

NT_CALL1(ObfReferenceObject, uint64_t)
NT_CALL2(ObfReferenceObjectWithTag, uint64_t, uint32_t)
NT_CALL1(ObfDereferenceObject, uint64_t)
NT_CALL2(ObfDereferenceObjectWithTag, uint64_t, uint32_t)
NT_CALL1(ObReferenceObject, uint64_t)
NT_CALL1(ObDereferenceObject, uint64_t)
NT_VOID1(ObDereferenceObjectDeferDelete, uint64_t)
NT_VOID2(ObDereferenceObjectDeferDeleteWithTag, uint64_t, uint32_t)
NT_CALL4(ObReferenceObjectByPointer, uint64_t, uint32_t, uint64_t, uint8_t)
NT_CALL5(ObReferenceObjectByPointerWithTag, uint64_t, uint32_t, uint64_t, uint8_t, uint32_t)
NT_CALL1(ObGetObjectType, uint64_t)
NT_VOID1(ObMakeTemporaryObject, uint64_t)
