/* SPDX-License-Identifier: MIT
 *
 * What the tests of the C interface share.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition)                                                                          \
    ((condition) ? (void)0                                                                         \
                 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), exit(1)))

static inline int is_aligned(const void* address, size_t alignment)
{
    return (uintptr_t)address % alignment == 0;
}

/* Malloc, with a count of bytes and a limit. */
struct counter {
    size_t in_use, limit;
};

static inline void* counted_allocate(void* context, size_t bytes, size_t alignment)
{
    struct counter* const counter = context;
    if (bytes > counter->limit - counter->in_use) return NULL;
    const size_t strict = alignment < sizeof(void*) ? sizeof(void*) : alignment;
    counter->in_use += bytes;
    return aligned_alloc(strict, (bytes + strict - 1) / strict * strict);
}

static inline void counted_deallocate(void* context, void* block, size_t bytes, size_t alignment)
{
    struct counter* const counter = context;
    EXPECT(is_aligned(block, alignment) && bytes <= counter->in_use);
    counter->in_use -= bytes;
    free(block);
}
