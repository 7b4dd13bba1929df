// SPDX-License-Identifier: MIT
//
// Loses a block of 333 bytes behind calls that are found in different ways: by unwind tables, by
// frame pointers or by both, as it is compiled; and behind code without a file.
//
//      unwind_subject directly     main, outer, middle, inner
//      unwind_subject generated    main, outer, code that was made at run time, middle, inner
//      unwind_subject signal       the same as directly, in a signal handler

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOINLINE __attribute__((noinline))
#define BEHIND_THE_CALL __asm__ volatile("")

static void* volatile sink;

NOINLINE static void inner(void)
{
    sink = malloc(333);
    sink = NULL;
    BEHIND_THE_CALL;
}

NOINLINE static void middle(void)
{
    inner();
    BEHIND_THE_CALL;
}

typedef void Call(void (*)(void));

NOINLINE static void outer(Call* call)
{
    call(middle);
    BEHIND_THE_CALL;
}

NOINLINE static void directly(void (*function)(void))
{
    function();
    BEHIND_THE_CALL;
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    outer(directly);
    BEHIND_THE_CALL;
}

/// push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret
static Call* generate(void)
{
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xE5, 0xFF, 0xD7, 0x5D, 0xC3};
    unsigned char* const page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        exit(3);
    }
    memcpy(page + 64, code, sizeof code);
    if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0) {
        exit(3);
    }
    union {
        unsigned char* bytes;
        Call* call;
    } made = {page + 64};
    return made.call;
}

int main(int argc, char** argv)
{
    const char* const how = argc == 2 ? argv[1] : "";
    if (strcmp(how, "signal") == 0) {
        signal(SIGUSR1, on_signal);
        raise(SIGUSR1);
    } else if (strcmp(how, "generated") == 0) {
        outer(generate());
    } else {
        outer(directly);
    }
    BEHIND_THE_CALL;
    return 0;
}
