// SPDX-License-Identifier: MIT
//
// A library whose destructor, which runs after the program's, allocates and frees; see
// malloc_works_after_exit.c.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int exit_library_pipe = 0;

static void* held;

__attribute__((constructor)) static void allocate(void)
{
    held = malloc(12345);
}

__attribute__((destructor)) static void use_heap_at_the_end(void)
{
    free(held);
    for (size_t i = 0; i < 22; ++i) {
        char* block = malloc((size_t)20 << i);
        if (block == NULL) {
            return;
        }
        memset(block, 1, 20);
        free(block);
    }
    if (exit_library_pipe != 0 && write(exit_library_pipe, "l", 1) != 1) {
        abort();
    }
}
