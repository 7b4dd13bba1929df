// SPDX-License-Identifier: MIT
//
// The registry of heaps: gives new threads a heap, takes those of ended threads, and keeps all of
// them consistent across fork().

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/heap/heap.h"
#include "src/os/mutex.h"

namespace tarn {

class HeapRegistry {
public:
    /// Gives the thread of `cache` a heap: the one parked last, or a new one.
    /// Errors: false, there are more threads than the range has room for.
    bool adopt(ThreadCache& cache);

    /// Takes the heap of a thread that ends.
    void park(ThreadCache& cache);

    /// A heap that will never be a thread's. Errors: nullptr, no address space.
    Heap* take_for_good()
    {
        const os::LockGuard guard(mutex_);
        return take_locked();
    }

    /// Runs `use` with a heap that is nobody's, while the lock keeps everybody else away: for
    /// threads that have none any more. Returns what `use` returns, nullptr without a heap.
    template <class Use> void* with_parked(Use use)
    {
        const os::LockGuard guard(mutex_);
        Heap* const heap = take_locked();
        if (heap == nullptr) return nullptr;
        void* const result = use(*heap);
        put_locked(*heap);
        return result;
    }

    /// Takes home remote frees of parked heaps and gives up their empty slabs; works at most once
    /// per purge_delay.
    void trim_parked(std::uint64_t now);
    void trim_all_parked();

    /// Gives back what lies free in the slabs of all other threads, whatever these do meanwhile;
    /// their bins are theirs alone. Called on a slow path of the thread whose cache is `own`. One
    /// heap at a time, each for as long as it takes to walk its free lists.
    void trim_others(const ThreadCache* own);

    void verify_parked();

    /// Runs `use` for every heap there is, while no thread can leave with its cache.
    template <class Use> void for_each(Use use)
    {
        const os::LockGuard guard(mutex_);
        for (std::size_t id = 1; id <= count(); ++id)
            use(address_range.heap(id));
    }

    /// Ids 1 .. count() name heaps that exist or once existed.
    std::size_t count() const { return count_.load(std::memory_order_acquire); }

    /// fork(): waits until no other thread is inside a slow path and keeps them all out. Bounded:
    /// a thread that never comes out, because a signal handler of its own does not return, is not
    /// waited for longer than a second. False: there is such a thread.
    bool freeze(const ThreadCache* own);
    void thaw();
    /// In the child: the heaps of the threads that are gone can be adopted.
    void thaw_in_child(const ThreadCache* own);

    /// Another thread forks or trims and has to be waited for; see SlowPath.
    bool is_frozen() const { return frozen_.load(std::memory_order_acquire) != 0; }
    /// Waits for the end of the fork or trim, at most a tenth of a second: libc's fork may wait for
    /// a lock that our caller holds. Returns false when it is still going on.
    bool wait_for_thaw();
    bool is_frozen_by(const ThreadCache* cache) const
    {
        return freezer_.load(std::memory_order_relaxed) == cache;
    }

private:
    Heap* take_locked();
    void put_locked(Heap& heap);
    bool all_others_outside(const ThreadCache* own) const;
    bool try_claim();
    bool stop_others(const ThreadCache* own, std::uint64_t deadline);
    void resume_others();

    os::Mutex mutex_;
    Heap* parked_ = nullptr;      // guarded by mutex_
    std::uint64_t next_trim_ = 0; // guarded by mutex_
    std::atomic<std::size_t> parked_count_{0};
    std::atomic<std::size_t> count_{0};    // grows under mutex_
    std::atomic<std::uint32_t> frozen_{0}; // nobody else may enter a slow path
    std::atomic<const ThreadCache*> freezer_{nullptr};
};

extern constinit HeapRegistry heap_registry;

} // namespace tarn
