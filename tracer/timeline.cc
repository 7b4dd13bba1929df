// SPDX-License-Identifier: MIT

#include "tracer/timeline.h"

#include "tracer/sites.h"
#include "tracer/state_file.h"

namespace tarn {

constinit Timeline timeline;

namespace {

TimelinePoint point_of_now()
{
    TimelinePoint now{};
    now.ticks = os::ticks();
    // What is freed first: or a block that comes and goes in between would be freed only.
    now.freed_bytes = live_totals.freed_bytes();
    now.freed_blocks = live_totals.freed_blocks();
    std::atomic_thread_fence(std::memory_order_acquire);
    now.bytes = live_totals.bytes();
    now.blocks = live_totals.blocks();
    now.read_bytes = live_totals.read_bytes();
    now.written_bytes = live_totals.written_bytes();
    return now;
}

} // namespace

void Timeline::start()
{
    table_ = static_cast<TimelineTable*>(take_table(StateChunk::course, sizeof *table_));
    if (table_ == nullptr) return;
    table_->points[0] = point_of_now();
    table_->size = 1;
    next_.store(table_->points[0].ticks + step_, std::memory_order_relaxed);
}

void Timeline::add()
{
    if (!mutex_.try_lock()) return; // another thread does
    const TimelinePoint now = point_of_now();
    if (now.ticks >= next_.load(std::memory_order_relaxed)) {
        auto& [size, points] = *table_;
        if (size == kMostPoints) {
            size /= 2;
            for (std::size_t i = 1; i < size; ++i)
                points[i] = points[2 * i];
            step_ *= 2;
        }
        points[size] = now;
        ++size;
        state_file.note_moment();
        next_.store(now.ticks + step_, std::memory_order_relaxed);
    }
    mutex_.unlock();
}

std::size_t Timeline::copy(Copy& points)
{
    const os::LockGuard guard(mutex_);
    if (table_ == nullptr || table_->size == 0) return 0;
    const std::size_t size = table_->size;
    std::copy_n(table_->points.begin(), size, points.begin());
    points[size] = point_of_now();
    if (ended_at_ != 0) points[size].ticks = std::max(ended_at_, points[size - 1].ticks);
    return size + 1;
}

} // namespace tarn
