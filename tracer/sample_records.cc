// SPDX-License-Identifier: MIT

#include "tracer/sample_records.h"

#include "tracer/arena.h"

namespace tarn {

constinit SampleRecords sample_records;

std::uint32_t SampleRecords::add(std::uint32_t weight)
{
    const os::LockGuard guard(mutex_);
    std::uint32_t number = free_;
    if (number != 0) {
        free_ = record(number).next;
    } else {
        if (count_ / kInChunk >= kMostChunks) return 0;
        std::atomic<SampleRecord*>& chunk = chunks_[count_ / kInChunk];
        if (chunk.load(std::memory_order_relaxed) == nullptr) {
            void* const fresh = arena.take(kInChunk * sizeof(SampleRecord));
            if (fresh == nullptr) return 0;
            chunk.store(static_cast<SampleRecord*>(fresh), std::memory_order_release);
        }
        number = count_++;
    }
    record(number) = {.birth = 0, .weight = weight, .next = 0};
    return number;
}

SampleRecord SampleRecords::take(std::uint32_t number)
{
    const os::LockGuard guard(mutex_);
    SampleRecord& own = record(number);
    const SampleRecord taken = own;
    own.next = free_;
    free_ = number;
    return taken;
}

} // namespace tarn
