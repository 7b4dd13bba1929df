/* SPDX-License-Identifier: MIT
 *
 * C interface of libtarn_alloc: pools, arenas, rings and frames, for C11 and what can call it.
 *
 *     struct tarn_arena* arena;
 *     if (tarn_arena_create(&arena, NULL) != TARN_OK) ...
 *     void* block;
 *     int error = tarn_arena_allocate(arena, 100, 0, &block);
 *     if (error != TARN_OK) puts(tarn_strerror(error));
 *     tarn_arena_destroy(arena);
 *
 * Functions return TARN_OK or an error, and never throw. A handle or place that is NULL is
 * TARN_ERROR_INVALID; destroying NULL does nothing. Sizes are bytes, and zero counts as one.
 * Options that are NULL or zero are those by default. One thread at a time for each handle, except
 * of frames; different handles do not know of each other. All memory comes from malloc.
 */
#ifndef TARN_RESOURCES_H
#define TARN_RESOURCES_H

#include <stddef.h> /* NOLINT(modernize-deprecated-headers): for C, too */
#include <stdint.h> /* NOLINT(modernize-deprecated-headers): for C, too */

#include <tarn/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(readability-identifier-naming, modernize-use-using): names of C */

enum tarn_error {
    TARN_OK = 0,
    TARN_ERROR_NO_MEMORY = -1, /* or beyond a limit, or all blocks of a pool are in use */
    TARN_ERROR_INVALID = -2,   /* an argument that is never right */
    TARN_ERROR_RANGE = -3,     /* more than there is; nothing has changed */
    TARN_ERROR_ORDER = -4,     /* there is a frame already, or none; nothing has changed */
    TARN_ERROR_MISUSE = -5     /* was reported to the handler, which returned */
};

/* A constant text, also for numbers that are no error. */
TARN_API const char* tarn_strerror(int error);

/* Misuse of blocks. Found where `checked` is set, as far as the kind needs that. */
struct tarn_misuse {
    const char* kind;     /* "double free": as of name_of() in <tarn/misuse.h> */
    const char* resource; /* "pool" */
    const void* address;
    size_t size;     /* as the caller says; 0: nothing */
    size_t expected; /* as the resource knows */
};
typedef void (*tarn_misuse_handler)(const struct tarn_misuse* misuse);

/* Sets the handler of the process; NULL: print one line and abort. If it returns, so does the call
 * that was misuse, having done nothing, with TARN_ERROR_MISUSE. Any thread at any time. */
TARN_API void tarn_set_misuse_handler(tarn_misuse_handler handler);

/* As ResourceStatistics of <tarn/resource.h>. */
struct tarn_resource_statistics {
    uint64_t allocations;
    uint64_t deallocations;
    uint64_t failures;
    size_t in_use;
    size_t peak_in_use;
    size_t reserved;
    size_t peak_reserved;
    size_t wasted;
};

/* Blocks of one size. */
struct tarn_pool;
struct tarn_pool_options {
    size_t size;       /* set by the caller to sizeof(struct tarn_pool_options) */
    size_t block_size; /* 0: 64 */
    size_t alignment;  /* 0: that of max_align_t */
    size_t blocks;     /* at first; 0: 1024 */
    int is_fixed;      /* no more blocks than those */
    int is_checked;    /* misuse is reported; a call costs about 100 ns then */
};
TARN_API int tarn_pool_create(struct tarn_pool** pool, const struct tarn_pool_options* options);
/* Gives all blocks back. */
TARN_API void tarn_pool_destroy(struct tarn_pool* pool);
TARN_API int tarn_pool_allocate(struct tarn_pool* pool, void** block);
/* NULL is nothing to give back. */
TARN_API int tarn_pool_deallocate(struct tarn_pool* pool, void* block);
/* 1: the address lies in a block of it. */
TARN_API int tarn_pool_owns(const struct tarn_pool* pool, const void* address);
TARN_API int tarn_pool_get_statistics(const struct tarn_pool* pool,
                                      struct tarn_resource_statistics* statistics);

/* Blocks that are given back all at once. */
struct tarn_arena;
struct tarn_arena_options {
    size_t size;      /* set by the caller to sizeof(struct tarn_arena_options) */
    size_t first;     /* chunk; 0: 4 KiB */
    unsigned percent; /* of the chunk before; 0: 150 */
    size_t most;      /* bytes of a chunk; 0: 16 MiB */
    size_t limit;     /* of all chunks; 0: none */
    int is_checked;
};
TARN_API int tarn_arena_create(struct tarn_arena** arena, const struct tarn_arena_options* options);
TARN_API void tarn_arena_destroy(struct tarn_arena* arena);
/* Alignment 0: that of max_align_t. */
TARN_API int tarn_arena_allocate(struct tarn_arena* arena, size_t bytes, size_t alignment,
                                 void** block);
