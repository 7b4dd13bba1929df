// SPDX-License-Identifier: MIT
//
// Promise: a library loaded with RTLD_DEEPBIND, whose malloc and free would be glibc's, and the
// program free and resize each other's memory. Argument: the plugin.

#include <dlfcn.h>
#include <malloc.h>

#include "tests/abi/check.h"

static void* plugin;

static void* symbol(const char* name)
{
    void* address = dlsym(plugin, name);
    CHECK(address != NULL, "expected %s in the plugin, seen %s", name, dlerror());
    return address;
}

static void check_size(size_t size)
{
    void* (*allocate)(size_t);
    void* (*resize)(void*, size_t);
    void (*release)(void*);
    size_t (*usable)(void*);
    *(void**)&allocate = symbol("plugin_malloc");
    *(void**)&resize = symbol("plugin_realloc");
    *(void**)&release = symbol("plugin_free");
    *(void**)&usable = symbol("plugin_usable_size");

    void* theirs = allocate(size);
    fill(theirs, size, 1);
    CHECK(malloc_usable_size(theirs) >= size, "expected %zu usable bytes, seen %zu", size,
          malloc_usable_size(theirs));
    theirs = realloc(theirs, size * 2);
    CHECK_FILLED(theirs, size, 1);
    free(theirs);
    free(allocate(size));

    void* ours = malloc(size);
    fill(ours, size, 2);
    CHECK(usable(ours) >= size, "expected %zu usable bytes, seen %zu", size, usable(ours));
    ours = resize(ours, size * 2);
    CHECK_FILLED(ours, size, 2);
    release(ours);
    release(malloc(size));
}

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the plugin, seen %d", argc - 1);
    plugin = dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND);
    CHECK(plugin != NULL, "expected to load the plugin, seen %s", dlerror());
    for (size_t size = 1; size <= 4 * MIB; size *= 3) {
        check_size(size);
    }
    char* (*duplicate)(const char*);
    char* (*format)(int);
    int (*free_own_text)(void);
    *(void**)&duplicate = symbol("plugin_strdup");
    *(void**)&format = symbol("plugin_asprintf");
    *(void**)&free_own_text = symbol("plugin_frees_its_strdup");
    free(duplicate("from libc, called by the plugin, freed by the program"));
    free(format(42));
    for (int i = 0; i < 100; ++i) {
        CHECK(free_own_text() == 1, "expected the plugin to free what strdup gave it");
    }
    return 0;
}
