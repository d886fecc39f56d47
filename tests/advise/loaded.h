/* SPDX-License-Identifier: MIT */
/* A driver of the build as the inference sees it. */
#ifndef TESTS_ADVISE_LOADED_H
#define TESTS_ADVISE_LOADED_H

#include "advise/infer.h"
#include "symbols/symbols.h"

struct loaded {
    uint8_t *bytes;
    size_t size;
    struct image image;
    struct symbols *symbols;
    struct program program;
    struct infer infer;
};

/* Read, decode and infer; the test fails where that does. */
void load_driver(const char *path, struct loaded *out);
/* The same without roles and what follows from them. */
void infer_driver(const char *path, struct loaded *out);
void unload_driver(struct loaded *loaded);
/* The index of a function; the test fails when there is none. */
uint32_t function_named(const struct loaded *loaded, const char *name);
/* The n-th (from 0) call of `callee` in a function, as a site; NULL when it is never reached. */
const struct infer_site *call_of(const struct loaded *loaded, uint32_t function, const char *callee,
                                 unsigned n);

#endif
