/* SPDX-License-Identifier: MIT */
/* Rules about the image's sections; the linker's doing. */
#include "advise/audit.h"

void rules_image(struct audit *audit)
{
    const struct image *image = audit->image;
    bool named = false;

    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *section = &image->sections[i];
        const char *note = image_section_note(image, section);

        named |= section->class == PG_PAGEABLE;
        if (section->flags_disagree && note != NULL && image->pageable) {
            audit_report_at(audit, RULE_SECTION_FLAGS_DISAGREE, VERDICT_DEFINITE,
                            audit_section_place(audit, i),
                            advice_text(audit->builder, "section %s: %s", section->name, note));
        }
    }
    if (!image->pageable && named) {
        audit_report_at(audit, RULE_IMAGE_NOT_PAGEABLE, VERDICT_DEFINITE,
                        (struct advice_place){.function = "", .section = ""},
                        advice_text(audit->builder,
                                    "sections are aligned to %u bytes, less than a page: none of "
                                    "the image can be paged",
                                    image->section_alignment));
    }
}
