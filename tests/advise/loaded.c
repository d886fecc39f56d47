/* SPDX-License-Identifier: MIT */
#include "loaded.h"

#include "support/file.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void load_driver(const char *path, struct loaded *out)
{
    infer_driver(path, out);
    ck_assert_int_eq(infer_roles(&out->infer), PG_OK);
    ck_assert_int_eq(infer_enter(&out->infer), PG_OK);
}

void infer_driver(const char *path, struct loaded *out)
{
    struct image_error error;

    memset(out, 0, sizeof *out);
    out->bytes = file_read(path, &out->size);
    ck_assert_int_eq(image_open(out->bytes, out->size, &out->image, &error), PG_OK);
    ck_assert_int_eq(symbols_open(path, &out->image, &out->symbols), PG_OK);
    ck_assert_int_eq(program_build(&out->image, out->symbols, &out->program), PG_OK);
    ck_assert_int_eq(infer_run(&out->program, &out->infer), PG_OK);
}

void unload_driver(struct loaded *loaded)
{
    infer_release(&loaded->infer);
    program_release(&loaded->program);
    symbols_close(loaded->symbols);
    free(loaded->bytes);
}

uint32_t function_named(const struct loaded *loaded, const char *name)
{
    for (uint32_t i = 0; i < loaded->program.function_count; i++) {
        if (strcmp(loaded->program.functions[i].name, name) == 0) {
            return i;
        }
    }
    ck_abort_msg("no function %s", name);
    return NO_INDEX;
}

const struct infer_site *call_of(const struct loaded *loaded, uint32_t function, const char *callee,
                                 unsigned n)
{
    const struct function *f = &loaded->program.functions[function];
    uint32_t index = function_named(loaded, callee);

    for (uint32_t i = 0; i < f->call_count; i++) {
        const struct call *call = &loaded->program.calls[f->first_call + i];

        if (call->target == CALL_FUNCTION && call->index == index && n-- == 0) {
            return infer_site_at(&loaded->infer, function, call->micro);
        }
    }
    return NULL;
}
