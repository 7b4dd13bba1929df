// SPDX-License-Identifier: MIT
//
// Two libraries of the same size that lose a block each, at different places in them.

#include <stdlib.h>

static void* volatile sink;

#ifdef SECOND
void second(void);

/// Nobody calls it; it moves what follows.
void unused(void);
void unused(void)
{
    for (int i = 0; i < 7; ++i) {
        sink = malloc((size_t)i);
    }
}

void second(void)
{
    sink = malloc(1113);
    sink = NULL;
}
#else
void first(void);

void first(void)
{
    sink = malloc(1111);
    sink = NULL;
}
#endif
