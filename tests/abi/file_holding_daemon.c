// SPDX-License-Identifier: MIT
//
// Run by option_stats_spares_the_programs_files.py: closes every descriptor, opens the file named
// by its argument on all of their numbers, uses the heap up to any limit, and exits.

#include "tests/abi/check.h"

int main(int argc, char** argv)
{
    static const char text[] = "the daemon's own data\n";
    enum { kDescriptors = 1024 };
    CHECK(argc == 2, "expected one argument: the file, seen %d", argc - 1);
    for (int fd = 0; fd < kDescriptors; ++fd) {
        close(fd);
    }
    const int file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
    for (int fd = 0; fd < kDescriptors; ++fd) {
        dup2(file, fd);
    }
    if (write(file, text, sizeof text - 1) != (ssize_t)(sizeof text - 1)) {
        return 3;
    }
    void* blocks[80];
    for (int i = 0; i < 80; ++i) {
        blocks[i] = malloc(MIB - 4096);
    }
    for (int i = 0; i < 80; ++i) {
        free(blocks[i]);
    }
    return 0;
}
