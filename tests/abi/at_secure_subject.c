// SPDX-License-Identifier: MIT
//
// Run set-group-ID by at_secure_programs_ignore_the_environment.py and linked with libtarn.so,
// since LD_PRELOAD does not reach such a program: uses the heap and prints "secure".

#include <dlfcn.h>
#include <sys/auxv.h>

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument: the library, seen %d", argc - 1);
    CHECK(getauxval(AT_SECURE) == 1,
          "expected AT_SECURE to be set (no nosuid file system), seen it unset");
    Dl_info info;
    CHECK(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0, "expected malloc inside a library");
    CHECK(strstr(info.dli_fname, argv[1]) != NULL, "expected malloc from %s, seen %s", argv[1],
          info.dli_fname);
    for (size_t size = 1; size < 8 * MIB; size *= 3) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(block, 1, size);
        free(block);
    }
    puts("secure");
    return 0;
}
