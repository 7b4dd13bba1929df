// SPDX-License-Identifier: MIT
//
// A thread's stay on a slow path. Everything that is more than a pop or a push happens within one.

#pragma once

#include <atomic>

#include "src/heap/deferred.h"
#include "src/heap/heap_registry.h"
#include "src/heap/thread_cache.h"
#include "src/os/process.h"

namespace tarn {

namespace detail {
extern constinit std::atomic<bool> is_initialised;
void initialise_heap();
} // namespace detail

/// Whether a slow path was ever taken, and so `settings` are final.
inline bool is_heap_initialised()
{
    return detail::is_initialised.load(std::memory_order_acquire);
}

/// The calling thread's stay on a slow path: marks it busy, so that fork() in another thread waits
/// for it and a signal handler in this one keeps out, and sees to it that it has a heap.
class SlowPath {
public:
    SlowPath() : cache_(this_thread_cache())
    {
        if (cache_.busy) return; // a signal handler, interrupting what is going on below
        for (;;) {
            set_busy(true);
            // Pairs with the barrier in HeapRegistry::freeze(): either it sees busy, or we see it.
            std::atomic_signal_fence(std::memory_order_seq_cst);
            if (!heap_registry.is_frozen()) break;
            set_busy(false);
            if (heap_registry.is_frozen_by(&cache_) || !heap_registry.wait_for_thaw()) return;
        }
        entered_ = true;
        if (!is_heap_initialised()) [[unlikely]]
            detail::initialise_heap();
        if (cache_.heap == nullptr && !cache_.exited) join();
    }
    SlowPath(const SlowPath&) = delete;
    SlowPath& operator=(const SlowPath&) = delete;
    ~SlowPath()
    {
        if (!entered_) return;
        set_busy(false);
        run_deferred();
    }

    /// False: the heap must not be touched.
    bool entered() const { return entered_; }
    ThreadCache& cache() const { return cache_; }
    /// Null for a thread that has none: it is ending, or there are too many.
    Heap* heap() const { return cache_.heap; }

private:
    void set_busy(bool busy) { __atomic_store_n(&cache_.busy, busy, __ATOMIC_RELEASE); }

    void join()
    {
        if (!heap_registry.adopt(cache_)) return;
        os::arm_thread_exit(&cache_);
    }

    ThreadCache& cache_;
    bool entered_ = false;
};

} // namespace tarn
