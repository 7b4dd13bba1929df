/* SPDX-License-Identifier: MIT
 *
 * C interface of libtarn.so.
 *
 * A program need not link against anything: declared weak here, the functions are null when it
 * runs without the preload.
 *
 *     #include <tarn/malloc.h>
 *     if (tarn_get_statistics) { struct tarn_statistics s = {.size = sizeof s}; ... }
 */
#ifndef TARN_MALLOC_H
#define TARN_MALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_WEAK __attribute__((weak))

/* All counts since the process started, or the one that it was forked from; all sizes in bytes. */
struct tarn_statistics { /* NOLINT(readability-identifier-naming): a name of C */
    size_t size;         /* set by the caller to sizeof(struct tarn_statistics) */

    uint64_t allocations;   /* calls that returned a block */
    uint64_t frees;         /* blocks that came back */
    uint64_t misses;        /* allocations that the thread cache could not answer */
    uint64_t spilled;       /* blocks that a full thread cache moved to their slabs */
    uint64_t remote_frees;  /* frees of blocks of another thread that have come home */
    uint64_t unknown_frees; /* frees of pointers that are nobody's; left alone */

    uint64_t live;          /* in blocks of the program, as large as malloc_usable_size() says */
    uint64_t rounding;      /* of these, lost to rounding up to a size class (estimated) */
    uint64_t cached;        /* free, in thread caches */
    uint64_t free_in_slabs; /* free, in slabs that are in use */
    uint64_t untouched;     /* without memory, in slabs that are in use */
    uint64_t free_dirty;    /* free, in no slab, waiting for reuse or for the way back */
    uint64_t fallback_live; /* in blocks of the fallback; part of live */
    uint64_t fallback_free; /* kept by the fallback */
    uint64_t metadata;      /* committed for the allocator's own records */
    uint64_t peak;          /* most that slabs and fallback blocks ever took together */
    uint64_t purged;        /* given back to the system so far */

    uint64_t slabs; /* in use */
    uint64_t heaps; /* one per thread, including those waiting for the next thread */
    uint64_t fallback_allocations;
    uint64_t limit; /* TARN_LIMIT, 0: none */

    uint64_t resident; /* of the whole process, as the kernel counts */
    uint64_t peak_resident;
    uint64_t minor_faults;
    uint64_t major_faults;
};

/* Fills *statistics, as far as its size says. Returns 0; -1 with errno EINVAL if size is too small
 * to be any version of it. Thread-safe; figures of running threads are a moment old.
 * Cost: some 100 us per thread that ever allocated. */
TARN_WEAK int tarn_get_statistics(struct tarn_statistics* statistics);

/* Gives every page that no block needs back to the system, of all threads as far as they pass a
 * slow path. Returns 1 if anything went back, else 0. Thread-safe. */
TARN_WEAK int tarn_trim(void);

/* Checks every invariant of the calling thread's heap and of the shared tier; prints a line and
 * aborts if one is broken. Returns 0. Cost: proportional to the heap. */
TARN_WEAK int tarn_verify(void);

/* Reports what is lost now, as at the end of a process that runs with TARN=leaks; its end is
 * reported nevertheless. Returns the number of blocks that are definitely or indirectly lost,
 * INT_MAX if there are more; -1 without TARN=leaks. All other threads stand still meanwhile. Not
 * for signal handlers. Cost: a walk over all memory of the process, about 1 GB/s. */
TARN_WEAK int tarn_report_leaks(void);

/* Sets a mark: with leaks_since=mark reports list only what is allocated from now on, such as what
 * a service loses from one point to another. What realloc returns counts as allocated then. Returns
 * the number of the mark, counted from 1; -1 where blocks have no marks: without TARN=leaks, with
 * stacks=off or with trace. Thread-safe and async-signal-safe. */
TARN_WEAK int tarn_leaks_mark(void);

