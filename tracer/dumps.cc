// SPDX-License-Identifier: MIT

#include "tracer/dumps.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "src/base/units.h"
#include "src/os/process.h"
#include "tracer/sites.h"

namespace tarn {

namespace {

/// A thread looks after as many blocks or bytes: often enough for any period, and a program that
/// allocates seldom has a moment for it.
constexpr std::uint32_t kBlocksBetweenLooks = 16;
constexpr std::size_t kBytesBetweenLooks = KiB(64);

/// A peak is higher than the last one by at least that: while a program is small, a few percent of
/// it are not worth a file.
constexpr std::uint64_t kLeastRise = MiB(1);

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

constinit const Observer* watched = nullptr;
constinit DumpOptions dump_options{};

/// Thread safety: any thread.
class DumpWatch {
public:
    void look()
    {
        // One thread only is to make it.
        if (is_due() && is_armed_.exchange(false, std::memory_order_acquire)) dump_options.due();
    }

    void count_from_now()
    {
        const DumpOptions& options = dump_options;
        const auto set = [](std::atomic<std::uint64_t>& next, std::uint64_t now,
                            std::uint64_t step) {
            next.store(step != 0 ? now + step : kNever, std::memory_order_relaxed);
        };
        set(time_, os::clock_milliseconds(), options.every_milliseconds);
        set(bytes_, live_totals.bytes(), options.every_bytes);
        highest_ = std::max(highest_, live_totals.live_bytes());
        const std::uint64_t rise = highest_ / 100 * options.peak_percent;
        set(in_use_, highest_, options.peak_percent != 0 ? std::max(rise, kLeastRise) : 0);
        is_armed_.store(true, std::memory_order_release);
    }

private:
    bool is_due() const
    {
        if (!is_armed_.load(std::memory_order_relaxed)) return false;
        return live_totals.bytes() >= bytes_.load(std::memory_order_relaxed) ||
               live_totals.live_bytes() >= in_use_.load(std::memory_order_relaxed) ||
               (dump_options.every_milliseconds != 0 &&
                os::clock_milliseconds() >= time_.load(std::memory_order_relaxed));
    }

    std::atomic<bool> is_armed_{false}; // whoever takes that away sets what is next
    std::atomic<std::uint64_t> time_{kNever};
    std::atomic<std::uint64_t> bytes_{kNever};
    std::atomic<std::uint64_t> in_use_{kNever};
    std::uint64_t highest_ = 0; // in use at a dump
};

constinit DumpWatch dump_watch;

/// What the calling thread has allocated since it looked.
struct Unlooked {
    std::uint32_t blocks;
    std::uint32_t bytes;
};
[[gnu::tls_model("initial-exec")]] constinit thread_local Unlooked unlooked{};

BlockOrigin allocated(std::size_t size, std::size_t room, std::uint32_t weight)
{
    const BlockOrigin origin = watched->allocated(size, room, weight);
    Unlooked& own = unlooked;
    ++own.blocks;
    own.bytes += static_cast<std::uint32_t>(std::min(size * weight, kBytesBetweenLooks));
    if (own.blocks >= kBlocksBetweenLooks || own.bytes >= kBytesBetweenLooks) [[unlikely]] {
        own = {};
        dump_watch.look();
    }
    return origin;
}

constinit Observer looking{};

} // namespace

const Observer* look_for_dumps(const Observer* observer, const DumpOptions& options)
{
    watched = observer;
    dump_options = options;
    looking = *observer;
    looking.allocated = allocated;
    return &looking;
}

void count_dumps_from_now()
{
    dump_watch.count_from_now();
}

} // namespace tarn
