// SPDX-License-Identifier: MIT

#include "src/heap/heap_registry.h"

#include <new>

#include "src/heap/page_heap.h"
#include "src/heap/settings.h"
#include "src/os/process.h"

namespace tarn {

constinit HeapRegistry heap_registry;

Heap* HeapRegistry::take_locked()
{
    if (Heap* const heap = parked_; heap != nullptr) {
        parked_ = heap->next_parked;
        parked_count_.fetch_sub(1, std::memory_order_relaxed);
        return heap;
    }
    const std::size_t id = count_.load(std::memory_order_relaxed) + 1;
    if (!address_range.commit_heap(id)) return nullptr;
    // Nothing is stored: all members are zero, and pages that nobody touches stay away.
    Heap& heap = address_range.heap(id);
    heap.initialise(static_cast<std::uint32_t>(id));
    count_.store(id, std::memory_order_release);
    return &heap;
}

void HeapRegistry::put_locked(Heap& heap)
{
    heap.set_state(HeapState::parked);
    heap.trimmed = false;
    heap.next_parked = parked_;
    parked_ = &heap;
    parked_count_.fetch_add(1, std::memory_order_relaxed);
}

bool HeapRegistry::adopt(ThreadCache& cache)
{
    const os::LockGuard guard(mutex_);
    Heap* const heap = take_locked();
    if (heap == nullptr) return false;
    heap->attach(cache);
    heap->set_state(HeapState::attached);
    return true;
}

void HeapRegistry::park(ThreadCache& cache)
{
    const os::LockGuard guard(mutex_);
    Heap& heap = *cache.heap;
    heap.park();
    put_locked(heap);
}

void HeapRegistry::trim_all_parked()
{
    const os::LockGuard guard(mutex_);
    for (Heap* heap = parked_; heap != nullptr; heap = heap->next_parked)
        heap->trim();
}

void HeapRegistry::trim_parked(std::uint64_t now)
{
    if (parked_count_.load(std::memory_order_relaxed) == 0 || !mutex_.try_lock()) return;
    if (now >= next_trim_) {
        next_trim_ = now + settings.purge_delay;
        // Bounded: after thousands of threads the rest has its turn next time.
        int rounds = 16;
        for (Heap* heap = parked_; heap != nullptr && rounds > 0; heap = heap->next_parked) {
            if (heap->trimmed && heap->remote_queue().load(std::memory_order_relaxed) == nullptr)
                continue;
            heap->trim();
            heap->trimmed = true;
            --rounds;
        }
    }
    mutex_.unlock();
}

bool HeapRegistry::all_others_outside(const ThreadCache* own) const
{
    for (std::size_t id = 1; id <= count(); ++id) {
        Heap& heap = address_range.heap(id);
        if (heap.state() != HeapState::attached || heap.belongs_to(own)) continue;
        if (heap.is_busy()) return false;
    }
    return true;
}

/// Claims the right to stop the others: one thread at a time has it.
bool HeapRegistry::try_claim()
{
    std::uint32_t nobody = 0;
    return frozen_.compare_exchange_strong(nobody, 1, std::memory_order_seq_cst);
}

/// Ends with the lock held and, if true, no other thread on a slow path. False: one did not come
/// out before `deadline`. Requires: try_claim().
bool HeapRegistry::stop_others(const ThreadCache* own, std::uint64_t deadline)
{
    freezer_.store(own, std::memory_order_relaxed);
    // From here on every other thread either sees frozen_, or has its busy flag seen by us.
    os::barrier_in_all_threads();
    for (;;) {
        // A busy thread may be waiting for this very lock: look while holding it, wait without.
        mutex_.lock();
        if (all_others_outside(own)) return true;
        if (os::clock_milliseconds() > deadline) return false;
        mutex_.unlock();
        os::yield_processor();
    }
}

void HeapRegistry::resume_others()
{
    mutex_.unlock();
    freezer_.store(nullptr, std::memory_order_relaxed);
    frozen_.store(0, std::memory_order_release);
    os::futex_wake(frozen_, 1 << 30);
}

void HeapRegistry::trim_others(const ThreadCache* own)
{
    for (std::size_t id = 1; id <= count(); ++id) {
        Heap& heap = address_range.heap(id);
        bool done = heap.state() != HeapState::attached || &heap == own->heap;
        while (!done) {
            // Who trims is on a slow path: two would wait for each other, so the second gives up.
            if (!try_claim()) return;
            const bool stopped = stop_others(own, os::clock_milliseconds() + 20);
            // It may have been parked meanwhile, and then somebody else's turn comes.
            if (stopped) done = heap.state() != HeapState::attached || heap.trim_from_outside();
            resume_others();
            if (!stopped) return;
        }
    }
}

bool HeapRegistry::freeze(const ThreadCache* own)
{
    const std::uint64_t deadline = os::clock_milliseconds() + 1000;
    // A trim is over soon.
    while (!try_claim() && os::clock_milliseconds() <= deadline)
        os::yield_processor();
    const bool stopped = stop_others(own, deadline);
    page_heap.mutex().lock();
    return stopped;
}

void HeapRegistry::thaw()
{
    page_heap.mutex().unlock();
    resume_others();
}

void HeapRegistry::thaw_in_child(const ThreadCache* own)
{
    page_heap.mutex().reset();
    mutex_.reset();
    freezer_.store(nullptr, std::memory_order_relaxed);
    frozen_.store(0, std::memory_order_relaxed);
    const os::LockGuard guard(mutex_);
    for (std::size_t id = 1; id <= count(); ++id) {
        Heap& heap = address_range.heap(id);
        if (heap.state() != HeapState::attached || heap.belongs_to(own)) continue;
        // The threads are gone but their TLS is still there: bins and batches come along.
        heap.recount_bins();
        heap.park();
        put_locked(heap);
    }
}

bool HeapRegistry::wait_for_thaw()
{
    const std::uint64_t deadline = os::clock_milliseconds() + 100;
    while (frozen_.load(std::memory_order_acquire) != 0) {
        if (os::clock_milliseconds() > deadline) return false;
        os::futex_wait_for(frozen_, 1, 10);
    }
    return true;
}

} // namespace tarn
