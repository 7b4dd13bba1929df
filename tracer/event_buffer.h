// SPDX-License-Identifier: MIT
//
// Events of one thread on their way to the file, see event_format.h.

#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/observer.h"
#include "src/os/ticks.h"
#include "tracer/event_format.h"
#include "tracer/sites.h"

namespace tarn {

/// What one thread has recorded since it last wrote to the file. Thread safety: `used` and
/// `count` may be read by any thread, and what lies before `used` does not change while
/// the lock of the file is held; all else is the owner's.
class EventBuffer {
public:
    void begin(std::uint32_t thread, std::uint32_t number)
    {
        start_ = {.magic = events::kBatchMagic,
                  .size = 0,
                  .thread = thread,
                  .number = number,
                  .ticks = os::ticks(),
                  .nanoseconds_per_tick = 0};
        ticks_ = start_.ticks;
        block_ = 0;
        trace_ = 0;
        count_.store(0, std::memory_order_relaxed);
        used_.store(0, std::memory_order_release);
    }

    bool has_room() const
    {
        constexpr std::size_t kLast = sizeof bytes_ - events::kMostEventBytes;
        return used_.load(std::memory_order_relaxed) <= kLast;
    }

    struct Request {
        std::size_t size;
        std::size_t alignment;
        std::uint32_t trace;
    };
    void add_allocated(const void* block, const Request& request)
    {
        const bool is_aligned = request.alignment > (std::size_t{1} << events::kBlockShift);
        const std::uint32_t trace = request.trace & ~kIgnored;
        std::byte* to = put_kind(events::Kind::allocated);
        to = events::put_varint(to, request.size << 1U | (is_aligned ? 1 : 0));
        to = put_block(to, block);
        to = events::put_varint(to, events::zigzag(std::uint64_t{trace} - trace_));
        if (is_aligned) *to++ = static_cast<std::byte>(std::countr_zero(request.alignment));
        trace_ = trace;
        end(to);
    }
    void add_freed(const void* block) { end(put_block(put_kind(events::Kind::freed), block)); }
    void add_resized() { end(put_kind(events::Kind::resized)); }

    std::uint32_t count() const { return count_.load(std::memory_order_relaxed); }
    std::uint32_t thread() const { return start_.thread; }
    /// So far.
    events::BatchHeader header() const
    {
        events::BatchHeader header = start_;
        header.size = used_.load(std::memory_order_acquire);
        header.nanoseconds_per_tick = tick_rate.nanoseconds_per_tick();
        return header;
    }
    std::string_view text(std::size_t size) const
    {
        return {reinterpret_cast<const char*>(bytes_.data()), size};
    }

    EventBuffer* next = nullptr;      // of all
    EventBuffer* next_free = nullptr; // of those that are no thread's

private:
    std::byte* put_kind(events::Kind kind)
    {
        const std::uint64_t now = os::ticks();
        // The clocks of two processors may be a tick apart.
        const std::uint64_t passed = now > ticks_ ? now - ticks_ : 0;
        ticks_ += passed;
        return events::put_varint(bytes_.data() + used_.load(std::memory_order_relaxed),
                                  passed << events::kKindBits | static_cast<unsigned>(kind));
    }
    std::byte* put_block(std::byte* to, const void* block)
    {
        const std::uint64_t number = reinterpret_cast<std::uintptr_t>(block) >> events::kBlockShift;
        const std::uint64_t step = number - block_;
        block_ = number;
        return events::put_varint(to, events::zigzag(step));
    }
    void end(const std::byte* to)
    {
        count_.store(count() + 1, std::memory_order_relaxed);
        used_.store(static_cast<std::uint32_t>(to - bytes_.data()), std::memory_order_release);
    }

    events::BatchHeader start_;
    std::uint64_t ticks_; // of the last event
    std::uint64_t block_;
    std::uint32_t trace_;
    std::atomic<std::uint32_t> count_; // events
    std::atomic<std::uint32_t> used_;  // bytes
    std::array<std::byte, events::kMostBatchBytes - 128> bytes_;
};
static_assert(sizeof(EventBuffer) <= events::kMostBatchBytes);

} // namespace tarn
