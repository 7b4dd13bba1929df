// SPDX-License-Identifier: MIT
//
// Granule array: as many bytes for each granule of the address range, beside it and found by
// arithmetic. Only what is used takes memory.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "src/heap/address_range.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"

namespace tarn {

/// Thread safety: any thread; who may write where is the caller's matter.
template <std::size_t kBytes> class GranuleArray {
public:
    /// For so many granules. Errors: false, no addresses.
    bool reserve(std::size_t granules)
    {
        start_ = static_cast<std::byte*>(os::reserve(granules * kBytes, os::kPageSize));
        if (start_ != nullptr) reserved_ = granules * kBytes;
        return start_ != nullptr;
    }

    /// For all granules of the address range, which becomes smaller where addresses are scarce.
    /// Before anything of it is handed out. Errors: false, not even for one chunk of it.
    bool reserve_all()
    {
        for (;;) {
            const std::size_t granules = address_range.granule_count();
            if (granules == 0) return false;
            if (reserve(granules)) return true;
            address_range.shrink(granules / 2 << kGranuleShift);
            if (address_range.granule_count() == granules) return false;
        }
    }

    /// The bytes of a granule; nullptr: none of its chunk were ever made.
    std::byte* find(std::size_t granule) const
    {
        if (granule / kChunkGranules >= chunks_.load(std::memory_order_acquire)) return nullptr;
        return start_ + granule * kBytes;
    }

    /// As find(), with memory behind them, which reads as zero at first. Errors: nullptr, no
    /// memory.
    std::byte* make(std::size_t granule)
    {
        const std::size_t chunk = granule / kChunkGranules;
        if (chunk >= chunks_.load(std::memory_order_acquire) && !commit(chunk)) return nullptr;
        return start_ + granule * kBytes;
    }

    MemoryRange memory() const
    {
        const auto start = reinterpret_cast<std::uintptr_t>(start_);
        return {start, start + reserved_};
    }

private:
    static constexpr std::size_t kBytesInChunk = kBytes * kChunkGranules;
    static_assert(kBytesInChunk % os::kPageSize == 0);

    /// Chunks come into use in order, and a few at a time.
    bool commit(std::size_t chunk)
    {
        const os::LockGuard guard(mutex_);
        const std::size_t before = chunks_.load(std::memory_order_relaxed);
        if (chunk < before) return true;
        const std::size_t wanted = std::min(round_up(chunk + 1, 4), reserved_ / kBytesInChunk);
        if (chunk >= wanted ||
            !os::commit(start_ + before * kBytesInChunk, (wanted - before) * kBytesInChunk))
            return false;
        chunks_.store(wanted, std::memory_order_release);
        return true;
    }

    std::byte* start_ = nullptr;
    std::size_t reserved_ = 0;
    std::atomic<std::size_t> chunks_{0}; // that have memory
    os::Mutex mutex_;
};

} // namespace tarn
