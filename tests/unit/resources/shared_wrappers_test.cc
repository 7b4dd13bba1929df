// SPDX-License-Identifier: MIT
//
// Wrappers over what threads may share can be shared themselves: no block is another's, and nothing
// is counted twice or not at all.

#include <array>
#include <atomic>
#include <cstdint>

#include <gtest/gtest.h>

#include <tarn/canary_resource.h>
#include <tarn/counting_resource.h>
#include <tarn/debug_resource.h>
#include <tarn/failing_resource.h>
#include <tarn/group_resource.h>
#include <tarn/logging_resource.h>
#include <tarn/misuse.h>
#include <tarn/profiling_resource.h>
#include <tarn/tracing_resource.h>

#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kRounds = 500;

/// Each thread keeps some blocks, whose bytes are its own. Returns how many requests were refused.
std::uint64_t use_at_once(Resource& resource)
{
    std::atomic<std::uint64_t> refused{0};
    test::in_threads(kThreads, [&](std::size_t thread) {
        std::array<void*, 8> blocks{};
        const auto size_of = [](std::size_t place) { return 24 * place + 16; };
        const auto give_back = [&](std::size_t place) {
            if (blocks[place] == nullptr) return;
            EXPECT_TRUE(test::holds(blocks[place], size_of(place), thread * 8 + place));
            resource.deallocate(blocks[place], size_of(place), 16);
            blocks[place] = nullptr;
        };
        for (std::size_t round = 0; round < kRounds; ++round) {
            const std::size_t place = round * 5 % blocks.size();
            give_back(place);
            blocks[place] = resource.try_allocate(size_of(place), 16);
            if (blocks[place] == nullptr)
                ++refused;
            else
                test::fill(blocks[place], size_of(place), thread * 8 + place);
        }
        for (std::size_t place = 0; place < blocks.size(); ++place)
            give_back(place);
    });
    return refused;
}

void expect_all_counted(const Resource& resource, std::uint64_t refused)
{
    const ResourceStatistics seen = resource.statistics();
    EXPECT_EQ(seen.allocations, kThreads * kRounds - refused);
    EXPECT_EQ(seen.deallocations, seen.allocations);
    EXPECT_EQ(seen.failures, refused);
    EXPECT_EQ(seen.in_use, 0U);
}

} // namespace

TEST(SharedWrappers, CanariesAreSetAndLookedAtByAnyThread)
{
    CanaryResource resource;
    expect_all_counted(resource, use_at_once(resource));
}

TEST(SharedWrappers, ADebugResourceKnowsTheBlocksOfAllThreads)
{
    DebugResource resource({.keep_freed = 65536});
    expect_all_counted(resource, use_at_once(resource));
    EXPECT_TRUE(resource.leaks().empty());
}

TEST(SharedWrappers, RequestsAreRefusedAsOftenAsTheRateSays)
{
    FailingResource resource({.rate = 0.25});
    const std::uint64_t refused = use_at_once(resource);
    expect_all_counted(resource, refused);
    EXPECT_GT(refused, kThreads * kRounds / 8);
    EXPECT_LT(refused, kThreads * kRounds / 2);
}

TEST(SharedWrappers, OneOfAllRequestsIsRefused)
{
    FailingResource resource({.at = kRounds});
    EXPECT_EQ(use_at_once(resource), 1U);
}

TEST(SharedWrappers, EachCallIsTold)
{
    std::atomic<std::uint64_t> told{0};
    LoggingResource resource([&told](const LogRecord&) { ++told; });
    EXPECT_EQ(use_at_once(resource), 0U);
    EXPECT_EQ(told, 2 * kThreads * kRounds);
}

TEST(SharedWrappers, AGroupAndItsUpstreamAgree)
{
    CountingResource upstream;
    GroupResource group({}, &upstream);
    EXPECT_EQ(use_at_once(group), 0U);
    EXPECT_EQ(upstream.statistics().in_use, 0U);
}

TEST(SharedWrappers, CallsAreTimedAndNamedByAnyThread)
{
    ProfilingResource profiled;
    expect_all_counted(profiled, use_at_once(profiled));
    TracingResource traced("shared");
    expect_all_counted(traced, use_at_once(traced));
}

namespace {

std::atomic<std::uint64_t> reports{0};

void count_report(const MisuseReport& /*report*/)
{
    ++reports;
}

void count_report_otherwise(const MisuseReport& /*report*/)
{
    reports += 1;
}

} // namespace

TEST(SharedWrappers, TheHandlerOfMisuseMayChangeWhileThreadsReport)
{
    const MisuseHandler before = set_misuse_handler(count_report);
    reports = 0;
    test::in_threads(kThreads, [](std::size_t thread) {
        for (std::size_t round = 0; round < kRounds; ++round) {
            if (thread == 0)
                set_misuse_handler(round % 2 == 0 ? count_report_otherwise : count_report);
            else
                report_misuse({.kind = Misuse::not_owned, .resource = "none", .address = nullptr});
        }
    });
    EXPECT_EQ(reports, (kThreads - 1) * kRounds);
    set_misuse_handler(before);
}

} // namespace tarn
