// SPDX-License-Identifier: MIT
//
// Large blocks: what the pools do not serve goes to the fallback, within the budget and counted.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "src/base/units.h"
#include "src/fallback/fallback.h"

namespace tarn {

struct LargeCounters {
    std::atomic<std::uint64_t> allocations{0};
    std::atomic<std::uint64_t> frees{0};
    std::atomic<std::uint64_t> live{0};      // bytes
    std::atomic<std::uint64_t> allocated{0}; // bytes, cumulative
};

extern constinit LargeCounters large_counters;
/// The back end in use; set once at start-up.
extern constinit const FallbackBackend* fallback;

/// All of these: any thread, from inside a slow path. Errors: nullptr.
void* allocate_large(std::size_t size, std::size_t alignment, Zero zero);
bool owns_large(const void* address);
std::size_t large_usable_size(const void* block);
/// As far as it can be known without a lock, which a signal handler's own thread may hold; else 0.
std::size_t large_usable_size_unlocked(const void* block);
/// False: it has been freed before, nothing is done.
bool deallocate_large(void* block);

/// Calls `visit` for every large block of the mmap back end. Requires: nobody is inside it.
void for_each_large(BlockVisitor visit, void* context);

/// A block that is likely to grow again: the pages of such a one move, they are not copied.
void* allocate_growing(std::size_t size);
/// The block at another size and perhaps another place, with its contents.
/// Errors: nullptr, the block is as before: its back end cannot, or there is no memory.
void* resize_large(void* block, std::size_t size);

/// Bytes that are free but kept, as far as it is known.
std::size_t large_free();

/// Gives the fallback's free memory back when nobody has freed a large block for purge_delay.
void purge_large_due(std::uint64_t now);
void purge_large();

} // namespace tarn
