// SPDX-License-Identifier: MIT
//
// Promise: in a C program that loads a C++ plugin with dlopen(RTLD_LOCAL), so that libstdc++ is
// nowhere in the global scope, operator new still throws a bad_alloc that the plugin can catch, and
// calls its new_handler. Argument: the plugin.

#include <dlfcn.h>

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the plugin, seen %d", argc - 1);
    free(malloc(100));
    void* plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(plugin != NULL, "expected to load the plugin, seen %s", dlerror());
    const char* const names[] = {"catches_bad_alloc", "calls_new_handler", "nothrow_is_null"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        int (*probe)(void);
        *(void**)&probe = dlsym(plugin, names[i]);
        CHECK(probe != NULL, "expected %s in the plugin, seen %s", names[i], dlerror());
        CHECK(probe() == 1, "expected %s to return 1, seen another value", names[i]);
    }
    return 0;
}
