// SPDX-License-Identifier: MIT
//
// Promise: a handler on an alternate stack of the recommended size (sysconf(_SC_SIGSTKSZ)) can
// allocate in every tier, even if that is the first allocation at all. A guard page below the stack
// tells an overflow.

#include <sys/mman.h>

#include "tests/abi/check.h"

static volatile sig_atomic_t handled;

static void allocate_in_handler(int number)
{
    (void)number;
    for (size_t size = 1; size <= 8 * MIB; size *= 4) {
        char* block = malloc(size);
        if (block == NULL) {
            _exit(3);
        }
        block[size - 1] = 1;
        free(block);
    }
    handled = 1;
}

int main(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = ((size_t)sysconf(_SC_SIGSTKSZ) + page - 1) / page * page;
    char* area =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED && mprotect(area, page, PROT_NONE) == 0, "expected a guarded stack");
    const stack_t stack = {.ss_sp = area + page, .ss_size = size};
    const struct sigaction action = {.sa_handler = allocate_in_handler, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(&stack, NULL) == 0, "expected sigaltstack to succeed, seen errno %d", errno);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0, "expected sigaction to succeed");
    const pid_t child = fork();
    if (child == 0) {
        raise(SIGUSR1);
        _exit(handled == 1 ? 0 : 4);
    }
    expect_success(child);
    return 0;
}
