// SPDX-License-Identifier: MIT
//
// Promise: exec from a thread, with blocks live, starts a program that allocates like any other and
// still runs under the preload. 100 images in a row.

#include <dlfcn.h>

#include "tests/abi/check.h"

static char next_round[16];

static void* execute(void* program)
{
    for (size_t size = 1; size < 4 * MIB; size *= 3) {
        memset(malloc(size), 1, size);
    }
    execl("/proc/self/exe", program, next_round, (char*)NULL);
    CHECK(0, "expected exec to succeed, seen errno %d", errno);
    return NULL;
}

int main(int argc, char** argv)
{
    watchdog(60);
    const int round = argc > 1 ? atoi(argv[1]) : 0;
    const char* library = getenv("LD_PRELOAD");
    Dl_info info;
    CHECK(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0, "expected malloc inside a library");
    CHECK(library == NULL || strcmp(library, info.dli_fname) == 0,
          "expected malloc from %s in image %d, seen %s", library, round, info.dli_fname);
    if (round < 100) {
        snprintf(next_round, sizeof next_round, "%d", round + 1);
        join_thread(start_thread(execute, argv[0]));
    }
    return 0;
}
