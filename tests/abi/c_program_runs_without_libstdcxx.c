// SPDX-License-Identifier: MIT
//
// Promise: a C program starts under the preload and gets no C++ library mapped into it for that.

#include "tests/abi/check.h"

int main(void)
{
    static char text[256 * 1024];
    free(malloc(100));
    const int fd = open("/proc/self/maps", O_RDONLY);
    size_t length = 0;
    ssize_t got;
    while ((got = read(fd, text + length, sizeof text - 1 - length)) > 0) {
        length += (size_t)got;
    }
    close(fd);
    CHECK(strstr(text, "libc.so") != NULL, "expected libc in the map, seen %zu bytes without it",
          length);
    CHECK(strstr(text, "libstdc++") == NULL,
          "expected no libstdc++ in a C program, seen it mapped");
    CHECK(strstr(text, "libgcc_s") == NULL, "expected no libgcc_s in a C program, seen it mapped");
    return 0;
}
