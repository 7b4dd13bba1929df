// SPDX-License-Identifier: MIT

#include "src/heap/address_range.h"

#include <algorithm>

#include "src/heap/chunk.h"
#include "src/heap/heap.h"

namespace tarn {

constinit AddressRange address_range;

namespace {

constexpr std::size_t kLargestPool = std::size_t{1} << 40;

/// Records are made usable this many bytes at a time: one system call for many.
constexpr std::size_t kRecordStep = KiB(64);

/// Owner ids are 24 bits wide; a range too small for that many threads has fewer.
constexpr std::size_t kMostHeaps = std::size_t{1} << 17;

/// A thousand threads have a heap each in any range, but that the records, 20 KiB of addresses for
/// each, take no more than a third of a small one. Threads beyond are served from heaps of ended
/// ones, and where there are none by the fallback.
constexpr std::size_t kManyHeaps = 1024;
constexpr std::size_t kRangePerHeap = KiB(64);

/// In whole chunks.
std::size_t half_of(std::size_t pool_size)
{
    return pool_size / 2 & ~(kChunkSize - 1);
}

std::size_t heaps_for(std::size_t pool_size)
{
    const std::size_t fewest = std::min(pool_size / kRangePerHeap, kManyHeaps);
    return std::clamp(pool_size / MiB(1), fewest, kMostHeaps);
}

} // namespace

bool AddressRange::Section::commit_to(std::size_t size, std::size_t step)
{
    if (size <= committed) return true;
    const std::size_t target = round_up(size, step);
    if (!os::commit(start + committed, target - committed)) return false;
    committed = target;
    return true;
}

bool AddressRange::try_reserve(std::size_t pool_size)
{
    const std::size_t granules = pool_size / kGranule;
    const std::size_t heaps = heaps_for(pool_size);
    const std::size_t descriptor_bytes = round_up(granules * sizeof(Descriptor), kChunkSize);
    const std::size_t slab_bytes = round_up(granules * sizeof(Slab), kChunkSize);
    const std::size_t chunk_bytes = round_up(granules / kChunkGranules * sizeof(Chunk), kChunkSize);
    const std::size_t heap_bytes = round_up((heaps + 1) * sizeof(Heap), kChunkSize);
    const std::size_t total = pool_size + descriptor_bytes + slab_bytes + chunk_bytes + heap_bytes;

    auto* const start = static_cast<std::byte*>(os::reserve(total, kChunkSize));
    if (start == nullptr) return false;
    std::byte* next = start;
    const auto take = [&next](Section& section, std::size_t size) {
        section = {.start = next, .reserved = size, .committed = 0};
        next += size;
    };
    take(pool_, pool_size);
    take(descriptor_section_, descriptor_bytes);
    take(slab_section_, slab_bytes);
    take(chunk_section_, chunk_bytes);
    take(heap_section_, heap_bytes);

    base_ = reinterpret_cast<std::uintptr_t>(pool_.start);
    descriptors_ = reinterpret_cast<Descriptor*>(descriptor_section_.start);
    slabs_ = reinterpret_cast<Slab*>(slab_section_.start);
    max_heaps_ = heaps;
    reserved_ = total;
    granule_count_ = granules;
    open_granules_ = granules;
    return true;
}

bool AddressRange::initialise(const Room& room)
{
    const std::size_t most = os::address_space_limit() / room.part & ~(kChunkSize - 1);
    for (std::size_t size = std::min(kLargestPool, most); size >= room.smallest;
         size = half_of(size))
        if (try_reserve(size)) return commit_chunk(0);
    return false;
}

bool AddressRange::commit_chunk(std::size_t number)
{
    const std::size_t chunks = number + 1;
    const std::size_t granules = chunks * kChunkGranules;
    if (granules > granule_count_) return false;

    // Few system calls for a growing heap, but no more than a quarter too much: under mlockall()
    // the kernel backs all of it at once, under overcommit_memory=2 it charges for it.
    const std::size_t pool_step =
        std::clamp(std::bit_floor(pool_.committed / 4), 2 * kChunkSize, MiB(64));
    const std::size_t pool_size = granule_count_ << kGranuleShift;
    const std::size_t step =
        round_up(chunks * kChunkSize, pool_step) <= pool_size ? pool_step : kChunkSize;
    return pool_.commit_to(chunks * kChunkSize, step) &&
           descriptor_section_.commit_to(granules * sizeof(Descriptor), kRecordStep) &&
           slab_section_.commit_to(granules * sizeof(Slab), kRecordStep) &&
           chunk_section_.commit_to(chunks * sizeof(Chunk), kRecordStep);
}

Chunk* AddressRange::extend()
{
    const std::size_t number = chunk_count();
    if (!commit_chunk(number)) return nullptr;
    chunks_used_.store(number + 1, std::memory_order_relaxed);
    return &chunk(number);
}

bool AddressRange::commit_heap(std::size_t id)
{
    return id <= max_heaps_ && heap_section_.commit_to((id + 1) * sizeof(Heap), kRecordStep);
}

Chunk& AddressRange::chunk(std::size_t number) const
{
    return reinterpret_cast<Chunk*>(chunk_section_.start)[number];
}

std::size_t AddressRange::chunk_number(const Chunk& chunk) const
{
    return static_cast<std::size_t>(&chunk - reinterpret_cast<Chunk*>(chunk_section_.start));
}

std::array<MemoryRange, 5> AddressRange::sections() const
{
    const auto range = [](const Section& section) {
        const auto start = reinterpret_cast<std::uintptr_t>(section.start);
        return MemoryRange{.start = start, .end = start + section.reserved};
    };
    return {range(pool_), range(descriptor_section_), range(slab_section_), range(chunk_section_),
            range(heap_section_)};
}

Heap& AddressRange::heap(std::size_t id) const
{
    return reinterpret_cast<Heap*>(heap_section_.start)[id];
}

std::size_t AddressRange::metadata_committed() const
{
    return descriptor_section_.committed + slab_section_.committed + chunk_section_.committed +
           heap_section_.committed;
}

std::size_t AddressRange::Section::shrink_to(std::size_t size)
{
    const std::size_t kept = round_up(std::max(size, committed), kRecordStep);
    if (kept >= reserved) return 0;
    const std::size_t given_back = reserved - kept;
    os::unmap(start + kept, given_back);
    reserved = kept;
    return given_back;
}

void AddressRange::shrink(std::size_t size)
{
    // The records of a range take less than a quarter of it.
    const std::size_t wanted = (size / 4 * 3) & ~(kChunkSize - 1);
    const std::size_t kept = std::max(round_up(pool_.committed, kChunkSize), wanted);
    const std::size_t granules = kept >> kGranuleShift;
    if (granules >= granule_count_) return;

    // Fewer granules first: what lies beyond has never been handed out, so that a free() running
    // beside us finds the same answer in either state.
    granule_count_ = granules;
    open_granules_ = is_closed_ ? 0 : granules;
    max_heaps_ =
        std::min(max_heaps_, std::max(heap_section_.committed / sizeof(Heap), heaps_for(kept)));
    reserved_ -= pool_.shrink_to(kept);
    reserved_ -= descriptor_section_.shrink_to(granules * sizeof(Descriptor));
    reserved_ -= slab_section_.shrink_to(granules * sizeof(Slab));
    reserved_ -= chunk_section_.shrink_to(granules / kChunkGranules * sizeof(Chunk));
    reserved_ -= heap_section_.shrink_to((max_heaps_ + 1) * sizeof(Heap));
}

} // namespace tarn
