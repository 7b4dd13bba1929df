// SPDX-License-Identifier: MIT
//
// Promise: malloc_info() with options other than 0 is an error and writes nothing, as in glibc.

#include <malloc.h>

#include "tests/abi/check.h"

int main(void)
{
    FILE* file = tmpfile();
    CHECK(file != NULL, "expected tmpfile to succeed, seen errno %d", errno);
    const int answer = malloc_info(1, file);
    CHECK(answer != 0, "expected malloc_info(1, file) to fail, seen 0");
    CHECK(fflush(file) == 0 && ftell(file) == 0, "expected nothing written, seen %ld bytes",
          ftell(file));
    fclose(file);
    return 0;
}
