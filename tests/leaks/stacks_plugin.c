// SPDX-License-Identifier: MIT

#include <stdlib.h>

void FUNCTION(void);

void* volatile sink;

void FUNCTION(void)
{
    sink = malloc(SIZE);
    sink = NULL;
}
