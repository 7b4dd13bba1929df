// SPDX-License-Identifier: MIT
//
// Promise: malloc, free and their family are no cancellation points (POSIX lists none of them): a
// thread with a pending pthread_cancel() gets through them and keeps what it was about to clean up.

#include <malloc.h>

#include "tests/abi/check.h"

static const char* volatile reached = "nothing";

static void* allocate_with_cancel_pending(void* unused)
{
    pthread_cancel(pthread_self());
    for (size_t size = 1; size <= 64 * MIB; size = size * 2 + 1) {
        void* block = malloc(size);
        block = realloc(block, size * 2);
        free(block);
        free(calloc(1, size));
        free(memalign(4096, size));
    }
    free(malloc(opaque_size(SIZE_MAX / 2)));
    reached = "malloc and free";
    malloc_trim(0);
    reached = "malloc_trim";
    (void)mallinfo2();
    reached = "mallinfo2";
    pthread_testcancel();
    return unused;
}

int main(void)
{
    void* result = NULL;
    pthread_t thread = start_thread(allocate_with_cancel_pending, NULL);
    CHECK(pthread_join(thread, &result) == 0, "expected to join the thread");
    CHECK(strcmp(reached, "mallinfo2") == 0,
          "expected the thread to get through mallinfo2, seen it cancelled after %s", reached);
    CHECK(result == PTHREAD_CANCELED, "expected it cancelled at the end, seen %p", result);
    return 0;
}
