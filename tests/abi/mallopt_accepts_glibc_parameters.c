// SPDX-License-Identifier: MIT
//
// Promise: mallopt() returns 1 for every parameter that glibc documents, and allocation goes on as
// before: programs tune malloc at start and some treat 0 as fatal.

#include <malloc.h>

#include "tests/abi/check.h"

struct Setting {
    const char* name;
    int parameter;
    int value;
};

static const struct Setting kSettings[] = {
    {"M_MXFAST", M_MXFAST, 64},
    {"M_TRIM_THRESHOLD", M_TRIM_THRESHOLD, 128 * 1024},
    {"M_TOP_PAD", M_TOP_PAD, 64 * 1024},
    {"M_MMAP_THRESHOLD", M_MMAP_THRESHOLD, 256 * 1024},
    {"M_MMAP_MAX", M_MMAP_MAX, 1000},
    {"M_MMAP_MAX of 0", M_MMAP_MAX, 0},
    {"M_CHECK_ACTION", M_CHECK_ACTION, 3},
    {"M_PERTURB", M_PERTURB, 0xa5},
    {"M_PERTURB of 0", M_PERTURB, 0},
    {"M_ARENA_TEST", M_ARENA_TEST, 2},
    {"M_ARENA_MAX", M_ARENA_MAX, 1},
    {"M_MXFAST of 0", M_MXFAST, 0},
    {"M_TRIM_THRESHOLD of -1", M_TRIM_THRESHOLD, -1},
};

int main(void)
{
    for (size_t i = 0; i < sizeof kSettings / sizeof kSettings[0]; ++i) {
        errno = 4711;
        const int answer = mallopt(kSettings[i].parameter, kSettings[i].value);
        CHECK(answer == 1, "expected mallopt(%s) to return 1, seen %d", kSettings[i].name, answer);
        CHECK(errno == 4711, "expected errno untouched, seen %d", errno);
        for (size_t size = 1; size <= 4 * MIB; size *= 8) {
            void* block = malloc(size);
            CHECK(block != NULL, "expected malloc(%zu) after mallopt(%s), seen NULL", size,
                  kSettings[i].name);
            memset(block, 1, size);
            free(block);
        }
    }
    return 0;
}