/* Writes what a process that runs with TARN=trace has allocated so far to the file `path`, as a
 * profile for pprof; path NULL: to a file named by trace_file or
 * tarn.EXECUTABLE.PROCESS.NUMBER.pb.gz. Returns 0; -1 with errno ENOTSUP without TARN=trace, EINVAL
 * for an empty name or one with a line break, EAGAIN in a signal handler that has interrupted
 * malloc, EIO if it could not be written, which is told on standard error. Other threads go on
 * meanwhile; one report is made at a time. Not for signal handlers. Cost: some ten milliseconds for
 * each thousand places, and more where debug information has to be read. */
TARN_WEAK int tarn_dump_profile(const char* path);

/* What the calling thread allocates from now on has the tag `name`, inside the tags that it has:
 * with "render" and then "textures", reports under TARN=trace, profile and leaks say
 * render::textures. A thread starts without tags; blocks keep theirs until they are freed, by
 * whichever thread; what realloc returns has that of its caller. A name may itself be several,
 * joined by "::".
 *
 * Returns 0; -1 if nothing comes of it: no such report is to be made, the name is NULL, empty or
 * has control characters, a path is longer than 255 bytes, 62 tags deep or the 4096th, or there is
 * no memory. Blocks then have the tag that they had before. Each push needs a pop, whatever it
 * returned. Not for signal handlers. Cost: 80 ns with its pop; without such a report one branch. */
TARN_WEAK int tarn_tag_push(const char* name);

/* Takes back the last push of the calling thread. Returns 0; -1 if there is none, or without such a
 * report. */
TARN_WEAK int tarn_tag_pop(void);

/* Under TARN=trace and profile: reports say how often more than `bytes` were in use of the tag
 * `path`
 * ("render::textures", with all that is inside it), and when first; UINT64_MAX: no longer. Nothing
 * is refused. Returns 0; -1 without a trace, and for what is no path. Not for signal handlers. */
TARN_WEAK int tarn_tag_budget(const char* path, uint64_t bytes);

/* Under TARN=trace, and with a limit or a baseline: no more than `bytes` may be in use of the tag
 * `path`, with all that is inside it. What would exceed that gets no memory: NULL with ENOMEM, or
 * std::bad_alloc; the report says how often. UINT64_MAX: no longer. What realloc moves
 * counts besides the old block; in place it may take the room that the block has. Threads that
 * allocate at once may each take what is left. Returns 0; -1 without such a count, or of a sample,
 * and for what is no path. Not for signal handlers. */
TARN_WEAK int tarn_tag_limit(const char* path, uint64_t bytes);

/* Ends a frame of the calling thread, and begins the next one: a turn of its main loop, a request.
 * The first call only begins one. Reports under TARN=trace and profile say how long frames took and
 * what the thread allocated in them, on average and at most, and which were the worst. Not for
 * signal handlers. Cost: 60 ns; without such a report one branch. */
TARN_WEAK void tarn_frame_mark(void);

/* Tells that the program has moved so many bytes: read from and written to memory, or whatever it
 * wants to see. Reports under TARN=trace and profile say how many there were in all and in a
 * second, and when most; timeline= writes them. Nothing is measured: it is what the program says.
 * Thread-safe and async-signal-safe. Cost: 40 ns; without such a report one branch. */
TARN_WEAK void tarn_bandwidth(size_t bytes_read, size_t bytes_written);

/* With checks (TARN=debug and its parts): looks at all blocks now and reports what is damaged,
 * which by default ends the process. Returns how many are; -1 without checks, and in a signal
 * handler that has interrupted malloc. Other threads wait at their next malloc or free meanwhile.
 * Not for signal handlers. Cost: a walk over the heap. */
TARN_WEAK int tarn_check_heap(void);

/* With checks: prints what is known of the block at an address, in it, or beside it, as for
 * (gdb) call tarn_describe(p). Returns 1, 0 if nothing is known, -1 without checks. */
TARN_WEAK int tarn_describe(const void* address);

/* "0.1.0" */
TARN_WEAK const char* tarn_version(void);

#ifdef __cplusplus
}
#endif

#endif
