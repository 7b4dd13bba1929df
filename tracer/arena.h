// SPDX-License-Identifier: MIT
//
// The memory of the tracer's tables: one reserved range, so that the leak scan can leave it out and
// a report can say how much it is.

#pragma once

#include <atomic>
#include <cstddef>

#include "src/base/heap_view.h"
#include "src/os/mutex.h"

namespace tarn {

/// Hands out pages, which are zero and are never given back. Thread safety: any thread.
class Arena {
public:
    /// Reserves addresses, no memory. Errors: false, and take() has nothing.
    bool initialise();

    /// `size` bytes in whole pages. Errors: nullptr, no memory.
    void* take(std::size_t size);

    MemoryRange range() const;
    std::size_t used() const { return used_.load(std::memory_order_relaxed); } // bytes

private:
    std::byte* start_ = nullptr;
    std::size_t reserved_ = 0;
    std::size_t committed_ = 0; // guarded by mutex_
    std::atomic<std::size_t> used_{0};
    os::Mutex mutex_;
};

/// The only one.
extern constinit Arena arena;

} // namespace tarn
