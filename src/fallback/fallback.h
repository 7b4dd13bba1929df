// SPDX-License-Identifier: MIT
//
// The allocator behind the pools: what it must offer, as a table of functions.
//
// It serves what the pools do not: blocks above kMaxPooledSize, extreme alignments, and everything
// once the range or the address space has run out.

#pragma once

#include <cstddef>
#include <span>

#include "src/base/heap_view.h"
#include "src/base/options.h"
#include "src/base/units.h"

namespace tarn {

/// Thread safety: every function may be called by any thread at any time, but never across
/// fork(): the caller sees to it that nobody is inside (HeapRegistry::freeze).
/// None of them changes errno.
struct FallbackBackend {
    const char* name;
    /// `alignment` is a power of two. Errors: nullptr.
    void* (*allocate)(std::size_t size, std::size_t alignment, Zero zero);
    void (*deallocate)(void* block);
    /// Moves or grows a block; contents up to the smaller size are kept.
    /// Errors: nullptr, and the block is as before.
    void* (*reallocate)(void* block, std::size_t size);
    std::size_t (*usable_size)(const void* block);
    /// What usable_size() would say of a block allocated so. 0: there can be no such block.
    std::size_t (*size_for)(std::size_t size, std::size_t alignment);
    /// True if the address lies in memory of this back end. Cost: tens of ns.
    bool (*owns)(const void* address);
    /// Whether owns() and usable_size() take a lock, and so must not be called from a signal
    /// handler that may have interrupted this back end.
    bool queries_lock;
    /// Gives all free memory back to the system.
    void (*purge)();
    /// Bytes taken from the system for blocks, in use or free.
    std::size_t (*mapped)();
    /// Bytes of these that are free but still there, as far as it is known.
    std::size_t (*dirty)();
    /// Whether dirty() is exact and costs no more than a lock.
    bool knows_dirty;
    /// Calls `visit` for every block. Null: it does not know its blocks. Requires: nobody is
    /// inside.
    void (*for_each)(BlockVisitor visit, void* context);
    /// Memory that it holds and that is no block: its records, then what it keeps. Of a back end
    /// that does not know its blocks all that it has taken from the system. Null: not known.
    /// Returns how many ranges were written.
    std::size_t (*own_memory)(std::span<MemoryRange> ranges);
};

/// The back end of that kind, or nullptr if this build has none.
const FallbackBackend* fallback_backend(FallbackKind kind);

} // namespace tarn
