// SPDX-License-Identifier: MIT

#include "tracer/timeline.h"

#include "tracer/sites.h"

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
    return now;
}

} // namespace

void Timeline::start()
{
    points_[0] = point_of_now();
    size_ = 1;
    next_.store(points_[0].ticks + step_, std::memory_order_relaxed);
}

void Timeline::add()
{
    if (!mutex_.try_lock()) return; // another thread does
    const TimelinePoint now = point_of_now();
    if (now.ticks >= next_.load(std::memory_order_relaxed)) {
        if (size_ == kMostPoints) {
            size_ /= 2;
            for (std::size_t i = 1; i < size_; ++i)
                points_[i] = points_[2 * i];
            step_ *= 2;
        }
        points_[size_++] = now;
        next_.store(now.ticks + step_, std::memory_order_relaxed);
    }
    mutex_.unlock();
}

std::size_t Timeline::copy(Copy& points)
{
    const os::LockGuard guard(mutex_);
    std::copy_n(points_.begin(), size_, points.begin());
    if (size_ == 0) return 0;
    points[size_] = point_of_now();
    return size_ + 1;
}

} // namespace tarn
