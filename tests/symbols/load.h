/* SPDX-License-Identifier: MIT */
/* Files and images for the tests of symbols/. */
#ifndef PAGABLE_TESTS_SYMBOLS_LOAD_H
#define PAGABLE_TESTS_SYMBOLS_LOAD_H

#include "image/image.h"
#include "symbols/bytes.h"
#include "symbols/symbols.h"

struct file {
    uint8_t *bytes;
    size_t size;
};

/* The whole file in memory of malloc, or the test fails. */
struct file file_load(const char *path);
void file_save(const char *path, const void *bytes, size_t size);

struct loaded {
    char path[512];
    struct file file;
    struct image image;
    struct symbols *symbols;
};

/* Open an image and its symbols, or the test fails. */
void load(struct loaded *loaded, const char *path);
void unload(struct loaded *loaded);

/* Fails the test unless everything that symbols_* says about an image holds together. */
void check_sound(const struct image *image, const struct symbols *symbols);

#endif
