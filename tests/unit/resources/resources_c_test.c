/* SPDX-License-Identifier: MIT
 *
 * The C interface, compiled as C: exit status 0 means all of it holds.
 */
#include "tests/unit/resources/resources_c.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <tarn/resources.h>
#include <tarn/version.h>

static char misuse[32];
static unsigned misuses;

static void note_misuse(const struct tarn_misuse* what)
{
    ++misuses;
    snprintf(misuse, sizeof misuse, "%s", what->kind);
}

static void errors_have_texts(void)
{
    for (int error = TARN_ERROR_MISUSE - 1; error <= TARN_OK; ++error)
        for (int other = error + 1; other <= TARN_OK; ++other)
            EXPECT(strcmp(tarn_strerror(error), tarn_strerror(other)) != 0);
    EXPECT(strcmp(tarn_strerror(77), tarn_strerror(-77)) == 0);
    EXPECT(strcmp(tarn_resources_version(), TARN_VERSION) == 0);
}

static void a_pool_serves_until_it_is_empty(void)
{
    struct tarn_pool* pool;
    struct tarn_pool_options options = {
        .size = sizeof options, .block_size = 48, .alignment = 64, .blocks = 3, .is_fixed = 1};
    EXPECT(tarn_pool_create(&pool, &options) == TARN_OK);
    void* blocks[3];
    for (int i = 0; i < 3; ++i) {
        EXPECT(tarn_pool_allocate(pool, &blocks[i]) == TARN_OK);
        EXPECT(is_aligned(blocks[i], 64));
        memset(blocks[i], i, 48);
    }
    void* more = pool;
    EXPECT(tarn_pool_allocate(pool, &more) == TARN_ERROR_NO_MEMORY && more == NULL);
    EXPECT(tarn_pool_owns(pool, blocks[0]) == 1 && tarn_pool_owns(pool, &pool) == 0);
    EXPECT(tarn_pool_deallocate(pool, blocks[1]) == TARN_OK);
    EXPECT(tarn_pool_allocate(pool, &more) == TARN_OK && more == blocks[1]);
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_pool_get_statistics(pool, &statistics) == TARN_OK);
    EXPECT(statistics.allocations == 4 && statistics.deallocations == 1);
    EXPECT(statistics.failures == 1);
    tarn_pool_destroy(pool);

    options.alignment = 48;
    EXPECT(tarn_pool_create(&pool, &options) == TARN_ERROR_INVALID && pool == NULL);
    EXPECT(tarn_pool_create(&pool, NULL) == TARN_OK);
    for (int i = 0; i < 5000; ++i)
        EXPECT(tarn_pool_allocate(pool, &more) == TARN_OK);
    tarn_pool_destroy(pool);
}

static void a_checked_pool_tells_misuse_apart(void)
{
    struct tarn_pool* pool;
    const struct tarn_pool_options options = {.size = sizeof options, .is_checked = 1};
    EXPECT(tarn_pool_create(&pool, &options) == TARN_OK);
    tarn_set_misuse_handler(note_misuse);
    char* block;
    EXPECT(tarn_pool_allocate(pool, (void**)&block) == TARN_OK);
    EXPECT(tarn_pool_deallocate(pool, block + 8) == TARN_ERROR_MISUSE);
    EXPECT(strcmp(misuse, "address within a block") == 0);
    EXPECT(tarn_pool_deallocate(pool, &pool) == TARN_ERROR_MISUSE);
    EXPECT(strcmp(misuse, "address not owned") == 0);
    EXPECT(tarn_pool_deallocate(pool, block) == TARN_OK);
    EXPECT(tarn_pool_deallocate(pool, block) == TARN_ERROR_MISUSE);
    EXPECT(strcmp(misuse, "double free") == 0);
    EXPECT(misuses == 3);
    tarn_pool_destroy(pool);
    tarn_set_misuse_handler(NULL);
}

static void an_arena_goes_back_to_a_mark(void)
{
    struct tarn_arena* arena;
    EXPECT(tarn_arena_create(&arena, NULL) == TARN_OK);
    void* block;
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        EXPECT(tarn_arena_allocate(arena, 10, alignment, &block) == TARN_OK);
        EXPECT(is_aligned(block, alignment) && tarn_arena_owns(arena, block));
    }
    EXPECT(tarn_arena_allocate(arena, 10, 3, &block) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_allocate(arena, SIZE_MAX, 0, &block) == TARN_ERROR_NO_MEMORY);
    struct tarn_arena_mark mark;
    void* first;
    void* again;
    EXPECT(tarn_arena_get_mark(arena, &mark) == TARN_OK);
    EXPECT(tarn_arena_allocate(arena, 100, 0, &first) == TARN_OK);
    EXPECT(tarn_arena_rewind(arena, &mark) == TARN_OK);
    EXPECT(tarn_arena_allocate(arena, 100, 0, &again) == TARN_OK && again == first);
    EXPECT(tarn_arena_deallocate(arena, again, 100, 0) == TARN_OK);
    EXPECT(tarn_arena_reset(arena, 0) == TARN_OK);
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_arena_get_statistics(arena, &statistics) == TARN_OK);
    EXPECT(statistics.reserved == 0 && statistics.peak_reserved != 0);
    tarn_set_misuse_handler(note_misuse);
    EXPECT(tarn_arena_rewind(arena, &mark) == TARN_ERROR_MISUSE); /* of before the reset */
    tarn_set_misuse_handler(NULL);
    tarn_arena_destroy(arena);

    const struct tarn_arena_options options = {
        .size = sizeof options, .first = 1000, .percent = 100, .most = 1000, .limit = 10000};
    EXPECT(tarn_arena_create(&arena, &options) == TARN_OK);
    int served = 0;
    while (tarn_arena_allocate(arena, 100, 1, &block) == TARN_OK)
        ++served;
    EXPECT(served > 50 && served <= 100);
    tarn_arena_destroy(arena);
}

