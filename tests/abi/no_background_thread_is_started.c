// SPDX-License-Identifier: MIT
//
// Promise: the allocator starts no thread of its own: a helper thread breaks unshare(), setns(),
// signal routing and every program that counts its threads.

#include <dirent.h>

#include "tests/abi/check.h"

static int count_threads(void)
{
    DIR* directory = opendir("/proc/self/task");
    CHECK(directory != NULL, "expected to open /proc/self/task, seen errno %d", errno);
    int count = 0;
    const struct dirent* entry;
    while ((entry = readdir(directory)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

int main(void)
{
    for (int round = 0; round < 50; ++round) {
        for (size_t size = 1; size <= 32 * MIB; size *= 3) {
            void* block = malloc(size);
            CHECK(block != NULL, "expected malloc(%zu) to succeed, seen NULL", size);
            memset(block, 1, size < 64 * KIB ? size : 64 * KIB);
            free(block);
        }
    }
    CHECK(count_threads() == 1, "expected 1 thread, seen %d", count_threads());
    return 0;
}
