// SPDX-License-Identifier: MIT
#include <chrono>
#include <sstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/bandwidth_meter.h>
#include <tarn/profiling_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using namespace std::chrono_literals;

namespace {

// Takes as long as is said, at least.
class Slow final : public std::pmr::memory_resource {
public:
    std::chrono::nanoseconds delay{0};

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        std::this_thread::sleep_for(delay);
        return malloc_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        std::this_thread::sleep_for(delay);
        malloc_resource()->deallocate(block, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override
    {
        return this == &other;
    }
};

CallTimes times_of(std::uint64_t calls, std::chrono::nanoseconds total)
{
    return {.calls = calls, .total = total};
}

} // namespace

RC_GTEST_PROP(ProfilingProperty, BlocksAreApartAndKeepTheirContents, ())
{
    test::Counted upstream;
    ProfilingResource profiling("profiled", &upstream);
    test::run_against_model(profiling, *test::any_steps(), {.knows_its_blocks = false});
    const ResourceProfile profile = profiling.profile();
    RC_ASSERT(profile.allocate.calls == upstream.statistics().allocations);
    RC_ASSERT(profile.deallocate.calls == upstream.statistics().deallocations);
    RC_ASSERT(profile.bytes_allocated == profile.bytes_deallocated);
    RC_ASSERT(profile.allocate.median <= profile.allocate.p99);
    RC_ASSERT(profile.allocate.p99 <= profile.allocate.longest);
}

TEST(Profiling, TellsHowLongCallsTake)
{
    Slow upstream;
    ProfilingResource profiling("profiled", &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) {
        upstream.delay = i < 10 ? 20ms : i < 60 ? 0ms : 2ms;
        blocks.push_back(profiling.allocate(100));
    }
    upstream.delay = 0ms;
    for (void* const block : blocks)
        profiling.deallocate(block, 100);
    const ResourceProfile profile = profiling.profile();
    EXPECT_EQ(profile.allocate.calls, 100U);
    EXPECT_EQ(profile.bytes_allocated, 10'000U);
    EXPECT_GE(profile.allocate.total, 280ms);
    EXPECT_EQ(profile.allocate.mean, profile.allocate.total / 100);
    EXPECT_GE(profile.allocate.p99, 20ms);
    EXPECT_GE(profile.allocate.longest, profile.allocate.p99);
    EXPECT_LT(profile.deallocate.median, 1ms);
    EXPECT_LT(profile.deallocate.median, profile.allocate.p99);
}

TEST(Profiling, AMedianIsThatOfTheMostCallsAndNotTheMean)
{
    Slow upstream;
    ProfilingResource profiling("profiled", &upstream);
    for (int i = 0; i < 9; ++i) {
        upstream.delay = i < 5 ? 0ms : 30ms;
        void* const block = profiling.allocate(100);
        upstream.delay = 0ms;
        profiling.deallocate(block, 100);
    }
    const CallTimes times = profiling.profile().allocate;
    EXPECT_LT(times.median, 10ms);
    EXPECT_GE(times.mean, 13ms);
}

TEST(Profiling, CountsRefusalsAsCallsOfNoBytes)
{
    ProfilingResource profiling("profiled", std::pmr::null_memory_resource());
    EXPECT_EQ(profiling.try_allocate(100), nullptr);
    EXPECT_EQ(profiling.profile().allocate.calls, 1U);
    EXPECT_EQ(profiling.profile().bytes_allocated, 0U);
    EXPECT_EQ(profiling.statistics().failures, 1U);
}

TEST(Profiling, NothingTakesNoTime)
{
    const ProfilingResource profiling;
    const CallTimes times = profiling.profile().allocate;
    EXPECT_EQ(times.calls, 0U);
    EXPECT_EQ(times.mean, 0ns);
    EXPECT_EQ(times.p99, 0ns);
}

TEST(Profiling, CountsAllThreads)
{
    ProfilingResource profiling("profiled");
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 1000; ++i)
            profiling.deallocate(profiling.allocate(64), 64);
    });
    EXPECT_EQ(profiling.profile().allocate.calls, 4000U);
    EXPECT_EQ(profiling.profile().deallocate.calls, 4000U);
    EXPECT_EQ(profiling.profile().bytes_deallocated, 256'000U);
}

