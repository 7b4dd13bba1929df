// SPDX-License-Identifier: MIT

#include "tracer/frames.h"

#include "tracer/state_file.h"

namespace tarn {

constinit FrameTable frame_table;

std::uint64_t FrameHistogram::middle_of(std::size_t bucket)
{
    if (bucket < kExact) return bucket;
    const std::size_t above = bucket / kPerDoubling - 1;
    const std::uint64_t first = (kPerDoubling + bucket % kPerDoubling) << above;
    return first + ((std::uint64_t{1} << above) >> 1U);
}

std::uint64_t FrameHistogram::percentile(std::uint64_t percent) const
{
    const std::uint64_t wanted = (count_ * percent + 99) / 100;
    std::uint64_t passed = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
        passed += counts_[bucket];
        if (passed >= wanted && passed != 0) return std::min(middle_of(bucket), most_);
    }
    return 0;
}

namespace {

/// Puts a frame into a list of the worst, by that figure, unless all of them are worse.
template <class Worst>
void add_worst(Worst& worst, const Frame& frame, std::uint64_t Frame::*figure)
{
    if (frame.*figure <= worst.back().*figure) return;
    worst.back() = frame;
    for (std::size_t i = worst.size() - 1; i > 0; --i)
        if (worst[i].*figure > worst[i - 1].*figure) std::swap(worst[i], worst[i - 1]);
}

} // namespace

void FrameTotals::add(const Frame& frame)
{
    ticks.add(frame.ticks);
    allocations.add(frame.allocations);
    bytes.add(frame.bytes);
    window[frame.number % kWindow] = frame;
    add_worst(longest, frame, &Frame::ticks);
    add_worst(busiest, frame, &Frame::allocations);
}

void FrameTable::end(FrameStart& start, const FrameStart& now, std::uint32_t thread)
{
    const os::LockGuard guard(mutex_);
    if (totals_ == nullptr)
        totals_ = static_cast<FrameTotals*>(take_table(StateChunk::frames, sizeof *totals_));
    if (totals_ == nullptr) return;
    if (start.is_known) {
        totals_->add({.number = totals_->count() + 1,
                      .thread = thread,
                      .ticks = now.ticks > start.ticks ? now.ticks - start.ticks : 0,
                      .ended = now.ticks,
                      .allocations = now.allocations - start.allocations,
                      .bytes = now.bytes - start.bytes});
    } else {
        ++totals_->threads;
    }
    start = now;
}

void FrameTable::copy(FrameTotals& totals)
{
    const os::LockGuard guard(mutex_);
    totals = totals_ != nullptr ? *totals_ : FrameTotals{};
}

} // namespace tarn
