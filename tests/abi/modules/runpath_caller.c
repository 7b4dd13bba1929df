// SPDX-License-Identifier: MIT
//
// A library with RUNPATH $ORIGIN/inner that loads another one by its bare name; see
// dlopen_finds_the_callers_runpath.c.

#include <dlfcn.h>
#include <stddef.h>

static const char* load(int flags)
{
    dlerror();
    void* library = dlopen("libabi_runpath_target.so", flags);
    if (library == NULL) {
        return dlerror();
    }
    const char* error = dlsym(library, "runpath_target") == NULL ? dlerror() : NULL;
    dlclose(library);
    return error;
}

// Returns NULL, or what went wrong.
const char* load_by_bare_name(int flags)
{
    const char* error = load(flags);
    return error != NULL ? error : load(flags | RTLD_DEEPBIND);
}
