// SPDX-License-Identifier: MIT
//
// What an observer remembers of the blocks in the pools, in a side array.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/observer.h"
#include "src/heap/block_place.h"
#include "src/heap/granule_array.h"

namespace tarn {

/// A BlockNote of the pools, whose blocks have at most a megabyte. All zero: of a block that is not
/// in use.
struct PooledNote {
    std::uint64_t born;
    std::uint32_t trace;
    std::uint32_t size : 24;
    std::uint32_t room : 8; // that of the size class with this number, less one

    void set(BlockOrigin origin, std::size_t bytes, SizeClass room_class)
    {
        born = origin.born;
        trace = origin.trace;
        size = static_cast<std::uint32_t>(bytes & kSizeBits);
        room = static_cast<std::uint8_t>(index_of(room_class) + 1);
    }
    bool is_in_use() const { return room != 0; }
    BlockNote get() const
    {
        if (!is_in_use()) return {};
        return {.trace = trace,
                .born = born,
                .size = size,
                .room = shape_of(static_cast<SizeClass>(room - 1)).block_size};
    }

private:
    static constexpr std::uint32_t kSizeBits = (std::uint32_t{1} << 24U) - 1;
    static_assert(kMaxPooledSize <= kSizeBits && kSizeClassCount < 255);
};
static_assert(sizeof(PooledNote) == 16);

/// Notes of the blocks in the pools. Each is written by who owns the block.
class PooledNotes {
public:
    void initialise() { array_.reserve_all(); }

    /// nullptr: none was ever made there.
    PooledNote* find(const BlockPlace& place) { return at(array_.find(place.first), place); }
    /// nullptr: there is no memory for it.
    PooledNote* make(const BlockPlace& place)
    {
        PooledNote* const note = at(array_.make(place.first), place);
        if (note == nullptr) [[unlikely]]
            has_all_.store(false, std::memory_order_relaxed);
        return note;
    }
    /// Whether every block in use has one.
    bool has_all() const { return has_all_.load(std::memory_order_relaxed); }

    MemoryRange memory() const { return array_.memory(); }

private:
    /// As many as the smallest blocks need in a granule, of which slabs of larger blocks use the
    /// beginning. A cache line more, or the first notes of all slabs would compete for the same
    /// lines of the CPU's cache.
    static constexpr std::size_t kBytesInGranule =
        kGranule / kMinAlignment * sizeof(PooledNote) + 64;

    static PooledNote* at(std::byte* notes, const BlockPlace& place)
    {
        return notes != nullptr ? reinterpret_cast<PooledNote*>(notes) + place.index : nullptr;
    }

    GranuleArray<kBytesInGranule> array_;
    std::atomic<bool> has_all_{true};
};

extern constinit PooledNotes pooled_notes;

} // namespace tarn
