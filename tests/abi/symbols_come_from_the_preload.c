// SPDX-License-Identifier: MIT
//
// Promise: every malloc symbol and every operator new/delete that a program can ask for resolves to
// the preloaded library. One that is missing would send its memory to another allocator.

#include <dlfcn.h>

#include "tests/abi/check.h"

static const char* const kSymbols[] = {
    "malloc",
    "free",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
    "free_sized",
    "free_aligned_sized",
    "cfree",
    "malloc_trim",
    "malloc_stats",
    "malloc_info",
    "mallinfo",
    "mallinfo2",
    "mallopt",
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
};

int main(void)
{
    const char* library = getenv("LD_PRELOAD");
    CHECK(library != NULL && library[0] != '\0', "expected LD_PRELOAD to be set, seen nothing");
    for (size_t i = 0; i < sizeof kSymbols / sizeof kSymbols[0]; ++i) {
        void* address = dlsym(RTLD_DEFAULT, kSymbols[i]);
        CHECK(address != NULL, "expected %s to exist, seen no such symbol", kSymbols[i]);
        Dl_info info;
        CHECK(dladdr(address, &info) != 0, "expected %s inside a library, seen %p", kSymbols[i],
              address);
        CHECK(strcmp(info.dli_fname, library) == 0, "expected %s in %s, seen it in %s", kSymbols[i],
              library, info.dli_fname);
    }
    return 0;
}
