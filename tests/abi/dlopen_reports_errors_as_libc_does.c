// SPDX-License-Identifier: MIT
//
// Promise: dlopen() through the preload answers as libc's does: the program itself for NULL,
// RTLD_NOLOAD, and NULL with a dlerror() text that names the file.

#include <dlfcn.h>

#include "tests/abi/check.h"

int main(void)
{
    const int flags[] = {RTLD_NOW, RTLD_LAZY, RTLD_NOW | RTLD_DEEPBIND};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; ++i) {
        void* self = dlopen(NULL, flags[i]);
        CHECK(self != NULL && dlsym(self, "malloc") != NULL,
              "expected malloc through dlopen(NULL), seen %s", dlerror());
        CHECK(dlopen("libno-such-library.so.9", flags[i]) == NULL, "expected NULL, seen a handle");
        const char* error = dlerror();
        CHECK(error != NULL && strstr(error, "libno-such-library.so.9") != NULL,
              "expected a text that names the library, seen %s", error);
        CHECK(dlerror() == NULL, "expected the error to be told once, seen it again");
    }
    void* loaded = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    CHECK(loaded != NULL, "expected libc to be loaded already, seen %s", dlerror());
    CHECK(dlopen("libresolv.so.2", RTLD_NOW | RTLD_NOLOAD) == NULL,
          "expected RTLD_NOLOAD not to load, seen a handle");
    CHECK(dlopen("libc.so.6", 0) == NULL && dlerror() != NULL,
          "expected a mode without LAZY or NOW to be an error");
    return 0;
}
