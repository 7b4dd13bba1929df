// SPDX-License-Identifier: MIT
//
// Quarantine: freed blocks stay away from malloc for a while, so that whoever still writes to one
// is found out, and who frees it again, too.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/checks/block_record.h"
#include "src/os/mutex.h"

namespace tarn {

/// First in, first out, of all threads together. Thread safety: any thread, on a slow path.
class Quarantine {
public:
    /// `most`: bytes that are held back; 0: none.
    void set_limit(std::size_t most) { most_ = most; }
    std::size_t limit() const { return most_; }

    /// Takes a block in. False: no memory, or it is not wanted; the block has to go at once.
    bool put(CheckedPlace place) { return most_ != 0 && take_in(place); }
    std::size_t count()
    {
        const os::LockGuard guard(mutex_);
        return end_ - first_;
    }
    /// The block that is to leave now, if one is.
    CheckedPlace take_surplus();

    /// Calls `use` with every block. `use` takes none and puts none.
    template <class Use> void for_each(Use use)
    {
        const os::LockGuard guard(mutex_);
        for (std::size_t i = first_; i != end_; ++i)
            use(entries_[i & (capacity_ - 1)]);
    }

    MemoryRange memory();

private:
    bool take_in(CheckedPlace place);
    bool grow();

    std::size_t most_ = 0;
    // All guarded by mutex_.
    os::Mutex mutex_;
    std::size_t bytes_ = 0;
    CheckedPlace* entries_ = nullptr; // a ring
    std::size_t capacity_ = 0;        // a power of two, or 0
    std::size_t first_ = 0;           // numbers of entries count up for ever
    std::size_t end_ = 0;
};

extern constinit Quarantine quarantine;

} // namespace tarn
