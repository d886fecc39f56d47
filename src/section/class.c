/* SPDX-License-Identifier: MIT */
/* What a section's name says about paging. */
#include <pagable/section.h>

/* DOC "Making Drivers Pageable": at load the name is looked at, and one that *begins* with PAGE, in
 * capitals, makes the section pageable; INIT is a whole name.  A name of 8 bytes has no terminator,
 * so each byte is read only after the one before it was seen to be part of the name. */
static bool begins_with(const char *name, const char *word)
{
    while (*word != '\0' && *name == *word) {
        name++;
        word++;
    }
    return *word == '\0';
}

enum pg_class pg_class_of_name(const char *name)
{
    if (begins_with(name, "PAGE")) {
        return PG_PAGEABLE;
    }
    if (begins_with(name, "INIT") && name[4] == '\0') {
        return PG_DISCARDABLE;
    }
    return PG_RESIDENT;
}
