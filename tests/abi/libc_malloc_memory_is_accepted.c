// SPDX-License-Identifier: MIT
//
// Promise: memory of glibc's own __libc_malloc family, from its main arena, a thread's arena and
// mapped blocks, can be passed to free, realloc and malloc_usable_size.

#include <malloc.h>

#include "tests/abi/check.h"

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

static void* allocate(int function, size_t size)
{
    switch (function) {
    case 0:
        return __libc_malloc(size);
    case 1:
        return __libc_calloc(1, size);
    default:
        return __libc_memalign(4096, size);
    }
}

static void check_size(int function, size_t size)
{
    void* first = allocate(function, size);
    void* second = allocate(function, size);
    void* third = allocate(function, size);
    CHECK(first != NULL && second != NULL && third != NULL,
          "expected __libc_malloc(%zu), seen NULL", size);
    CHECK(malloc_usable_size(first) >= size, "expected %zu usable bytes, seen %zu", size,
          malloc_usable_size(first));
    fill(first, size, 1);
    fill(second, size, 2);
    free(third);
    second = realloc(second, size * 2);
    CHECK(second != NULL, "expected realloc to %zu to succeed, seen NULL", size * 2);
    CHECK_FILLED(second, size, 2);
    second = realloc(second, size / 2 + 1);
    CHECK_FILLED(second, size / 2 + 1, 2);
    CHECK_FILLED(first, size, 1);
    errno = 4711;
    free(first);
    free(second);
    CHECK(errno == 4711, "expected errno untouched at 4711, seen %d", errno);
    CHECK(realloc(allocate(function, size), opaque_size(0)) == NULL,
          "expected realloc(p, 0) to free and return NULL");
}

static void* check_all(void* unused)
{
    for (int function = 0; function < 3; ++function) {
        for (size_t size = 1; size <= 9 * MIB; size = size * 7 / 4 + 1) {
            check_size(function, size);
        }
    }
    return unused;
}

static void* allocate_for_another(void* unused)
{
    (void)unused;
    return __libc_malloc(3000);
}

int main(void)
{
    check_all(NULL);
    join_thread(start_thread(check_all, NULL));
    for (int i = 0; i < 100; ++i) {
        void* block = NULL;
        pthread_join(start_thread(allocate_for_another, NULL), &block);
        CHECK(block != NULL, "expected __libc_malloc in a thread to succeed, seen NULL");
        memset(block, 1, 3000);
        free(block);
    }
    return 0;
}