/* Gives the block back if it was the last one; else it waits for a reset. */
TARN_API int tarn_arena_deallocate(struct tarn_arena* arena, void* block, size_t bytes,
                                   size_t alignment);
/* Takes everything back, and keeps at most `keep` bytes of chunks. */
TARN_API int tarn_arena_reset(struct tarn_arena* arena, size_t keep);
/* A moment to go back to. */
struct tarn_arena_mark {
    uint64_t words[10];
};
TARN_API int tarn_arena_get_mark(struct tarn_arena* arena, struct tarn_arena_mark* mark);
TARN_API int tarn_arena_rewind(struct tarn_arena* arena, const struct tarn_arena_mark* mark);
TARN_API int tarn_arena_owns(const struct tarn_arena* arena, const void* address);
TARN_API int tarn_arena_get_statistics(const struct tarn_arena* arena,
                                       struct tarn_resource_statistics* statistics);

/* Bytes: first in, first out. */
struct tarn_ring;
enum tarn_overflow { TARN_PARTIAL, TARN_ALL_OR_NOTHING, TARN_OVERWRITE };
struct tarn_ring_options {
    size_t size;     /* set by the caller to sizeof(struct tarn_ring_options) */
    size_t capacity; /* 0: 64 KiB */
    int overflow;    /* enum tarn_overflow */
};
TARN_API int tarn_ring_create(struct tarn_ring** ring, const struct tarn_ring_options* options);
TARN_API void tarn_ring_destroy(struct tarn_ring* ring);
/* `done`: how many bytes; with 0 of them it is TARN_OK, too. */
TARN_API int tarn_ring_write(struct tarn_ring* ring, const void* data, size_t bytes, size_t* done);
TARN_API int tarn_ring_read(struct tarn_ring* ring, void* data, size_t bytes, size_t* done);
/* As read, and removes nothing. */
TARN_API int tarn_ring_peek(const struct tarn_ring* ring, void* data, size_t bytes, size_t* done);
/* What there is, and what is free, in place, up to where the ring wraps. */
TARN_API int tarn_ring_readable(const struct tarn_ring* ring, const void** data, size_t* bytes);
TARN_API int tarn_ring_writable(struct tarn_ring* ring, void** data, size_t* bytes);
TARN_API int tarn_ring_commit(struct tarn_ring* ring, size_t bytes);
TARN_API int tarn_ring_consume(struct tarn_ring* ring, size_t bytes);
struct tarn_ring_statistics {
    uint64_t written, read, dropped, refused, wraps; /* bytes; times */
    size_t capacity, available, high_water;
};
TARN_API int tarn_ring_get_statistics(const struct tarn_ring* ring,
                                      struct tarn_ring_statistics* statistics);

/* Turns of a main loop, for each thread that comes; any thread at any time. */
struct tarn_frames;
struct tarn_frames_options {
    size_t size;  /* set by the caller to sizeof(struct tarn_frames_options) */
    size_t first; /* chunk, doubling to 1 MiB; 0: 64 KiB */
    size_t limit; /* of a thread; 0: none */
    size_t keep;  /* of a thread, to the next frame; 0: 16 MiB */
    int is_checked;
};
TARN_API int tarn_frames_create(struct tarn_frames** frames,
                                const struct tarn_frames_options* options);
/* Ends the frames of all threads. */
TARN_API void tarn_frames_destroy(struct tarn_frames* frames);
TARN_API int tarn_frame_begin(struct tarn_frames* frames);
/* Gives everything back that the thread allocated since; `bytes`, if not NULL: how many. */
TARN_API int tarn_frame_end(struct tarn_frames* frames, size_t* bytes);
TARN_API int tarn_frame_allocate(struct tarn_frames* frames, size_t bytes, size_t alignment,
                                 void** block);
/* Of all threads, as of the end of each one's last frame. */
TARN_API int tarn_frames_get_statistics(const struct tarn_frames* frames,
                                        struct tarn_resource_statistics* statistics);

/* NOLINTEND(readability-identifier-naming, modernize-use-using) */

#ifdef __cplusplus
}
#endif

#endif
