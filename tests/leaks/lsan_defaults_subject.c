// SPDX-License-Identifier: MIT
//
// Loses two blocks, and says something of them by what LeakSanitizer asks a program.
//
//      lsan_defaults_subject WHAT

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma weak __lsan_do_recoverable_leak_check
int __lsan_do_recoverable_leak_check(void);
extern const char* chosen;

static void* volatile sink;

__attribute__((noinline)) void loses_first(void)
{
    sink = malloc(100);
    sink = NULL;
}

__attribute__((noinline)) void loses_second(void)
{
    sink = malloc(200);
    sink = NULL;
}

/// Overwrites what calls have left behind.
__attribute__((noinline)) static void clean(void)
{
    volatile char stack[4096];
    memset((char*)stack, 0, sizeof stack);
}

int main(int argc, char** argv)
{
    if (argc > 1) chosen = argv[1];
    loses_first();
    loses_second();
    clean();
    if (strcmp(chosen, "off_but_asked") == 0) printf("%d\n", __lsan_do_recoverable_leak_check());
    return 0;
}
