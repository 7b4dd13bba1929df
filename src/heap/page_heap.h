// SPDX-License-Identifier: MIT
//
// Page heap: runs of granules for slabs, shared by all threads and classes.
//
// A run comes from the chunk whose longest free run fits best, so that chunks with much room keep
// it for runs that need it, and only when there is none from a new chunk: memory that was used
// before comes before memory that was not. Free memory goes back to the system when it has not
// been needed for purge_delay; who asks for time is whoever happens to be on a slow path
// (Heap::tick), there is no thread for it.
//
// Threads: one lock around everything; never held during a system call that gives memory back.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/heap/chunk.h"
#include "src/os/mutex.h"

namespace tarn {

/// Granules in a row. `granule` counts from the start of the range.
struct Run {
    std::size_t granule = 0;
    std::size_t granules = 0; // 0: none
    bool known_zero = false;
};

/// What a run is for: one more slab of a class that has filled many, so that it will be filled
/// too, or anything else. Huge pages are for the former.
enum class Growth : bool { sparse, dense };

class PageHeap {
public:
    /// Returns `granules` granules in a row, within one chunk, with `gap` more behind them that
    /// nobody is to use; aligned to the size of both if that is a power of two.
    /// Errors: an empty run when range or system have no more.
    Run allocate(std::size_t granules, Growth growth, std::size_t gap = 0);

    /// Takes a run back, of which the first `touched` granules may hold something, and `gap`
    /// granules behind it, or none if they are never to be used again.
    void release(std::size_t granule, std::size_t granules, std::size_t touched, Growth growth,
                 std::size_t gap = 0);

    /// Gives back what has been free for purge_delay; at most `chunks` chunks, to bound the time.
    void purge_due(std::uint64_t now, std::size_t chunks);

    /// Gives back all free memory. Returns bytes.
    std::size_t purge_all();

    /// Whether pages inside the slab at `granule` may go back one by one: not where they are
    /// reserved huge pages. Transparent ones are split, once and for all.
    bool allow_holes(std::size_t granule);

    /// Counts bytes that were given back from within slabs.
    void count_purged(std::size_t bytes) { purged_.fetch_add(bytes, std::memory_order_relaxed); }

    /// Bytes in slabs.
    std::size_t used() const { return used_.load(std::memory_order_relaxed); }
    /// Free bytes that still have memory behind them.
    std::size_t dirty() const { return dirty_.load(std::memory_order_relaxed); }
    std::size_t purged() const { return purged_.load(std::memory_order_relaxed); }

    /// Checks every chunk; aborts with a line when something is wrong. Takes the lock.
    void verify();

    os::Mutex& mutex() { return mutex_; }

private:
    Chunk* find_chunk(std::size_t granules, bool aligned, std::size_t& first);
    Chunk* add_chunk();
    bool wants_huge_pages() const;
    void enlist(Chunk& chunk, std::size_t longest);
    void delist(Chunk& chunk);
    void relist(Chunk& chunk, std::size_t longest);
    void take(Chunk& chunk, GranuleSet taken, std::size_t first);
    void give(Chunk& chunk, GranuleSet given, std::size_t first);
    void enqueue_dirty(Chunk& chunk);
    Chunk* dequeue_dirty();
    std::size_t purge_chunk(Chunk& chunk);

    os::Mutex mutex_;
    // All guarded by mutex_. Position 0 stays empty; list n holds chunks whose longest run is n.
    std::array<Chunk*, kChunkGranules + 1> lists_{};
    GranuleSet nonempty_;   // bit n - 1: lists_[n] is not empty
    std::size_t dense_ = 0; // bytes in dense runs
    Chunk* first_dirty_ = nullptr;
    Chunk* last_dirty_ = nullptr;

    // Written under mutex_, read by anyone.
    std::atomic<std::size_t> used_{0};
    std::atomic<std::size_t> dirty_{0};
    std::atomic<std::size_t> purged_{0};
};

extern constinit PageHeap page_heap;

} // namespace tarn
