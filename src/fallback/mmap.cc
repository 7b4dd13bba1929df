// SPDX-License-Identifier: MIT
//
// The system itself as the back end: one mapping per block, sizes in a hash table of ours.
// Slower than jemalloc where large blocks come and go, but nothing is kept, and a block that grows
// moves without copying (mremap).

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/units.h"
#include "src/fallback/fallback.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"

namespace tarn {

namespace {

struct Entry {
    std::uintptr_t address; // 0: free
    std::size_t size;       // bytes
};

/// Address -> size, open addressing with linear probing. Its own memory comes from the system.
class BlockTable {
public:
    bool insert(const void* block, std::size_t size)
    {
        const os::LockGuard guard(mutex_);
        if ((used_ + 1) * 2 > capacity_ && !grow()) return false;
        place({reinterpret_cast<std::uintptr_t>(block), size});
        ++used_;
        return true;
    }

    /// Returns the size and forgets the block; 0 if there is none.
    std::size_t remove(const void* block)
    {
        const os::LockGuard guard(mutex_);
        Entry* const entry = find(block);
        if (entry == nullptr) return 0;
        const std::size_t size = entry->size;
        close_gap(static_cast<std::size_t>(entry - entries_));
        --used_;
        return size;
    }

    /// 0 if there is no such block.
    std::size_t size_of(const void* block)
    {
        const os::LockGuard guard(mutex_);
        const Entry* const entry = find(block);
        return entry != nullptr ? entry->size : 0;
    }

private:
    std::size_t slot_of(std::uintptr_t address) const
    {
        // Fibonacci hashing: page numbers differ in their low bits only.
        return ((address >> 12) * 0x9E3779B97F4A7C15U >> 20) & (capacity_ - 1);
    }

    Entry* find(const void* block)
    {
        if (capacity_ == 0) return nullptr;
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        for (std::size_t slot = slot_of(address); entries_[slot].address != 0;
             slot = (slot + 1) & (capacity_ - 1))
            if (entries_[slot].address == address) return &entries_[slot];
        return nullptr;
    }

    void place(Entry entry)
    {
        std::size_t slot = slot_of(entry.address);
        while (entries_[slot].address != 0)
            slot = (slot + 1) & (capacity_ - 1);
        entries_[slot] = entry;
    }

    /// Moves back what probed past the gap. Source: Knuth, TAOCP 3, 6.4, algorithm R.
    void close_gap(std::size_t gap)
    {
        entries_[gap] = {};
        for (std::size_t slot = (gap + 1) & (capacity_ - 1); entries_[slot].address != 0;
             slot = (slot + 1) & (capacity_ - 1)) {
            const Entry entry = entries_[slot];
            entries_[slot] = {};
            place(entry);
        }
    }

    bool grow()
    {
        const std::size_t capacity = capacity_ == 0 ? 1024 : capacity_ * 2;
        auto* const entries = static_cast<Entry*>(os::map(capacity * sizeof(Entry), os::kPageSize));
        if (entries == nullptr) return false;
        Entry* const old = entries_;
        const std::size_t old_capacity = capacity_;
        entries_ = entries;
        capacity_ = capacity;
        for (std::size_t i = 0; i < old_capacity; ++i)
            if (old[i].address != 0) place(old[i]);
        if (old != nullptr) os::unmap(old, old_capacity * sizeof(Entry));
        return true;
    }

    // All guarded by mutex_.
    os::Mutex mutex_;
    Entry* entries_ = nullptr;
    std::size_t capacity_ = 0; // a power of two
    std::size_t used_ = 0;
};

constinit BlockTable table;
constinit std::atomic<std::size_t> mapped_bytes{0};

std::size_t size_for(std::size_t size, std::size_t)
{
    return round_up(size, os::kPageSize);
}

void* allocate(std::size_t size, std::size_t alignment, Zero)
{
    const std::size_t mapping = size_for(size, alignment);
    if (mapping < size) return nullptr;
    void* const block = os::map(mapping, alignment > os::kPageSize ? alignment : os::kPageSize);
    if (block == nullptr) return nullptr;
    if (!table.insert(block, mapping)) {
        os::unmap(block, mapping);
        return nullptr;
    }
    mapped_bytes.fetch_add(mapping, std::memory_order_relaxed);
    return block;
}

void deallocate(void* block)
{
    const std::size_t size = table.remove(block);
    mapped_bytes.fetch_sub(size, std::memory_order_relaxed);
    // Forgotten first: as soon as it is unmapped, another thread may be given the same address.
    if (size != 0) os::unmap(block, size);
}

void* reallocate(void* block, std::size_t size)
{
    const std::size_t mapping = size_for(size, os::kPageSize);
    const std::size_t old_size = table.remove(block);
    if (mapping < size || old_size == 0) return nullptr;
    void* const moved = mapping == old_size ? block : os::remap(block, old_size, mapping);
    const bool failed = moved == nullptr;
    // There is room for it: the entry that was removed has left a place.
    table.insert(failed ? block : moved, failed ? old_size : mapping);
    if (failed) return nullptr;
    mapped_bytes.fetch_add(mapping - old_size, std::memory_order_relaxed);
    return moved;
}

std::size_t usable_size(const void* block)
{
    return table.size_of(block);
}

bool owns(const void* address)
{
    return (reinterpret_cast<std::uintptr_t>(address) & (os::kPageSize - 1)) == 0 &&
           table.size_of(address) != 0;
}

void purge() {} // nothing is kept

std::size_t mapped()
{
    return mapped_bytes.load(std::memory_order_relaxed);
}

std::size_t dirty()
{
    return 0;
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
                                             .dirty = dirty};

} // namespace tarn
