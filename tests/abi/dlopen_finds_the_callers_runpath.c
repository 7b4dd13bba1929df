// SPDX-License-Identifier: MIT
//
// Promise: dlopen() of a bare name searches the RUNPATH of the library that calls it: whatever
// stands in front of dlopen (for deepbind=drop) does not hide the caller. Argument: the calling
// library.

#include <dlfcn.h>

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the library, seen %d", argc - 1);
    CHECK(dlopen("libabi_runpath_target.so", RTLD_NOW) == NULL,
          "expected the program itself not to find the library, seen it found");
    void* caller = dlopen(argv[1], RTLD_NOW);
    CHECK(caller != NULL, "expected to load the calling library, seen %s", dlerror());
    const char* (*load)(int);
    *(void**)&load = dlsym(caller, "load_by_bare_name");
    CHECK(load != NULL, "expected load_by_bare_name, seen %s", dlerror());
    const int flags[] = {RTLD_NOW, RTLD_LAZY | RTLD_GLOBAL, RTLD_NOW | RTLD_LOCAL};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; ++i) {
        const char* error = load(flags[i]);
        CHECK(error == NULL, "expected the caller's RUNPATH to be searched, seen %s", error);
    }
    return 0;
}
