// SPDX-License-Identifier: MIT
//
// Promise: with deepbind=keep a library loaded with RTLD_DEEPBIND uses glibc's malloc, and the
// program may still free, resize and measure that memory. Argument: the plugin.

#include <dlfcn.h>
#include <malloc.h>

#include "tests/abi/check.h"

static void check_size(void* (*allocate)(size_t), size_t size)
{
    void* block = allocate(size);
    CHECK(block != NULL, "expected the plugin's malloc(%zu) to succeed, seen NULL", size);
    fill(block, size, 3);
    CHECK(malloc_usable_size(block) >= size, "expected %zu usable bytes, seen %zu", size,
          malloc_usable_size(block));
    block = realloc(block, size + size / 2 + 1);
    CHECK(block != NULL, "expected realloc to succeed, seen NULL");
    CHECK_FILLED(block, size, 3);
    free(block);
    free(allocate(size));
}

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the plugin, seen %d", argc - 1);
    void* plugin = dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND);
    CHECK(plugin != NULL, "expected to load the plugin, seen %s", dlerror());
    void* (*allocate)(size_t);
    *(void**)&allocate = dlsym(plugin, "plugin_malloc");
    CHECK(allocate != NULL, "expected plugin_malloc, seen %s", dlerror());
    for (size_t size = 1; size <= 4 * MIB; size *= 3) {
        check_size(allocate, size);
    }
    return 0;
}
