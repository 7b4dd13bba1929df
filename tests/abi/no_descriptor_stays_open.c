// SPDX-License-Identifier: MIT
//
// Promise: the allocator keeps no file open: programs rely on the numbers of their first
// descriptors.

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    if (argc == 1) {
        // Start again with nothing but the three standard descriptors.
        for (int fd = 3; fd < 1024; ++fd) {
            close(fd);
        }
        execl("/proc/self/exe", argv[0], "again", (char*)NULL);
        CHECK(0, "expected exec to succeed, seen errno %d", errno);
    }
    for (size_t size = 1; size <= 32 * MIB; size *= 3) {
        void* block = malloc(size);
        CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
        memset(block, 1, size < 64 * KIB ? size : 64 * KIB);
        free(block);
    }
    const int fd = open("/dev/null", O_RDONLY);
    CHECK(fd == 3, "expected 3 to be the first free descriptor, seen %d", fd);
    for (int other = 4; other < 1024; ++other) {
        CHECK(fcntl(other, F_GETFD) < 0, "expected no other descriptor, seen %d open", other);
    }
    return 0;
}
