// SPDX-License-Identifier: MIT
//
// Kept blocks: the large blocks freed last, as they are.
//
// Programs that need one large buffer after the other ask for the same size again and again. The
// fallback would take its block apart, merge it with its neighbours and find it again: 400 to 500
// ns a pair of malloc and free, 70 to 90 from here (bench/malloc, pair/2M and 4M, 2026-11-21).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "src/os/mutex.h"

namespace tarn {

/// Thread safety: any thread. The blocks stay the fallback's, which takes them for live.
class KeptBlocks {
public:
    /// Keeps `block` of `size` usable bytes. Returns one that has to go instead, or nullptr.
    void* keep(void* block, std::size_t size)
    {
        const os::LockGuard guard(mutex_);
        Entry& oldest = entries_[next_];
        next_ = (next_ + 1) % entries_.size();
        void* const evicted = oldest.block;
        oldest = {.block = block, .size = size};
        return evicted;
    }

    /// Returns a block of `size` usable bytes aligned to `alignment`, or nullptr.
    void* take(std::size_t size, std::size_t alignment)
    {
        const os::LockGuard guard(mutex_);
        for (Entry& entry : entries_)
            if (entry.size == size &&
                (reinterpret_cast<std::uintptr_t>(entry.block) & (alignment - 1)) == 0)
                return remove(entry);
        return nullptr;
    }

    /// Returns any of them, nullptr when there is none.
    void* take_any()
    {
        const os::LockGuard guard(mutex_);
        for (Entry& entry : entries_)
            if (entry.block != nullptr) return remove(entry);
        return nullptr;
    }

    /// True: `block` has been freed already.
    bool holds(const void* block)
    {
        const os::LockGuard guard(mutex_);
        for (const Entry& entry : entries_)
            if (entry.block == block) return true;
        return false;
    }

    /// Usable bytes of all of them.
    std::size_t bytes()
    {
        const os::LockGuard guard(mutex_);
        std::size_t bytes = 0;
        for (const Entry& entry : entries_)
            bytes += entry.size;
        return bytes;
    }

private:
    struct Entry {
        void* block;
        std::size_t size;
    };

    static void* remove(Entry& entry) { return std::exchange(entry, {}).block; }

    // All guarded by mutex_.
    os::Mutex mutex_;
    std::array<Entry, 8> entries_{};
    std::size_t next_ = 0; // the oldest
};

} // namespace tarn
