// SPDX-License-Identifier: MIT
//
// Promise: limit=64m counts for every function that allocates; a realloc() that may not grow leaves
// the block as it was, and one that shrinks makes room. Runs with TARN_LIMIT=64m.

#include <malloc.h>

#include "tests/abi/check.h"

static void expect_refusal(const char* function, void* block)
{
    CHECK(block == NULL, "expected %s over the limit to return NULL, seen %p", function, block);
    CHECK(errno == ENOMEM, "expected %s to set ENOMEM, seen errno %d", function, errno);
    errno = 0;
}

int main(void)
{
    const size_t most = 60 * MIB;
    const size_t over = 10 * MIB;
    void* none = NULL;
    void* block = malloc(most);
    CHECK(block != NULL, "expected %zu MiB within the limit, seen NULL", most / MIB);
    memset(block, 1, 64);
    errno = 0;
    expect_refusal("malloc", malloc(over));
    expect_refusal("calloc", calloc(1, over));
    expect_refusal("realloc of NULL", realloc(NULL, over));
    expect_refusal("realloc", realloc(block, most + over));
    expect_refusal("reallocarray", reallocarray(block, 2, most));
    expect_refusal("memalign", memalign(4096, over));
    expect_refusal("aligned_alloc", aligned_alloc(64, over));
    expect_refusal("valloc", valloc(over));
    expect_refusal("pvalloc", pvalloc(over));
    CHECK(posix_memalign(&none, 64, over) == ENOMEM, "expected ENOMEM from posix_memalign");
    CHECK(*(char*)block == 1 && malloc_usable_size(block) >= most,
          "expected the block as it was, seen %zu usable bytes", malloc_usable_size(block));

    block = realloc(block, 20 * MIB);
    CHECK(block != NULL, "expected a shrinking realloc to succeed, seen NULL");
    void* second = malloc(30 * MIB);
    CHECK(second != NULL, "expected 30 MiB after shrinking to 20 MiB, seen NULL");
    free(second);
    block = realloc(block, 35 * MIB);
    CHECK(block != NULL, "expected room to grow again after a free, seen NULL");
    CHECK(*(char*)block == 1, "expected the contents kept, seen %d", *(char*)block);
    free(block);
    return 0;
}
