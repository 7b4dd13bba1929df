// SPDX-License-Identifier: MIT
//
// Promise: with the budget of limit=64m used up threads still start and end, or pthread_create()
// returns EAGAIN, and their malloc returns NULL with ENOMEM; afterwards all is usable again. Runs
// with TARN_LIMIT=64m.

#include "tests/abi/check.h"

static void* expect_null(void* unused)
{
    errno = 0;
    void* block = malloc(1 * MIB);
    CHECK(block == NULL && errno == ENOMEM, "expected NULL and ENOMEM, seen %p and errno %d", block,
          errno);
    return unused;
}

static void* expect_memory(void* unused)
{
    void* block = malloc(8 * MIB);
    CHECK(block != NULL, "expected 8 MiB once the budget is free, seen NULL");
    free(block);
    return unused;
}

int main(void)
{
    watchdog(60);
    void** list = NULL;
    size_t bytes = 0;
    for (size_t size = 1 * MIB; size >= 64; size /= 4) {
        void** block;
        while ((block = malloc(size)) != NULL) {
            bytes += size;
            CHECK(bytes <= 64 * MIB, "expected NULL within 64 MiB, seen %zu bytes given", bytes);
            *block = list;
            list = block;
        }
    }
    for (int i = 0; i < 100; ++i) {
        pthread_t thread;
        const int error = pthread_create(&thread, NULL, expect_null, NULL);
        CHECK(error == 0 || error == EAGAIN, "expected 0 or EAGAIN, seen %d", error);
        if (error == 0) {
            join_thread(thread);
        }
    }
    while (list != NULL) {
        void** next = *list;
        free(list);
        list = next;
    }
    for (int i = 0; i < 20; ++i) {
        join_thread(start_thread(expect_memory, NULL));
    }
    return 0;
}
