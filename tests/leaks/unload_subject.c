// SPDX-License-Identifier: MIT
//
// Loads and unloads libraries by libc's own functions, as libc does it for iconv: nobody tells a
// preloaded library of that. Each loses a block. Then says where they were.
//
//      unload_subject FIRST SECOND

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void* (*libc_open)(const char*, int);
static int (*libc_close)(void*);

/// A function of a library; to `function`, because no pointer to data is one to a function.
static int find(void* library, const char* name, void* function)
{
    void* const found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/// Returns where the library was.
static void* use(const char* path, const char* name)
{
    void (*function)(void) = NULL;
    Dl_info place = {0};
    void* const library = libc_open(path, RTLD_NOW);
    if (library == NULL || !find(library, name, &function)) return NULL;
    function();
    dladdr(dlsym(library, name), &place);
    libc_close(library);
    return place.dli_fbase;
}

/// Overwrites what calls have left behind.
__attribute__((noinline)) static void clean(void)
{
    volatile char stack[16384];
    memset((char*)stack, 0, sizeof stack);
}

int main(int argc, char** argv)
{
    void* const libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    if (argc != 3 || libc == NULL || !find(libc, "dlopen", &libc_open) ||
        !find(libc, "dlclose", &libc_close))
        return 99;
    const void* const first = use(argv[1], "first");
    const void* const second = use(argv[2], "second");
    puts(first != NULL && first == second ? "one place" : "two places");
    fflush(stdout);
    clean();
    return 0;
}
