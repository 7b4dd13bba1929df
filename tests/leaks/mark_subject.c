// SPDX-License-Identifier: MIT
//
// Loses memory before and after a mark:
//
//      mark_subject mark | report
//
// before: 3 blocks of 1000 bytes, and one that is kept. Then it sets a mark, or asks for a report.
// after: 2 blocks of 500 bytes, each with one of 50; and what is kept grows and is lost.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tarn/malloc.h>

static void* kept;

/// Overwrites what calls have left on the stack.
__attribute__((noinline)) static void forget(void)
{
    volatile char waste[16384];
    memset((char*)waste, 0, sizeof waste);
}

__attribute__((noinline)) static void before(void)
{
    for (int i = 0; i < 3; ++i) {
        memset(malloc(1000), 1, 1000);
    }
    kept = malloc(10);
}

__attribute__((noinline)) static void after(void)
{
    for (int i = 0; i < 2; ++i) {
        void* volatile* const outer = calloc(1, 500); // or the store would be left out
        outer[5] = calloc(1, 50);
    }
    memset(realloc(kept, 20000), 1, 20000);
    kept = NULL;
}

int main(int argc, char** argv)
{
    before();
    forget();
    if (argc > 1 && strcmp(argv[1], "mark") == 0) {
        printf("mark %d\n", tarn_leaks_mark != NULL ? tarn_leaks_mark() : -2);
    } else {
        printf("lost %d\n", tarn_report_leaks());
    }
    fflush(stdout);
    after();
    forget();
    return 0;
}
