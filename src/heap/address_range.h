// SPDX-License-Identifier: MIT
//
// The one reserved range of addresses from which all pooled memory comes.
//
// Whose block is it? One subtraction and one comparison answer that for every pointer there is,
// and a shift then gives the number of its granule, by which everything else is found:
//
//      base_                                                   base_ + granules * 16 KiB
//      | granule 0 | granule 1 | ...         committed | reserved, no memory behind it  |
//      descriptors[n]  who owns granule n, and its size class         4 bytes a granule
//      slabs[n]        the Slab whose first granule is n             64 bytes a granule
//      chunks[n/128]   which granules of a 2 MiB chunk are free      64 bytes a chunk
//      heaps[id]       the Heap with this owner id
//
// Before the first allocation granule_count is 0, so that every pointer is foreign, NULL included:
// neither malloc nor free needs to ask whether we are initialised.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "src/heap/slab.h"
#include "src/os/memory.h"

namespace tarn {

class Heap;
struct Chunk;

/// owner id << 8 | size class; 0 for a granule that belongs to nobody.
using Descriptor = std::uint32_t;
inline constexpr int kOwnerShift = 8;

constexpr SizeClass class_of(Descriptor descriptor)
{
    return static_cast<SizeClass>(descriptor & ((Descriptor{1} << kOwnerShift) - 1));
}

/// Chunks are as large as a huge page, so that one is never shared by two of them.
inline constexpr std::size_t kChunkSize = os::kHugePageSize;
inline constexpr std::size_t kChunkGranules = kChunkSize / kGranule;

class AddressRange {
public:
    /// How much to reserve: at least so many bytes, at most this part of a finite RLIMIT_AS.
    struct Room {
        std::size_t smallest = MiB(64);
        std::size_t part = 4;
    };
    /// Reserves the largest range that the system grants, from 1 TiB down. Errors: false; every
    /// pointer stays foreign then.
    bool initialise(const Room& room);

    /// Makes one more chunk usable. Errors: nullptr when range or system have no more.
    /// Thread safety: under the page heap's lock.
    Chunk* extend();

    /// Makes the record of heap `id` usable. Errors: false. Under the registry's lock.
    bool commit_heap(std::size_t id);

    /// Number of the granule that holds `address`; at least granule_count() for foreign ones.
    std::size_t granule_of(const void* address) const
    {
        return (reinterpret_cast<std::uintptr_t>(address) - base_) >> kGranuleShift;
    }
    bool contains(const void* address) const { return granule_of(address) < granule_count_; }
    std::size_t granule_count() const { return granule_count_; }
    /// Those whose blocks free() may take on its fast path: all of them, or none.
    std::size_t open_granules() const { return open_granules_; }
    /// From now on every block is foreign to free() and malloc_usable_size(), and they take a slow
    /// path. Before the first block is handed out.
    void close_fast_paths()
    {
        is_closed_ = true;
        open_granules_ = 0;
    }

    Descriptor descriptor(std::size_t granule) const { return descriptors_[granule]; }
    /// As descriptor(), also while the granule's owner changes it.
    Descriptor descriptor_at_once(std::size_t granule) const
    {
        return __atomic_load_n(&descriptors_[granule], __ATOMIC_RELAXED);
    }
    void set_descriptor(std::size_t granule, Descriptor value)
    {
        __atomic_store_n(&descriptors_[granule], value, __ATOMIC_RELAXED);
    }

    std::byte* granule_address(std::size_t granule) const
    {
        return reinterpret_cast<std::byte*>(base_ + (granule << kGranuleShift));
    }
    std::byte* slab_start(const Slab& slab) const { return granule_address(slab.granule); }

    /// Where the slab begins that holds `granule` and whose class is `size_class`.
    static std::size_t first_granule(std::size_t granule, SizeClass size_class)
    {
        const SlabShape& shape = shape_of(size_class);
        // A pointer to a single block points to its start, so the granule is the first already.
        if (!shape.is_single_block()) granule &= ~(std::size_t{shape.granules} - 1);
        return granule;
    }
    Slab& slab_at(std::size_t granule, SizeClass size_class) const
    {
        return slabs_[first_granule(granule, size_class)];
    }
    Slab& slab_record(std::size_t granule) const { return slabs_[granule]; }
    Chunk& chunk(std::size_t number) const;
    std::size_t chunk_number(const Chunk& chunk) const;
    Heap& heap(std::size_t id) const;
    std::size_t max_heaps() const { return max_heaps_; }

    std::size_t chunk_count() const { return chunks_used_.load(std::memory_order_relaxed); }
    /// Bytes of records made usable so far: what the allocator itself takes, at most.
    std::size_t metadata_committed() const;

    /// Gives back the unused part of the range, so that at most `size` bytes of address space, if
    /// not more is in use, stay reserved: for a program that lowers its own RLIMIT_AS. Under the
    /// page heap's lock.
    void shrink(std::size_t size);
    std::size_t reserved() const { return reserved_; }

    /// All that is reserved: the pools and the records of them.
    std::array<MemoryRange, 5> sections() const;

private:
    struct Section {
        std::byte* start = nullptr;
        std::size_t reserved = 0;
        std::size_t committed = 0;
        bool commit_to(std::size_t size, std::size_t step);
        /// Returns how many bytes of address space went back.
        std::size_t shrink_to(std::size_t size);
    };
    bool try_reserve(std::size_t pool_size);
    bool commit_chunk(std::size_t number);

    std::uintptr_t base_ = 0;
    std::size_t open_granules_ = 0;
    Descriptor* descriptors_ = nullptr;
    Slab* slabs_ = nullptr;

    std::size_t granule_count_ = 0;
    bool is_closed_ = false;
    std::size_t max_heaps_ = 0;
    std::size_t reserved_ = 0;
    std::atomic<std::size_t> chunks_used_{0};
    Section pool_;
    Section descriptor_section_;
    Section slab_section_;
    Section chunk_section_;
    Section heap_section_;
};

extern constinit AddressRange address_range;

} // namespace tarn