TEST(Profiling, FeedsARateMeter)
{
    const RateMeter::Clock::time_point start{};
    ProfilingResource profiling("profiled");
    RateMeter allocated(1s, start);
    allocated.follow(profiling.profile().bytes_allocated, start);
    for (int i = 0; i < 10; ++i)
        profiling.deallocate(profiling.allocate(50), 50);
    allocated.follow(profiling.profile().bytes_allocated, start + 1ms);
    EXPECT_EQ(allocated.rate(start + 500ms).average, 1000U);
}

TEST(Profiling, IsTextAndJson)
{
    const CallTimes times{
        .calls = 3, .total = 90ns, .mean = 30ns, .median = 28ns, .p99 = 40ns, .longest = 41ns};
    const ResourceProfile profile{
        .name = "parse", .allocate = times, .bytes_allocated = 64, .bytes_deallocated = 0};
    std::ostringstream text;
    text << profile;
    EXPECT_EQ(text.str(),
              "parse: allocate 3 calls, mean 30 ns, median 28 ns, p99 40 ns, longest 41 ns; "
              "deallocate 0 calls, mean 0 ns, median 0 ns, p99 0 ns, longest 0 ns; "
              "bytes 64 allocated, 0 deallocated");
    EXPECT_EQ(to_json(profile),
              R"({"name":"parse","allocate":{"calls":3,"total_ns":90,"mean_ns":30,)"
              R"("median_ns":28,"p99_ns":40,"longest_ns":41},"deallocate":{"calls":0,)"
              R"("total_ns":0,"mean_ns":0,"median_ns":0,"p99_ns":0,"longest_ns":0},)"
              R"("bytes_allocated":64,"bytes_deallocated":0})");
}

TEST(Profiling, NamesAreValidInJson)
{
    const std::vector<ResourceProfile> profiles{{.name = "\"C:\\new\""}};
    const std::string name = R"("name":"\"C:\\new\"",)";
    EXPECT_TRUE(to_json(profiles[0]).starts_with("{" + name)) << to_json(profiles[0]);
    EXPECT_TRUE(to_json(hot_paths(profiles)).starts_with("[{" + name));
}

TEST(HotPaths, AreThoseWithALargeShareOfAnything)
{
    const std::vector<ResourceProfile> profiles{
        {.name = "calls", .allocate = times_of(800, 10us), .bytes_allocated = 100},
        {.name = "bytes", .allocate = times_of(10, 10us), .bytes_allocated = 9000},
        {.name = "time", .allocate = times_of(10, 900us), .bytes_allocated = 100},
        {.name = "none", .allocate = times_of(80, 30us), .bytes_allocated = 400},
        {.name = "time",
         .allocate = times_of(50, 40us),
         .deallocate = times_of(50, 10us),
         .bytes_allocated = 400,
         .bytes_deallocated = 300},
    };
    const std::vector<HotPath> all = hot_paths(profiles);
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0].name, "time");
    EXPECT_EQ(all[0].calls, 110U);
    EXPECT_EQ(all[0].bytes, 500U);
    EXPECT_EQ(all[0].in_use, 200U);
    EXPECT_DOUBLE_EQ(all[0].time_share, 0.95);
    EXPECT_DOUBLE_EQ(all[0].call_share, 0.11);
    EXPECT_DOUBLE_EQ(all[0].byte_share, 0.05);
    EXPECT_EQ(all[1].name, "none");

    const std::vector<HotPath> hot = hot_paths(profiles, 0.5);
    ASSERT_EQ(hot.size(), 3U);
    EXPECT_EQ(hot[1].name, "calls");
    EXPECT_EQ(hot[2].name, "bytes");
}

TEST(HotPaths, OfNothingHaveNoShare)
{
    EXPECT_TRUE(hot_paths({}).empty());
    const std::vector<HotPath> idle = hot_paths(std::vector<ResourceProfile>{{.name = "idle"}});
    ASSERT_EQ(idle.size(), 1U);
    EXPECT_EQ(idle[0].time_share, 0);
    std::ostringstream text;
    text << idle;
    EXPECT_EQ(text.str(), "idle: time 0 ns (0.0%), calls 0 (0.0%), bytes 0 (0.0%), in_use 0\n");
    EXPECT_EQ(to_json(idle), R"([{"name":"idle","calls":0,"bytes":0,"in_use":0,"time_ns":0,)"
                             R"("call_share":0.0000,"byte_share":0.0000,"time_share":0.0000}])");
    EXPECT_EQ(to_json(std::vector<HotPath>()), "[]");
}

} // namespace tarn
