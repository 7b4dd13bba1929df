// SPDX-License-Identifier: MIT
//
// Promise: the program sees its environment as the kernel passed it: nothing added, removed or
// moved.

#include "tests/abi/check.h"

extern char** environ;

int main(void)
{
    free(malloc(100));
    static char text[256 * 1024];
    const int fd = open("/proc/self/environ", O_RDONLY);
    CHECK(fd >= 0, "expected to open /proc/self/environ, seen errno %d", errno);
    size_t length = 0;
    ssize_t got;
    while ((got = read(fd, text + length, sizeof text - 1 - length)) > 0) {
        length += (size_t)got;
    }
    close(fd);
    int count = 0;
    for (const char* entry = text; entry < text + length; entry += strlen(entry) + 1) {
        CHECK(environ[count] != NULL, "expected '%s', seen the end of environ", entry);
        CHECK(strcmp(environ[count], entry) == 0, "expected '%s', seen '%s'", entry,
              environ[count]);
        ++count;
    }
    CHECK(environ[count] == NULL, "expected the end of environ, seen '%s'", environ[count]);
    return 0;
}
