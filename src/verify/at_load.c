/* SPDX-License-Identifier: MIT */
/* What can be said about an image before any of it runs. */
#include "verify/verify.h"

void verify_loaded(const struct module *module)
{
    const struct image *image = &module->image;

    if (!image->pageable) {
        machine_finding(RULE_IMAGE_NOT_PAGEABLE, module->base,
                        "sections of %s are aligned to 0x%x bytes, less than a page", module->name,
                        image->section_alignment);
        return; /* what the names of its sections say does not matter then */
    }
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];
        const char *note = image_section_note(image, section);

        if (note != NULL) {
            machine_finding(RULE_SECTION_FLAGS_DISAGREE, module->base + section->rva,
                            "section %s of %s: %s", section->name, module->name, note);
        }
    }
}
