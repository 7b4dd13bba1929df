/* SPDX-License-Identifier: MIT
 *
 * The C interface of what has blocks of any size, compiled as C: exit status 0 means all of it
 * holds.
 */
#include <tarn/resources.h>

#include "tests/unit/resources/resources_c.h"

static void a_heap_gives_everything_back(void)
{
    struct counter counter = {.limit = SIZE_MAX};
    const struct tarn_upstream upstream = {counted_allocate, counted_deallocate, &counter};
    const struct tarn_heap_options options = {.size = sizeof options, .upstream = &upstream};
    struct tarn_heap* heap;
    void* block;
    EXPECT(tarn_heap_create(&heap, &options) == TARN_OK);
    for (int turn = 0; turn < 2; ++turn) {
        for (size_t bytes = 0; bytes < 100000; bytes = bytes * 2 + 1) {
            EXPECT(tarn_heap_allocate(heap, bytes, 64, &block) == TARN_OK);
            EXPECT(is_aligned(block, 64) && tarn_heap_owns(heap, block) == 1);
        }
        EXPECT(tarn_heap_deallocate(heap, block, 65535, 64) == TARN_OK);
        EXPECT(tarn_heap_reset(heap) == TARN_OK && counter.in_use == 0);
    }
    EXPECT(tarn_heap_allocate(heap, 100, 3, &block) == TARN_ERROR_INVALID);
    EXPECT(tarn_heap_allocate(heap, SIZE_MAX, 0, &block) == TARN_ERROR_NO_MEMORY);
    EXPECT(tarn_heap_allocate(heap, 100, 0, &block) == TARN_OK);
    EXPECT(tarn_heap_deallocate(heap, block, 100, 0) == TARN_OK && counter.in_use == 65536);
    size_t bytes = 0;
    EXPECT(tarn_heap_trim(heap, &bytes) == TARN_OK && bytes > 65000 && counter.in_use == 0);
    EXPECT(tarn_heap_allocate(heap, 100, 0, &block) == TARN_OK);
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_heap_get_statistics(heap, &statistics) == TARN_OK);
    EXPECT(statistics.reserved == counter.in_use && statistics.in_use == 112);
    tarn_heap_destroy(heap);
    EXPECT(counter.in_use == 0);
    const struct tarn_heap_options wrong = {.size = sizeof wrong, .largest = 1 << 20};
    EXPECT(tarn_heap_create(&heap, &wrong) == TARN_ERROR_INVALID && heap == NULL);
}

static void a_cached_pool_trims(void)
{
    struct counter counter = {.limit = SIZE_MAX};
    const struct tarn_upstream upstream = {counted_allocate, counted_deallocate, &counter};
    const struct tarn_cached_pool_options options = {
        .size = sizeof options, .chunk = 1 << 14, .upstream = &upstream};
    struct tarn_cached_pool* pool;
    void* block;
    EXPECT(tarn_cached_pool_create(&pool, &options) == TARN_OK);
    EXPECT(tarn_cached_pool_allocate(pool, 100, 0, &block) == TARN_OK);
    EXPECT(tarn_cached_pool_owns(pool, block) == 1 && counter.in_use == 1 << 14);
    EXPECT(tarn_cached_pool_deallocate(pool, block, 100, 0) == TARN_OK);
    EXPECT(tarn_cached_pool_flush(pool) == TARN_OK);
    EXPECT(tarn_cached_pool_trim(pool, NULL) == TARN_OK && counter.in_use == 0);
    EXPECT(tarn_cached_pool_allocate(pool, 100, 0, &block) == TARN_OK);
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_cached_pool_get_statistics(pool, &statistics) == TARN_OK);
    EXPECT(statistics.allocations == 2 && statistics.deallocations == 1);
    tarn_cached_pool_destroy(pool);
    EXPECT(counter.in_use == 0);
}

static void slabs_release(void)
{
    struct counter counter = {.limit = SIZE_MAX};
    const struct tarn_upstream upstream = {counted_allocate, counted_deallocate, &counter};
    struct tarn_slabs_options options = {
        .size = sizeof options, .slab = 4096, .is_doubling = 1, .upstream = &upstream};
    struct tarn_slabs* slabs;
    void* block;
    EXPECT(tarn_slabs_create(&slabs, &options) == TARN_OK);
    EXPECT(tarn_slabs_allocate(slabs, 129, 0, &block) == TARN_OK);
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_slabs_get_statistics(slabs, &statistics) == TARN_OK);
    EXPECT(statistics.in_use == 256 && counter.in_use == 4096);
    EXPECT(tarn_slabs_owns(slabs, block) == 1);
    EXPECT(tarn_slabs_deallocate(slabs, block, 129, 0) == TARN_OK);
    EXPECT(tarn_slabs_release(slabs) == TARN_OK && counter.in_use == 0);
    tarn_slabs_destroy(slabs);
    options.slab = 5000;
    EXPECT(tarn_slabs_create(&slabs, &options) == TARN_ERROR_INVALID);
}

static void null_is_an_error_not_a_crash(void)
{
    void* block;
    size_t bytes;
    EXPECT(tarn_heap_create(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_heap_allocate(NULL, 1, 1, &block) == TARN_ERROR_INVALID);
    EXPECT(tarn_heap_deallocate(NULL, &block, 1, 1) == TARN_ERROR_INVALID);
    EXPECT(tarn_heap_reset(NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_heap_trim(NULL, &bytes) == TARN_ERROR_INVALID);
    EXPECT(tarn_heap_get_statistics(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_cached_pool_flush(NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_slabs_release(NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_slabs_owns(NULL, &block) == 0);
    tarn_heap_destroy(NULL);
    tarn_cached_pool_destroy(NULL);
    tarn_slabs_destroy(NULL);
}

int main(void)
{
    a_heap_gives_everything_back();
    a_cached_pool_trims();
    slabs_release();
    null_is_an_error_not_a_crash();
    return 0;
}
