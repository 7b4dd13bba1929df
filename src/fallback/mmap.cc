// SPDX-License-Identifier: MIT
//
// The system itself as the back end: one mapping per block, sizes in a hash table of ours.
// A block that grows moves without being copied (mremap), or grows into what lies free behind it:
// mappings of blocks that were freed are kept, a few of them, until purge() is called.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/base/units.h"
#include "src/fallback/address_table.h"
#include "src/fallback/fallback.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"

namespace tarn {

namespace {

/// A few ranges of mapped memory that no block uses. Neighbours are joined.
class FreeRanges {
public:
    /// False: there is no place for one more.
    bool add(std::byte* start, std::size_t size)
    {
        const os::LockGuard guard(mutex_);
        for (Range& range : ranges_) {
            if (range.start + range.size != start) continue;
            start = range.start;
            size += range.size;
            range = {};
        }
        for (Range& range : ranges_) {
            if (range.start != start + size) continue;
            size += range.size;
            range = {};
        }
        for (Range& range : ranges_) {
            if (range.start != nullptr) continue;
            range = {.start = start, .size = size};
            return true;
        }
        return false;
    }

    /// The first `size` bytes of one that is large enough, or nullptr.
    void* take(std::size_t size, std::size_t alignment)
    {
        const os::LockGuard guard(mutex_);
        for (Range& range : ranges_)
            if (range.size >= size &&
                (reinterpret_cast<std::uintptr_t>(range.start) & (alignment - 1)) == 0)
                return take_front(range, size);
        return nullptr;
    }

    /// The `size` bytes at `start`. False: they are not all free.
    bool take_at(const std::byte* start, std::size_t size)
    {
        const os::LockGuard guard(mutex_);
        for (Range& range : ranges_)
            if (range.start == start && range.size >= size)
                return take_front(range, size) != nullptr;
        return false;
    }

    /// Unmaps all. Returns bytes.
    std::size_t unmap_all()
    {
        const os::LockGuard guard(mutex_);
        const std::size_t bytes = count_bytes();
        for (const Range& range : ranges_)
            if (range.start != nullptr) os::unmap(range.start, range.size);
        ranges_ = {};
        return bytes;
    }

    std::size_t bytes()
    {
        const os::LockGuard guard(mutex_);
        return count_bytes();
    }

    std::size_t list(std::span<MemoryRange> ranges)
    {
        const os::LockGuard guard(mutex_);
        std::size_t count = 0;
        for (const Range& range : ranges_) {
            if (range.start == nullptr || count == ranges.size()) continue;
            const auto start = reinterpret_cast<std::uintptr_t>(range.start);
            ranges[count++] = {start, start + range.size};
        }
        return count;
    }

private:
    struct Range {
        std::byte* start;
        std::size_t size;
    };

    std::size_t count_bytes() const
    {
        std::size_t bytes = 0;
        for (const Range& range : ranges_)
            bytes += range.size;
        return bytes;
    }

    static void* take_front(Range& range, std::size_t size)
    {
        void* const taken = range.start;
        range.start += size;
        range.size -= size;
        if (range.size == 0) range = {};
        return taken;
    }

    // All guarded by mutex_.
    os::Mutex mutex_;
    std::array<Range, 8> ranges_{};
};

constinit AddressTable<std::size_t> table; // of blocks: their mapping's size
constinit FreeRanges free_ranges;
constinit std::atomic<std::size_t> mapped_bytes{0};

std::size_t size_for(std::size_t size, std::size_t)
{
    return round_up(size, os::kPageSize);
}

void* map_block(std::size_t mapping, std::size_t alignment)
{
    void* const block = os::map(mapping, alignment > os::kPageSize ? alignment : os::kPageSize);
    if (block != nullptr) mapped_bytes.fetch_add(mapping, std::memory_order_relaxed);
    return block;
}

void unmap_block(void* block, std::size_t mapping)
{
    mapped_bytes.fetch_sub(mapping, std::memory_order_relaxed);
    os::unmap(block, mapping);
}

void* allocate(std::size_t size, std::size_t alignment, Zero zero)
{
    const std::size_t mapping = size_for(size, alignment);
    if (mapping < size) return nullptr;
    void* block = free_ranges.take(mapping, alignment);
    if (block != nullptr && zero == Zero::yes) std::memset(block, 0, size);
    if (block == nullptr) block = map_block(mapping, alignment);
    if (block == nullptr) return nullptr;
    if (!table.insert(block, mapping)) {
        unmap_block(block, mapping);
        return nullptr;
    }
    return block;
}

void release(void* block, std::size_t mapping)
{
    if (!free_ranges.add(static_cast<std::byte*>(block), mapping)) unmap_block(block, mapping);
}

void deallocate(void* block)
{
    // Forgotten first: as soon as it is free, another thread may be given the same address.
    const std::size_t mapping = table.remove(block);
    if (mapping != 0) release(block, mapping);
}

/// The block with a mapping of another length, perhaps at another place, or nullptr.
void* resize(void* block, std::size_t old_mapping, std::size_t mapping)
{
    if (mapping == old_mapping) return block;
    if (mapping > old_mapping &&
        free_ranges.take_at(static_cast<std::byte*>(block) + old_mapping, mapping - old_mapping))
        return block;
    if (void* const moved = os::remap(block, old_mapping, mapping)) {
        mapped_bytes.fetch_add(mapping - old_mapping, std::memory_order_relaxed);
        return moved;
    }
    // mremap(2) refuses what was joined from several mappings.
    void* const copy = map_block(mapping, os::kPageSize);
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, block, std::min(old_mapping, mapping));
    release(block, old_mapping);
    return copy;
}

void* reallocate(void* block, std::size_t size)
{
    const std::size_t mapping = size_for(size, os::kPageSize);
    if (mapping < size) return nullptr;
    const std::size_t old_mapping = table.remove(block);
    if (old_mapping == 0) return nullptr;
    void* const moved = resize(block, old_mapping, mapping);
    const bool failed = moved == nullptr;
    // There is room for it: the entry that was removed has left a place.
    table.insert(failed ? block : moved, failed ? old_mapping : mapping);
    return moved;
}

std::size_t usable_size(const void* block)
{
    return table.find(block);
}

bool owns(const void* address)
{
    return (reinterpret_cast<std::uintptr_t>(address) & (os::kPageSize - 1)) == 0 &&
           table.find(address) != 0;
}

void purge()
{
    mapped_bytes.fetch_sub(free_ranges.unmap_all(), std::memory_order_relaxed);
}

std::size_t mapped()
{
    return mapped_bytes.load(std::memory_order_relaxed);
}

std::size_t dirty()
{
    return free_ranges.bytes();
}

void for_each(BlockVisitor visit, void* context)
{
    table.for_each([&](std::uintptr_t start, std::size_t size) { visit(context, {start, size}); });
}

std::size_t own_memory(std::span<MemoryRange> ranges)
{
    if (ranges.empty()) return 0;
    ranges[0] = table.memory();
    return 1 + free_ranges.list(ranges.subspan(1));
}

} // namespace

extern constinit const FallbackBackend mmap_backend;
constinit const FallbackBackend mmap_backend{.name = "mmap",
                                             .allocate = allocate,
                                             .deallocate = deallocate,
                                             .reallocate = reallocate,
                                             .usable_size = usable_size,
                                             .size_for = size_for,
                                             .owns = owns,
                                             .queries_lock = true,
                                             .purge = purge,
                                             .mapped = mapped,
                                             .dirty = dirty,
                                             .knows_dirty = true,
                                             .for_each = for_each,
                                             .own_memory = own_memory};

} // namespace tarn