static void a_ring_wraps(void)
{
    struct tarn_ring* ring;
    struct tarn_ring_options options = {.size = sizeof options, .capacity = 8};
    EXPECT(tarn_ring_create(&ring, &options) == TARN_OK);
    char text[16];
    size_t done;
    EXPECT(tarn_ring_write(ring, "0123456789", 10, &done) == TARN_OK && done == 8);
    EXPECT(tarn_ring_read(ring, text, 6, &done) == TARN_OK && done == 6);
    EXPECT(tarn_ring_write(ring, "abc", 3, &done) == TARN_OK && done == 3);
    EXPECT(tarn_ring_peek(ring, text, sizeof text, &done) == TARN_OK && done == 5);
    EXPECT(memcmp(text, "67abc", 5) == 0);
    const void* data;
    EXPECT(tarn_ring_readable(ring, &data, &done) == TARN_OK && done == 2);
    EXPECT(memcmp(data, "67", 2) == 0);
    EXPECT(tarn_ring_consume(ring, 6) == TARN_ERROR_RANGE);
    EXPECT(tarn_ring_consume(ring, 5) == TARN_OK);
    EXPECT(tarn_ring_commit(ring, 9) == TARN_ERROR_RANGE);
    void* room;
    EXPECT(tarn_ring_writable(ring, &room, &done) == TARN_OK && done != 0);
    memcpy(room, "x", 1);
    EXPECT(tarn_ring_commit(ring, 1) == TARN_OK);
    EXPECT(tarn_ring_read(ring, text, sizeof text, &done) == TARN_OK && done == 1);
    EXPECT(text[0] == 'x');
    struct tarn_ring_statistics statistics;
    EXPECT(tarn_ring_get_statistics(ring, &statistics) == TARN_OK);
    EXPECT(statistics.written == 12 && statistics.read == 12 && statistics.refused == 2);
    EXPECT(statistics.capacity == 8 && statistics.available == 0 && statistics.high_water == 8);
    tarn_ring_destroy(ring);

    options.overflow = TARN_OVERWRITE;
    EXPECT(tarn_ring_create(&ring, &options) == TARN_OK);
    EXPECT(tarn_ring_write(ring, "0123456789", 10, &done) == TARN_OK && done == 10);
    EXPECT(tarn_ring_read(ring, text, sizeof text, &done) == TARN_OK && done == 8);
    EXPECT(memcmp(text, "23456789", 8) == 0);
    tarn_ring_destroy(ring);

    options.overflow = TARN_ALL_OR_NOTHING;
    EXPECT(tarn_ring_create(&ring, &options) == TARN_OK);
    EXPECT(tarn_ring_write(ring, "0123456789", 10, &done) == TARN_OK && done == 0);
    tarn_ring_destroy(ring);

    options.overflow = 7;
    EXPECT(tarn_ring_create(&ring, &options) == TARN_ERROR_INVALID);
    options.overflow = TARN_PARTIAL;
    options.capacity = SIZE_MAX; /* its sizes could not be calculated with */
    EXPECT(tarn_ring_create(&ring, &options) == TARN_ERROR_INVALID && ring == NULL);
}

static void frames_give_everything_back(void)
{
    struct tarn_frames* frames;
    const struct tarn_frames_options options = {.size = sizeof options, .limit = 1 << 20};
    EXPECT(tarn_frames_create(&frames, &options) == TARN_OK);
    EXPECT(tarn_frame_end(frames, NULL) == TARN_ERROR_ORDER);
    void* first = NULL;
    for (int i = 0; i < 100; ++i) {
        void* block;
        size_t bytes;
        EXPECT(tarn_frame_begin(frames) == TARN_OK);
        EXPECT(tarn_frame_begin(frames) == TARN_ERROR_ORDER);
        EXPECT(tarn_frame_allocate(frames, 1000, 64, &block) == TARN_OK && is_aligned(block, 64));
        EXPECT(first == NULL || block == first);
        first = block;
        EXPECT(tarn_frame_allocate(frames, 2 << 20, 0, &block) == TARN_ERROR_NO_MEMORY);
        EXPECT(tarn_frame_end(frames, &bytes) == TARN_OK && bytes >= 1000);
    }
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_frames_get_statistics(frames, &statistics) == TARN_OK);
    EXPECT(statistics.allocations == 100 && statistics.in_use == 0);
    tarn_frames_destroy(frames);
}

