// SPDX-License-Identifier: MIT
//
// A plugin that hands memory to the program and takes memory from it; loaded with RTLD_DEEPBIND by
// deepbind_memory_crosses_over.c and deepbind_keep_leaves_glibc_memory_freeable.c.

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void* plugin_malloc(size_t size)
{
    return malloc(size);
}

void* plugin_realloc(void* block, size_t size)
{
    return realloc(block, size);
}

void plugin_free(void* block)
{
    free(block);
}

size_t plugin_usable_size(void* block)
{
    return malloc_usable_size(block);
}

char* plugin_strdup(const char* text)
{
    return strdup(text);
}

char* plugin_asprintf(int number)
{
    char* text = NULL;
    return asprintf(&text, "number %d", number) > 0 ? text : NULL;
}

int plugin_frees_its_strdup(void)
{
    char* text = strdup("allocated inside libc, freed by the plugin");
    char* formatted = plugin_asprintf(7);
    const int good = text != NULL && formatted != NULL;
    free(formatted);
    free(text);
    return good;
}
