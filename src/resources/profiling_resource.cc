// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <atomic>
#include <ostream>

#include <tarn/profiling_resource.h>
#include <tarn/sharded_counter.h>
#include <tarn/size_steps.h>

#include "src/base/units.h"
#include "src/resources/atomic_peak.h"
#include "src/resources/fields.h"

namespace tarn {

namespace {

using Clock = std::chrono::steady_clock;

// The steps of sizes are those of sixteenths of a nanosecond here: each one up to 8, then four per
// doubling, up to 18 minutes.
constexpr std::uint64_t kUnit = detail::kSizeStep;
constexpr std::uint64_t kLongest = std::uint64_t{1} << 40;
constexpr std::size_t kSteps = detail::size_step_of(kLongest * kUnit) + 1;

std::size_t step_of(std::uint64_t nanoseconds)
{
    return detail::size_step_of(std::clamp<std::uint64_t>(nanoseconds, 1, kLongest) * kUnit);
}

using Counts = std::array<std::uint64_t, kSteps>;

// The end of the step that the call is in before which `share` of all are.
std::uint64_t percentile(const Counts& counts, std::uint64_t calls, unsigned percent)
{
    const std::uint64_t wanted = std::max<std::uint64_t>((calls * percent + 99) / 100, 1);
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < kSteps; ++step) {
        seen += counts[step];
        if (seen >= wanted) return detail::size_of_step(step) / kUnit;
    }
    return 0;
}

} // namespace

struct ProfilingResource::Calls {
    // Relaxed: sums that order nothing.
    struct Shard {
        std::array<std::atomic<std::uint64_t>, kSteps> steps{};
        std::atomic<std::uint64_t> nanoseconds{0};
        std::atomic<std::uint64_t> longest{0};
        std::atomic<std::uint64_t> bytes{0};
    };

    void record(Clock::duration time, std::size_t bytes) noexcept
    {
        const auto nanoseconds = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
        Shard& shard = shards.mine();
        shard.steps[step_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
        shard.nanoseconds.fetch_add(nanoseconds, std::memory_order_relaxed);
        shard.bytes.fetch_add(bytes, std::memory_order_relaxed);
        detail::raise_to(shard.longest, nanoseconds);
    }

    CallTimes times() const
    {
        Counts counts{};
        CallTimes times;
        std::uint64_t longest = 0;
        for (const auto& shard : shards.all()) {
            for (std::size_t step = 0; step < kSteps; ++step)
                counts[step] += shard->steps[step].load(std::memory_order_relaxed);
            times.total +=
                std::chrono::nanoseconds(shard->nanoseconds.load(std::memory_order_relaxed));
            longest = std::max(longest, shard->longest.load(std::memory_order_relaxed));
        }
        for (const std::uint64_t count : counts)
            times.calls += count;
        if (times.calls == 0) return times;
        const auto at = [&](unsigned percent) {
            return std::chrono::nanoseconds(
                std::min(percentile(counts, times.calls, percent), longest));
        };
        times.mean = times.total / times.calls;
        times.median = at(50);
        times.p99 = at(99);
        times.longest = std::chrono::nanoseconds(longest);
        return times;
    }

    std::uint64_t bytes() const
    {
        std::uint64_t sum = 0;
        for (const auto& shard : shards.all())
            sum += shard->bytes.load(std::memory_order_relaxed);
        return sum;
    }

    detail::Shards<Shard> shards;
};

ProfilingResource::ProfilingResource(const char* name, std::pmr::memory_resource* upstream)
    : WrapperResource(name, upstream), allocations_(std::make_unique<Calls>()),
      deallocations_(std::make_unique<Calls>())
{}

ProfilingResource::~ProfilingResource() = default;

void* ProfilingResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    const Clock::time_point begin = Clock::now();
    void* const block = below().try_allocate(bytes, alignment);
    allocations_->record(Clock::now() - begin, block != nullptr ? bytes : 0);
    return counted(block, bytes);
}

void ProfilingResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    uncount(bytes); // before another thread can have the block
    const Clock::time_point begin = Clock::now();
    below().deallocate(block, bytes, alignment);
    deallocations_->record(Clock::now() - begin, bytes);
}

ResourceProfile ProfilingResource::profile() const
{
    return {.name = name(),
            .allocate = allocations_->times(),
            .deallocate = deallocations_->times(),
            .bytes_allocated = allocations_->bytes(),
            .bytes_deallocated = deallocations_->bytes()};
}

namespace {

std::ostream& operator<<(std::ostream& out, const CallTimes& times)
{
    return out << times.calls << " calls, mean " << times.mean.count() << " ns, median "
               << times.median.count() << " ns, p99 " << times.p99.count() << " ns, longest "
               << times.longest.count() << " ns";
}

std::string to_json(const CallTimes& times)
{
    return R"({"calls":)" + std::to_string(times.calls) + R"(,"total_ns":)" +
           std::to_string(times.total.count()) + R"(,"mean_ns":)" +
           std::to_string(times.mean.count()) + R"(,"median_ns":)" +
           std::to_string(times.median.count()) + R"(,"p99_ns":)" +
           std::to_string(times.p99.count()) + R"(,"longest_ns":)" +
           std::to_string(times.longest.count()) + "}";
}

} // namespace

std::ostream& operator<<(std::ostream& out, const ResourceProfile& profile)
{
    return out << profile.name << ": allocate " << profile.allocate << "; deallocate "
               << profile.deallocate << "; bytes " << profile.bytes_allocated << " allocated, "
               << profile.bytes_deallocated << " deallocated";
}

std::string to_json(const ResourceProfile& profile)
{
    return R"({"name":)" + detail::json_text(profile.name) + R"(,"allocate":)" +
           to_json(profile.allocate) + R"(,"deallocate":)" + to_json(profile.deallocate) +
           R"(,"bytes_allocated":)" + std::to_string(profile.bytes_allocated) +
           R"(,"bytes_deallocated":)" + std::to_string(profile.bytes_deallocated) + "}";
}

} // namespace tarn