static void memory_comes_from_the_functions_of_the_program(void)
{
    struct counter counter = {.limit = 100000};
    struct tarn_upstream upstream = {counted_allocate, counted_deallocate, &counter};
    const struct tarn_pool_options of_pool = {.size = sizeof of_pool, .upstream = &upstream};
    const struct tarn_arena_options of_arena = {.size = sizeof of_arena, .upstream = &upstream};
    const struct tarn_ring_options of_ring = {
        .size = sizeof of_ring, .capacity = 50000, .upstream = &upstream};
    const struct tarn_frames_options of_frames = {
        .size = sizeof of_frames, .first = 4096, .upstream = &upstream};
    struct tarn_pool* pool;
    struct tarn_arena* arena;
    struct tarn_ring* ring;
    struct tarn_frames* frames;
    void* block;
    EXPECT(tarn_pool_create(&pool, &of_pool) == TARN_OK);
    while (tarn_pool_allocate(pool, &block) == TARN_OK)
        continue;
    EXPECT(counter.in_use > 60000);
    tarn_pool_destroy(pool);
    EXPECT(counter.in_use == 0);

    EXPECT(tarn_arena_create(&arena, &of_arena) == TARN_OK);
    EXPECT(tarn_arena_allocate(arena, 60000, 0, &block) == TARN_OK && counter.in_use >= 60000);
    EXPECT(tarn_arena_allocate(arena, 60000, 0, &block) == TARN_ERROR_NO_MEMORY);
    EXPECT(tarn_ring_create(&ring, &of_ring) == TARN_ERROR_NO_MEMORY && ring == NULL);
    tarn_arena_destroy(arena);
    EXPECT(tarn_ring_create(&ring, &of_ring) == TARN_OK && counter.in_use == 50000);
    tarn_ring_destroy(ring);

    EXPECT(tarn_frames_create(&frames, &of_frames) == TARN_OK);
    EXPECT(tarn_frame_begin(frames) == TARN_OK);
    EXPECT(tarn_frame_allocate(frames, 100, 0, &block) == TARN_OK && counter.in_use != 0);
    tarn_frames_destroy(frames);
    EXPECT(counter.in_use == 0);

    upstream.deallocate = NULL;
    EXPECT(tarn_pool_create(&pool, &of_pool) == TARN_ERROR_INVALID && pool == NULL);
}

static void options_of_an_older_program_are_known(void)
{
    struct tarn_arena_options options = {.first = 8192, .upstream = (void*)16};
    options.size = offsetof(struct tarn_arena_options, upstream); /* it had no upstream */
    struct tarn_arena* arena;
    void* block;
    EXPECT(tarn_arena_create(&arena, &options) == TARN_OK);
    EXPECT(tarn_arena_allocate(arena, 100, 0, &block) == TARN_OK);
    struct tarn_resource_statistics statistics;
    EXPECT(tarn_arena_get_statistics(arena, &statistics) == TARN_OK);
    EXPECT(statistics.reserved == 8192);
    tarn_arena_destroy(arena);
}

static void null_is_an_error_not_a_crash(void)
{
    void* block;
    size_t bytes;
    EXPECT(tarn_pool_create(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_pool_allocate(NULL, &block) == TARN_ERROR_INVALID);
    EXPECT(tarn_pool_deallocate(NULL, &block) == TARN_ERROR_INVALID);
    EXPECT(tarn_pool_owns(NULL, &block) == 0);
    EXPECT(tarn_pool_get_statistics(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_create(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_allocate(NULL, 1, 1, &block) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_deallocate(NULL, NULL, 1, 1) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_reset(NULL, 0) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_get_mark(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_arena_rewind(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_ring_create(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_ring_write(NULL, "", 1, &bytes) == TARN_ERROR_INVALID);
    EXPECT(tarn_ring_commit(NULL, 0) == TARN_ERROR_INVALID);
    EXPECT(tarn_frames_create(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_frame_begin(NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_frame_end(NULL, NULL) == TARN_ERROR_INVALID);
    EXPECT(tarn_frame_allocate(NULL, 1, 1, &block) == TARN_ERROR_INVALID);
    tarn_pool_destroy(NULL);
    tarn_arena_destroy(NULL);
    tarn_ring_destroy(NULL);
    tarn_frames_destroy(NULL);
}

int main(void)
{
    errors_have_texts();
    a_pool_serves_until_it_is_empty();
    a_checked_pool_tells_misuse_apart();
    an_arena_goes_back_to_a_mark();
    a_ring_wraps();
    frames_give_everything_back();
    memory_comes_from_the_functions_of_the_program();
    options_of_an_older_program_are_known();
    null_is_an_error_not_a_crash();
    return 0;
}
