// SPDX-License-Identifier: MIT
//
// Promise: glibc's own memory that is passed to free() really goes back to glibc, from small blocks
// to mapped ones, in main and in threads: ignoring it would leak in every RTLD_DEEPBIND program.

#include "tests/abi/check.h"

extern void* __libc_malloc(size_t size);

static void* allocate_and_free(void* unused)
{
    const size_t sizes[] = {40, 3000, 100 * KIB, 400 * KIB};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        // Foreign memory costs a system call or two: not as many rounds as elsewhere.
        const size_t total = sizes[i] < KIB ? 4 * MIB : 64 * MIB;
        for (size_t bytes = 0; bytes < total; bytes += sizes[i]) {
            void* block = __libc_malloc(sizes[i]);
            CHECK(block != NULL, "expected __libc_malloc(%zu) to succeed, seen NULL", sizes[i]);
            memset(block, 1, sizes[i]);
            free(block);
        }
    }
    return unused;
}

int main(void)
{
    watchdog(60);
    const size_t before = resident_bytes();
    allocate_and_free(NULL);
    join_thread(start_thread(allocate_and_free, NULL));
    const size_t after = resident_bytes();
    CHECK(after < before + 3 * MIB, "expected 392 MiB to be freed, seen %zu MiB more resident",
          (after - before) / MIB);
    return 0;
}
