// SPDX-License-Identifier: MIT
//
// Free blocks of the pools, as a set, and the slabs that they lie in: what a walk over the heap
// needs to tell blocks in use from others. Requires: as for_each_live_block().

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/heap/address_range.h"
#include "src/heap/remote_free.h"
#include "src/os/memory.h"

namespace tarn {

/// A bit for every place in the pools where a block can start.
class FreeSet {
public:
    FreeSet()
    {
        const std::size_t places = address_range.chunk_count() * (kChunkSize / kMinAlignment);
        size_ = round_up(places / 8 + 8, os::kPageSize);
        words_ = static_cast<std::uint64_t*>(os::map(size_, os::kPageSize));
    }
    FreeSet(const FreeSet&) = delete;
    FreeSet& operator=(const FreeSet&) = delete;
    ~FreeSet()
    {
        if (words_ != nullptr) os::unmap(words_, size_);
    }

    bool is_valid() const { return words_ != nullptr; }

    void add(const FreeBlock* block)
    {
        const std::size_t place = place_of(block);
        words_[place / 64] |= std::uint64_t{1} << (place % 64);
    }
    bool contains(const FreeBlock* block) const
    {
        const std::size_t place = place_of(block);
        return (words_[place / 64] >> (place % 64) & 1) != 0;
    }

    /// A list that a double free has closed to a ring ends where it meets itself.
    void add_list(const FreeBlock* block)
    {
        for (; block != nullptr && is_ours(block) && !contains(block); block = block->next)
            add(block);
    }

private:
    static std::size_t place_of(const FreeBlock* block)
    {
        const auto start = reinterpret_cast<std::uintptr_t>(address_range.granule_address(0));
        return (reinterpret_cast<std::uintptr_t>(block) - start) / kMinAlignment;
    }
    static bool is_ours(const FreeBlock* block)
    {
        return address_range.granule_of(block) < address_range.chunk_count() * kChunkGranules;
    }

    std::uint64_t* words_ = nullptr;
    std::size_t size_ = 0; // bytes
};

/// Calls `use` for each slab, in order of address.
template <class Use> void for_each_slab(Use use)
{
    const std::size_t end = address_range.chunk_count() * kChunkGranules;
    for (std::size_t granule = 0; granule < end;) {
        const Descriptor descriptor = address_range.descriptor_at_once(granule);
        if (descriptor == 0) {
            ++granule;
            continue;
        }
        constexpr Descriptor kClassMask = (Descriptor{1} << kOwnerShift) - 1;
        const auto size_class = static_cast<SizeClass>(descriptor & kClassMask);
        use(address_range.slab_at(granule, size_class));
        granule += shape_of(size_class).granules;
    }
}

inline void add_returned(FreeSet& free, const Slab& slab)
{
    free.add_list(slab.free);
    const RemoteList remote = slab.remote.load(std::memory_order_acquire);
    if (remote.count != 0) free.add_list(block_at(slab, remote.head));
}

} // namespace tarn
