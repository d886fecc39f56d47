/* SPDX-License-Identifier: MIT */
/*
 * The load configuration: where the security cookie and the pointers of control flow guard are,
 * which the loader sets.  The structure grew over time and says its own size: what lies beyond it
 * is not there.  It holds addresses for the preferred base, not rvas.
 */
#include "image/private.h"

#define CONFIG_COOKIE         0x58u
#define CONFIG_GUARD_CHECK    0x70u
#define CONFIG_GUARD_DISPATCH 0x78u
#define CONFIG_GUARD_TABLE    0x80u
#define CONFIG_GUARD_COUNT    0x88u
#define CONFIG_GUARD_FLAGS    0x90u
#define GUARD_RVA_BYTES       4u
#define CONFIG_SMALLEST       4u
#define WORD_BYTES            8u

struct config {
    const uint8_t *bytes;
    uint32_t size;
    uint64_t place;
};

/* *rva: of the 8-byte variable whose address is the field at `offset`; 0 when there is none. */
static pg_status read_variable(const struct image *image, const struct config *config,
                               uint32_t offset, const char *what, uint32_t *rva,
                               struct image_error *error)
{
    uint64_t address = offset + WORD_BYTES <= config->size ? load64(config->bytes + offset) : 0;
    uint64_t distance = address - image->preferred_base;

    *rva = 0;
    if (address == 0) {
        return PG_OK;
    }
    if (distance > IMAGE_MAX_SIZE || !image_in_section(image, (uint32_t)distance, WORD_BYTES)) {
        return image_fail(error, PG_E_FORMAT, config->place + offset,
                          "load configuration: the %s at 0x%lx lies in no section", what,
                          (unsigned long)address);
    }
    *rva = (uint32_t)distance;
    return PG_OK;
}

/* Sets config->size to what the structure says, or the directory where it says nothing. */
static pg_status find_config(const struct image *image, const struct directory *directory,
                             struct config *config, struct image_error *error)
{
    uint64_t named_at = image_directory_place(image, DIRECTORY_LOAD_CONFIG);

    config->place = image_place(image, directory->rva, named_at);
    config->bytes = image_at(image, directory->rva, CONFIG_SMALLEST);
    config->size = config->bytes != NULL ? load32(config->bytes) : 0;
    if (config->size == 0) {
        config->size = directory->size;
    }
    if (config->size < CONFIG_SMALLEST || image_at(image, directory->rva, config->size) == NULL) {
        return image_fail(error, PG_E_FORMAT, config->place,
                          "load configuration: 0x%x bytes at rva 0x%x are too few or lie outside "
                          "of the file",
                          config->size, directory->rva);
    }
    return PG_OK;
}

/* Each entry is an rva and as many bytes as the top of the flags says. */
static uint32_t guard_entry_bytes(const struct image *image)
{
    return GUARD_RVA_BYTES + (image->guard_flags >> 28);
}

/* Nothing is loaded by this table, so one that is not in the file is taken as none. */
static void find_guard_table(struct image *image, const struct config *config)
{
    uint64_t distance, count;

    if (CONFIG_GUARD_FLAGS + 4 > config->size) {
        return;
    }
    image->guard_flags = load32(config->bytes + CONFIG_GUARD_FLAGS);
    distance = load64(config->bytes + CONFIG_GUARD_TABLE) - image->preferred_base;
    count = load64(config->bytes + CONFIG_GUARD_COUNT);
    if (distance < image->image_size && count != 0 && count < image->image_size &&
        count * guard_entry_bytes(image) < image->image_size &&
        image_at(image, (uint32_t)distance, (uint32_t)(count * guard_entry_bytes(image))) != NULL) {
        image->guard_table_rva = (uint32_t)distance;
        image->guard_table_count = (uint32_t)count;
    }
}

uint32_t image_guard_function_at(const struct image *image, uint32_t index)
{
    return load32(image_at(image, image->guard_table_rva + index * guard_entry_bytes(image),
                           GUARD_RVA_BYTES));
}

pg_status image_read_load_config(struct image *image, const struct directory *directory,
                                 struct image_error *error)
{
    struct config config;
    pg_status status = find_config(image, directory, &config, error);

    if (status == PG_OK) {
        status = read_variable(image, &config, CONFIG_COOKIE, "security cookie",
                               &image->security_cookie_rva, error);
    }
    if (status == PG_OK) {
        status = read_variable(image, &config, CONFIG_GUARD_CHECK, "guard check pointer",
                               &image->guard_check_pointer_rva, error);
    }
    if (status == PG_OK) {
        status = read_variable(image, &config, CONFIG_GUARD_DISPATCH, "guard dispatch pointer",
                               &image->guard_dispatch_pointer_rva, error);
    }
    if (status == PG_OK) {
        find_guard_table(image, &config);
    }
    return status;
}
