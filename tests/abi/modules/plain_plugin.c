// SPDX-License-Identifier: MIT
//
// A plugin that allocates when it is loaded, used and unloaded; see
// dlopen_loop_keeps_memory_bounded.c.

#include <stdlib.h>
#include <string.h>

static void* held[16];

__attribute__((constructor)) static void allocate_tables(void)
{
    for (size_t i = 0; i < 16; ++i) {
        held[i] = malloc((size_t)16 << i);
        memset(held[i], 1, (size_t)16 << i);
    }
}

__attribute__((destructor)) static void free_tables(void)
{
    for (size_t i = 0; i < 16; ++i) {
        free(held[i]);
    }
}

int use_memory(int count)
{
    int good = 0;
    for (int i = 0; i < count; ++i) {
        char* text = malloc((size_t)i + 1);
        if (text != NULL) {
            memset(text, 'x', (size_t)i + 1);
            good += text[i] == 'x';
        }
        free(text);
    }
    return good;
}
