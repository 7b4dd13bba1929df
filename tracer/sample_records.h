// SPDX-License-Identifier: MIT
//
// What is remembered of each block of a sample: what it stands for, when and by whom it was
// allocated. A block's note has room for its record's number only.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/os/mutex.h"

namespace tarn {

struct SampleRecord {
    std::uint64_t birth; // see Birth
    std::uint32_t weight;
    std::uint32_t next; // free record; 0: none
};

/// Thread safety: any thread. Its memory is the arena's.
class SampleRecords {
public:
    /// Returns the number of a record, whose birth is not set yet. Errors: 0, no memory.
    std::uint32_t add(std::uint32_t weight);
    /// Requires: add() has returned `number`, and take() has not had it since.
    SampleRecord& get(std::uint32_t number) { return record(number); }
    /// Returns the record and forgets it.
    SampleRecord take(std::uint32_t number);

private:
    static constexpr std::size_t kInChunk = 4096;
    static constexpr std::size_t kMostChunks = 16384;

    SampleRecord& record(std::uint32_t number) const
    {
        return chunks_[number / kInChunk].load(std::memory_order_acquire)[number % kInChunk];
    }

    std::array<std::atomic<SampleRecord*>, kMostChunks> chunks_{};
    os::Mutex mutex_;         // for the two below, and free records
    std::uint32_t free_ = 0;  // first of the list
    std::uint32_t count_ = 1; // records ever made; the first is none
};

extern constinit SampleRecords sample_records;

} // namespace tarn
