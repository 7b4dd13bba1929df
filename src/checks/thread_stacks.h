// SPDX-License-Identifier: MIT
//
// Where the stacks of threads are, as far as they have had to do with checked blocks: so that a
// report can say whose stack an address is on.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/check_error.h"
#include "src/base/heap_view.h"

namespace tarn {

/// Thread safety: any thread.
class ThreadStacks {
public:
    /// The calling thread has that number, and calls from its stack.
    void add(std::uint32_t thread);
    /// It ends: what lies there later is no longer its stack.
    void remove(std::uint32_t thread);

    /// The thread on whose stack, or among whose thread-local data, `address` is; `mapping` is
    /// around it. Errors: kNoThread, none of those that are known.
    std::uint32_t owner_of(std::uintptr_t address, MemoryRange mapping) const;

private:
    static constexpr std::size_t kMost = 1024;

    struct Entry {
        std::atomic<std::uintptr_t> stack{0}; // an address on it; 0: no thread
        std::atomic<std::uintptr_t> top{0};   // behind the thread's descriptor
    };
    std::array<Entry, kMost> entries_{}; // by number
};

extern constinit ThreadStacks thread_stacks;

} // namespace tarn
