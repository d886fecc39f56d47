/* SPDX-License-Identifier: MIT */
/*
 * Plug-ins come and go; the host locks what it is about to use.
 *
 * The plug-in is named by an address in it: nothing is registered.  When it is unloaded, locked or
 * not, its handle becomes stale, and what the next plug-in gets is another one.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

#include <pagable/pagable.h>

static int use(const char *path, pg_handle *handle)
{
    void *plugin = dlopen(path, RTLD_NOW);
    struct pagable_info info;
    int (*work)(int);

    if (plugin == NULL) {
        fprintf(stderr, "plugin_host: %s\n", dlerror());
        return 1;
    }
    work = (int (*)(int))(uintptr_t)dlsym(plugin, "plugin_work");
    if (work == NULL || pagable_lock_code((const void *)(uintptr_t)work, handle) != PG_OK ||
        pagable_query(*handle, &info) != PG_OK) {
        fprintf(stderr, "plugin_host: %s\n", pagable_error());
        return 1;
    }
    printf("%s: %u of %u pages resident, %u lock, 7 * 7 = %d\n", info.name, info.resident_pages,
           info.pages, info.lock_count, work(7));
    return dlclose(plugin) != 0; /* while it is locked */
}

int main(int argc, char **argv)
{
    pg_handle first, second;

    if (argc != 2) {
        fprintf(stderr, "usage: plugin_host PLUGIN.so\n");
        return 2;
    }
    if (use(argv[1], &first) != 0) {
        return 1;
    }
    printf("unlock after dlclose: %s\n", pg_status_text(pagable_unlock(first)));
    if (use(argv[1], &second) != 0) {
        return 1;
    }
    printf("the same handle again: %s\n", first == second ? "yes" : "no");
    return first == second;
}
