// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <numeric>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/bandwidth_meter.h>

#include "tests/unit/support/threads.h"

static std::size_t told_read = 0;
static std::size_t told_written = 0;

// As the preload has it.
extern "C" void tarn_bandwidth(std::size_t bytes_read, std::size_t bytes_written)
{
    told_read += bytes_read;
    told_written += bytes_written;
}

namespace tarn {

using namespace std::chrono_literals;
using Clock = RateMeter::Clock;

namespace {

const Clock::time_point kStart{};

// Bytes added at a time.
struct Added {
    std::uint64_t milliseconds;
    std::uint64_t amount;
};

std::uint64_t sum_between(const std::vector<Added>& all, std::uint64_t from, std::uint64_t to)
{
    std::uint64_t sum = 0;
    for (const Added& each : all)
        if (each.milliseconds >= from && each.milliseconds < to) sum += each.amount;
    return sum;
}

// A rate is rounded down.
bool is_about(std::uint64_t seen, std::uint64_t wanted)
{
    return seen <= wanted && wanted - seen <= 1;
}

} // namespace

RC_GTEST_PROP(RateProperty, IsThatOfTheWindow, ())
{
    RateMeter meter(1s, kStart);
    std::vector<Added> all;
    std::uint64_t now = 0;
    const auto gaps = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::oneOf(
        rc::gen::inRange<std::uint64_t>(0, 300), rc::gen::inRange<std::uint64_t>(0, 5000)));
    for (const std::uint64_t gap : gaps) {
        now += gap;
        all.push_back({now, *rc::gen::inRange<std::uint64_t>(0, 1'000'000)});
        meter.add(all.back().amount, kStart + std::chrono::milliseconds(now));
    }
    now += *rc::gen::inRange<std::uint64_t>(0, 3000);
    const Rate rate = meter.rate(kStart + std::chrono::milliseconds(now));
    RC_ASSERT(rate.total == sum_between(all, 0, UINT64_MAX));
    RC_ASSERT(is_about(rate.average, now == 0 ? 0 : rate.total * 1000 / now));
    const std::uint64_t slot = now / 100;
    const std::uint64_t from = slot < 10 ? 0 : (slot - 10) * 100;
    const std::uint64_t recent = sum_between(all, from, UINT64_MAX);
    RC_ASSERT(is_about(rate.recent, now == 0 ? 0 : recent * 1000 / (now - from)));
    std::uint64_t most = 0;
    for (std::uint64_t end = 1000; end <= slot * 100; end += 100)
        most = std::max(most, sum_between(all, end - 1000, end));
    RC_ASSERT(is_about(rate.most, most));
}

TEST(Rate, IsNothingWhereNoTimeHasPassed)
{
    RateMeter meter(1s, kStart);
    meter.add(1000, kStart);
    const Rate rate = meter.rate(kStart);
    EXPECT_EQ(rate.total, 1000U);
    EXPECT_EQ(rate.average, 0U);
    EXPECT_EQ(rate.recent, 0U);
    EXPECT_EQ(rate.most, 0U);
}

TEST(Rate, FollowsARunningTotal)
{
    RateMeter meter(1s, kStart);
    meter.follow(5000, kStart); // was there before
    meter.follow(5100, kStart + 1ms);
    meter.follow(5300, kStart + 2ms);
    EXPECT_EQ(meter.rate(kStart + 2ms).total, 300U);
    meter.follow(50, kStart + 3ms);
    meter.follow(60, kStart + 4ms);
    EXPECT_EQ(meter.rate(kStart + 4ms).total, 310U);
}

TEST(Rate, TimesOutOfOrderCountAsTheLatest)
{
    RateMeter meter(1s, kStart);
    meter.add(100, kStart + 500ms);
    meter.add(100, kStart + 20ms);
    meter.add(100, kStart - 20ms);
    EXPECT_EQ(meter.rate(kStart + 1s).total, 300U);
    EXPECT_EQ(meter.rate(kStart + 1s).recent, 300U);
    EXPECT_EQ(meter.rate(kStart + 1549ms).recent, 300U * 1000 / 1049);
    EXPECT_EQ(meter.rate(kStart + 1600ms).recent, 0U) << "all of it was in the slot of 500 ms";
}

TEST(Bandwidth, TellsReadAndWrittenApartAndTheTracer)
{
    BandwidthMeter meter({.window = 100ms}, kStart);
    for (int i = 0; i < 100; ++i)
        meter.note(1000, i % 2 == 0 ? 300 : 0, kStart + i * 10ms);
    const BandwidthReport report = meter.report(kStart + 1s);
    EXPECT_EQ(report.read.total, 100'000U);
    EXPECT_EQ(report.written.total, 15'000U);
    EXPECT_EQ(report.read.average, 100'000U);
    EXPECT_EQ(report.read.recent, 100'000U);
    EXPECT_EQ(report.written.most, 15'000U);
    EXPECT_EQ(told_read, 100'000U);
    EXPECT_EQ(told_written, 15'000U);

    BandwidthMeter quiet({.marks = false}, kStart);
    quiet.note(1, 1, kStart);
    EXPECT_EQ(told_read, 100'000U);
}

TEST(Bandwidth, IsTextAndJson)
{
    BandwidthMeter meter({.marks = false}, kStart);
    meter.note(2000, 0, kStart);
    std::ostringstream text;
    text << meter.report(kStart + 500ms);
    EXPECT_EQ(text.str(), "read 2000 bytes, 4000/s (recent 4000/s, most 0/s), "
                          "written 0 bytes, 0/s (recent 0/s, most 0/s)");
    EXPECT_EQ(to_json(meter.report(kStart + 500ms)),
              R"({"read":{"bytes":2000,"average":4000,"recent":4000,"most":0},)"
              R"("written":{"bytes":0,"average":0,"recent":0,"most":0}})");
}

TEST(Bandwidth, ServesThreads)
{
    BandwidthMeter meter({.marks = false});
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 1000; ++i)
            meter.note(3, 1);
    });
    EXPECT_EQ(meter.report().read.total, 12'000U);
    EXPECT_EQ(meter.report().written.total, 4000U);
}

} // namespace tarn
