// SPDX-License-Identifier: MIT

#include "src/checks/guard_pool.h"

#include <array>
#include <cstring>
#include <deque>
#include <memory>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "src/heap/budget.h"
#include "src/os/memory.h"
#include "tests/unit/support/mappings.h"

namespace tarn {

namespace {

constexpr std::size_t kMostMappings = 400;

// Other mappings of the process come and go: the stream that counts them has one, too.
constexpr std::size_t kOthers = 20;

class GuardPools : public testing::Test {
protected:
    void SetUp() override
    {
        pool_->initialise({.align = GuardAlign::word, .mappings = kMostMappings, .memory = GiB(1)});
        test::count_mappings();
        before_ = test::count_mappings();
    }

    void TearDown() override
    {
        std::array<MemoryRange, 2> ranges{};
        for (std::size_t i = 0; i < pool_->memory(ranges.data(), ranges.size()); ++i)
            os::unmap(reinterpret_cast<void*>(ranges[i].start), ranges[i].size());
    }

    /// A block that was written to, as those of a program are.
    CheckedPlace take(std::size_t size)
    {
        const CheckedPlace place = pool_->take(size, kMinAlignment);
        if (!place) return place;
        place.record->state = BlockState::live;
        std::memset(reinterpret_cast<void*>(place.start()), 1, size);
        return place;
    }

    void close(const CheckedPlace& place)
    {
        place.record->state = BlockState::quarantined;
        pool_->close(place);
    }

    std::size_t mappings() const { return test::count_mappings() - before_; }

    std::unique_ptr<GuardPool> pool_ = std::make_unique<GuardPool>();
    std::size_t before_ = 0;
};

/// Closed slots must not stay mappings of their own, or a program that frees all it allocates runs
/// out of them.
TEST_F(GuardPools, GiveTheirMappingsBack)
{
    constexpr std::size_t kLive = 64;
    std::deque<CheckedPlace> live;
    for (std::size_t i = 0; i < 4000; ++i) {
        live.push_back(take(i % 3 == 0 ? 5000 : 100));
        ASSERT_TRUE(live.back());
        if (live.size() <= kLive) continue;
        close(live[i * 7 % kLive]);
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(i * 7 % kLive));
    }
    EXPECT_LE(mappings(), 2 * kLive + kOthers);
    for (const CheckedPlace& place : live)
        close(place);
    EXPECT_LE(mappings(), kOthers);
}

TEST_F(GuardPools, KeepToTheMostMappings)
{
    std::deque<CheckedPlace> live;
    for (std::size_t i = 0; i < 2000; ++i) {
        if (const CheckedPlace place = take(100)) live.push_back(place);
        if (live.size() * 2 < kMostMappings) continue;
        close(live.front());
        live.pop_front();
        EXPECT_FALSE(i % 100 == 0 && mappings() > kMostMappings + kOthers);
    }
    EXPECT_EQ(pool_->refused(), 0U);
    while (const CheckedPlace place = take(100))
        live.push_back(place);
    EXPECT_EQ(live.size() * 2, kMostMappings);
    EXPECT_LE(mappings(), kMostMappings + kOthers);
}

/// The first one of its class, too, in front of which there is none.
TEST_F(GuardPools, KnowWhatLiesBesideABlock)
{
    const auto pool = std::make_unique<GuardPool>();
    pool->initialise({.align = GuardAlign::left, .mappings = kMostMappings, .memory = GiB(1)});
    for (const std::size_t size : {8192, 100, 20'000, 4096})
        for (int i = 0; i < 3; ++i) {
            const CheckedPlace place = pool->take(size, kMinAlignment);
            ASSERT_TRUE(place);
            place.record->state = BlockState::live;
            for (const std::size_t before : {1U, 64U}) {
                ASSERT_TRUE(pool->contains(place.start() - before)) << size;
                const CheckedPlace found = pool->around(place.start() - before);
                ASSERT_TRUE(found) << size;
                EXPECT_EQ(found.start(), place.start()) << size;
            }
            EXPECT_EQ(pool->around(place.start() + size).start(), place.start());
        }
}

/// limit=: by whole pages, which is what the process holds.
TEST_F(GuardPools, CountTowardsTheLimitOfMemory)
{
    const std::size_t before = budget.used();
    budget.set(before + KiB(64), [](std::size_t, std::size_t) {});
    EXPECT_FALSE(take(KiB(64) + 1));
    EXPECT_EQ(budget.used(), before);
    std::deque<CheckedPlace> live;
    while (const CheckedPlace place = take(100))
        live.push_back(place);
    EXPECT_EQ(live.size(), 16U);
    EXPECT_EQ(pool_->refused(), 0U);
    close(live.front());
    live.front() = take(100);
    EXPECT_TRUE(live.front());
    for (const CheckedPlace& place : live)
        close(place);
    EXPECT_EQ(budget.used(), before);
    budget.set(0, nullptr);
}

TEST_F(GuardPools, LeaveMostOfTheLimitToBlocks)
{
    budget.set(budget.used() + MiB(1), [](std::size_t, std::size_t) {});
    const auto small = std::make_unique<GuardPool>();
    small->initialise({.align = GuardAlign::word, .mappings = 0, .memory = GiB(1)});
    EXPECT_EQ(small->most_memory(), budget.limit() / 4);
    budget.set(0, nullptr);
}

/// A page that a report has opened, so that the program could go on. There are three slots of so
/// large blocks.
TEST_F(GuardPools, CloseWhatWasOpenedForAReport)
{
    for (std::size_t i = 0; i < 10; ++i) {
        const CheckedPlace place = pool_->take(MiB(300), kMinAlignment);
        ASSERT_TRUE(place);
        close(place);
        for (std::size_t page = 0; page < 40; page += 2) {
            const std::uintptr_t address = place.start() + page * os::kPageSize;
            ASSERT_TRUE(pool_->open_page(address));
            *reinterpret_cast<char*>(address) = 2;
        }
    }
    for (std::size_t i = 0; i < 3; ++i)
        close(pool_->take(MiB(300), kMinAlignment));
    EXPECT_LE(mappings(), kOthers);
}

} // namespace

} // namespace tarn
