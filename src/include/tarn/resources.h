/* SPDX-License-Identifier: MIT
 *
 * C interface of libtarn_alloc: heaps, pools, slabs, arenas, rings and frames, for C11 and what can
 * call it.
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
 * of heaps, cached pools and frames; different handles do not know of each other. Memory for blocks
 * comes from `upstream` of the options, that of the handle itself from malloc.
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

/* The version of the library that runs, a constant text; TARN_VERSION of <tarn/version.h> is that
 * of the headers. */
TARN_API const char* tarn_resources_version(void);

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
 * that was misuse, with TARN_ERROR_MISUSE and having done nothing; but a block that was written
 * behind is given back all the same. Any thread at any time. */
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

/* Where memory comes from and goes back to; NULL in options: malloc. It is copied. */
struct tarn_upstream {
    /* Returns NULL if there is no memory. `bytes` is not 0, `alignment` a power of two. */
    void* (*allocate)(void* context, size_t bytes, size_t alignment);
    /* What allocate returned, with the same numbers. */
    void (*deallocate)(void* context, void* block, size_t bytes, size_t alignment);
    void* context; /* handed on */
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
    const struct tarn_upstream* upstream;
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

/* Blocks of any size that go back all at once, or one by one, from any thread at any time: a malloc
 * of its own for a part of a program. As HeapResource of <tarn/heap_resource.h>. */
struct tarn_heap;
struct tarn_heap_options {
    size_t size;    /* set by the caller to sizeof(struct tarn_heap_options) */
    size_t largest; /* block that is cut from a chunk; 0: 8 KiB */
    size_t chunk;   /* 0: 64 KiB */
    size_t batch;   /* bytes that move between a thread and the others; 0: 8 KiB */
    int is_checked;
    const struct tarn_upstream* upstream; /* called by any thread */
};
TARN_API int tarn_heap_create(struct tarn_heap** heap, const struct tarn_heap_options* options);
/* Gives all blocks back, whatever is in use. */
TARN_API void tarn_heap_destroy(struct tarn_heap* heap);
/* Alignment 0: that of max_align_t. */
TARN_API int tarn_heap_allocate(struct tarn_heap* heap, size_t bytes, size_t alignment,
                                void** block);
/* With the numbers that it was allocated with. */
TARN_API int tarn_heap_deallocate(struct tarn_heap* heap, void* block, size_t bytes,
                                  size_t alignment);
/* As destroy, and the heap goes on. No other thread may use it meanwhile. */
TARN_API int tarn_heap_reset(struct tarn_heap* heap);
/* Gives chunks without a block in use to upstream; `bytes`, if not NULL: how many. */
TARN_API int tarn_heap_trim(struct tarn_heap* heap, size_t* bytes);
TARN_API int tarn_heap_owns(const struct tarn_heap* heap, const void* address);
TARN_API int tarn_heap_get_statistics(const struct tarn_heap* heap,
                                      struct tarn_resource_statistics* statistics);

/* Small blocks of any size for many threads, at any time; what is larger than `largest` comes from
 * upstream, and is the caller's when the pool ends. As ThreadCachedPool of
 * <tarn/thread_cached_pool.h>. */
struct tarn_cached_pool;
struct tarn_cached_pool_options {
    size_t size;    /* set by the caller to sizeof(struct tarn_cached_pool_options) */
    size_t largest; /* 0: 8 KiB */
    size_t chunk;   /* 0: 64 KiB */
    size_t batch;   /* 0: 8 KiB */
    int is_checked;
    const struct tarn_upstream* upstream; /* called by any thread */
};
TARN_API int tarn_cached_pool_create(struct tarn_cached_pool** pool,
                                     const struct tarn_cached_pool_options* options);
TARN_API void tarn_cached_pool_destroy(struct tarn_cached_pool* pool);
TARN_API int tarn_cached_pool_allocate(struct tarn_cached_pool* pool, size_t bytes,
                                       size_t alignment, void** block);
TARN_API int tarn_cached_pool_deallocate(struct tarn_cached_pool* pool, void* block, size_t bytes,
                                         size_t alignment);
/* Gives what the calling thread keeps to the others. */
TARN_API int tarn_cached_pool_flush(struct tarn_cached_pool* pool);
TARN_API int tarn_cached_pool_trim(struct tarn_cached_pool* pool, size_t* bytes);
TARN_API int tarn_cached_pool_owns(const struct tarn_cached_pool* pool, const void* address);
TARN_API int tarn_cached_pool_get_statistics(const struct tarn_cached_pool* pool,
                                             struct tarn_resource_statistics* statistics);

/* Small blocks of any size, whose memory goes back when they are gone. As SlabResource of
 * <tarn/slab_resource.h>. */
struct tarn_slabs;
struct tarn_slabs_options {
    size_t size;     /* set by the caller to sizeof(struct tarn_slabs_options) */
    size_t slab;     /* a power of two from 4 KiB to 1 MiB; 0: 64 KiB */
    size_t keep;     /* empty slabs; 0: 4 */
    int is_doubling; /* sizes are powers of two, else four per doubling */
    int is_checked;
    const struct tarn_upstream* upstream;
};
TARN_API int tarn_slabs_create(struct tarn_slabs** slabs, const struct tarn_slabs_options* options);
TARN_API void tarn_slabs_destroy(struct tarn_slabs* slabs);
TARN_API int tarn_slabs_allocate(struct tarn_slabs* slabs, size_t bytes, size_t alignment,
                                 void** block);
TARN_API int tarn_slabs_deallocate(struct tarn_slabs* slabs, void* block, size_t bytes,
                                   size_t alignment);
/* Gives all blocks of slabs back. */
TARN_API int tarn_slabs_release(struct tarn_slabs* slabs);
TARN_API int tarn_slabs_owns(const struct tarn_slabs* slabs, const void* address);
TARN_API int tarn_slabs_get_statistics(const struct tarn_slabs* slabs,
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
    const struct tarn_upstream* upstream;
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
    const struct tarn_upstream* upstream;
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
    const struct tarn_upstream* upstream; /* called by any thread */
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
