// SPDX-License-Identifier: MIT
//
// Address table: something about each of the blocks that lie outside the pools.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"

namespace tarn {

/// Address -> Value, open addressing with linear probing. Its own memory comes from the system.
/// Thread safety: any thread. What is not there reads as Value{}.
template <class Value> class AddressTable {
public:
    /// Replaces what there is. Errors: false, no memory.
    bool insert(const void* address, const Value& value)
    {
        const os::LockGuard guard(mutex_);
        if (Entry* const entry = find_entry(address)) {
            entry->value = value;
            return true;
        }
        if ((used_ + 1) * 2 > capacity_ && !grow()) return false;
        place({reinterpret_cast<std::uintptr_t>(address), value});
        ++used_;
        return true;
    }

    /// Returns the value and forgets the address.
    Value remove(const void* address)
    {
        const os::LockGuard guard(mutex_);
        Entry* const entry = find_entry(address);
        if (entry == nullptr) return Value{};
        const Value value = entry->value;
        close_gap(static_cast<std::size_t>(entry - entries_));
        --used_;
        return value;
    }

    Value find(const void* address)
    {
        const os::LockGuard guard(mutex_);
        const Entry* const entry = find_entry(address);
        return entry != nullptr ? entry->value : Value{};
    }

    /// As find(), without waiting for a lock, which the calling thread itself may hold: then, too,
    /// it reads as if it were not there.
    Value find_at_once(const void* address)
    {
        if (!mutex_.try_lock()) return Value{};
        const Entry* const entry = find_entry(address);
        const Value value = entry != nullptr ? entry->value : Value{};
        mutex_.unlock();
        return value;
    }

    /// Calls `use` with each address and its value.
    template <class Use> void for_each(Use use)
    {
        const os::LockGuard guard(mutex_);
        for (std::size_t slot = 0; slot < capacity_; ++slot)
            if (entries_[slot].address != 0) use(entries_[slot].address, entries_[slot].value);
    }

    MemoryRange memory()
    {
        const os::LockGuard guard(mutex_);
        const auto start = reinterpret_cast<std::uintptr_t>(entries_);
        return {start, start + capacity_ * sizeof(Entry)};
    }

private:
    struct Entry {
        std::uintptr_t address; // 0: free
        Value value;
    };

    std::size_t slot_of(std::uintptr_t address) const
    {
        // Fibonacci hashing: page numbers differ in their low bits only.
        return ((address >> 12) * 0x9E3779B97F4A7C15U >> 20) & (capacity_ - 1);
    }

    Entry* find_entry(const void* wanted)
    {
        if (capacity_ == 0) return nullptr;
        const auto address = reinterpret_cast<std::uintptr_t>(wanted);
        for (std::size_t slot = slot_of(address); entries_[slot].address != 0;
             slot = (slot + 1) & (capacity_ - 1))
            if (entries_[slot].address == address) return &entries_[slot];
        return nullptr;
    }

    void place(const Entry& entry)
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

} // namespace tarn
