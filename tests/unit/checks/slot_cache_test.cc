// SPDX-License-Identifier: MIT
//
// Slots on their way from free to malloc: none is lost, none comes back too early, and nobody can
// tell which is next.

#include "src/checks/slot_cache.h"

#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"

namespace tarn {

namespace {

constexpr std::uint32_t kMost = SlotShelf::kMostWaiting;

/// Slots that are nothing but different.
class SlotShelfTest : public testing::Test {
protected:
    Slot slot(std::size_t number) { return {words_.data() + number, 16 * number + 16}; }
    SlotShelf& shelf() { return *shelf_; }
    std::uint32_t random() { return static_cast<std::uint32_t>(random_.below(1ULL << 32U)); }

private:
    std::vector<std::atomic<std::uint32_t>> words_ = std::vector<std::atomic<std::uint32_t>>(1000);
    std::unique_ptr<SlotShelf> shelf_ = std::make_unique<SlotShelf>();
    test::Random random_{7};
};

TEST_F(SlotShelfTest, KeepsEachSlotForHalfARingOfOthers)
{
    std::vector<std::size_t> freed_at(1000);
    std::set<std::uintptr_t> seen;
    std::set<std::size_t> waits;
    for (std::size_t i = 0; i < 1000; ++i) {
        freed_at[i] = i;
        const Slot old = shelf().wait(slot(i), kMost, random());
        ASSERT_EQ(static_cast<bool>(old), i >= kMost);
        if (!old) continue;
        EXPECT_TRUE(seen.insert(old.start).second) << "no slot leaves twice";
        const std::size_t waited = i - freed_at[(old.start - 16) / 16];
        EXPECT_GE(waited, kMost / 2);
        waits.insert(waited);
    }
    EXPECT_GT(waits.size(), 8U) << "and for how long is not to be foretold";
    while (const Slot old = shelf().take_waiting())
        EXPECT_TRUE(seen.insert(old.start).second);
    EXPECT_EQ(seen.size(), 1000U) << "all leave in the end";
    EXPECT_EQ(shelf().waiting(), 0U);
}

TEST_F(SlotShelfTest, HoldsAsManyAsItIsTold)
{
    for (const std::uint32_t most : {1U, 2U, 16U}) {
        while (shelf().take_waiting()) {
        }
        for (std::size_t i = 0; i < most; ++i)
            EXPECT_FALSE(shelf().wait(slot(i), most, random()));
        EXPECT_TRUE(shelf().wait(slot(most), most, random()));
        EXPECT_EQ(shelf().waiting(), most);
    }
}

TEST_F(SlotShelfTest, HandsOutEachReadySlotOnceInAnyOrder)
{
    std::set<std::uintptr_t> first_ones;
    for (int round = 0; round < 50; ++round) {
        for (std::size_t i = 0; i < SlotShelf::kMostReady; ++i)
            shelf().add_ready(slot(i));
        std::set<std::uintptr_t> seen;
        first_ones.insert(shelf().take_ready(random()).start);
        seen.insert(*first_ones.begin());
        while (shelf().ready() != 0)
            seen.insert(shelf().take_ready(random()).start);
        EXPECT_GE(seen.size(), SlotShelf::kMostReady - 1U);
    }
    EXPECT_GT(first_ones.size(), 8U);
}

TEST(SlotCache, CountsWhatItHolds)
{
    SlotCache* const cache = SlotCache::create();
    ASSERT_NE(cache, nullptr);
    EXPECT_EQ(cache->held(), 0U);
    std::atomic<std::uint32_t> word{0};
    cache->shelf(size_class_for(48)).add_ready({&word, 48});
    EXPECT_FALSE(cache->shelf(size_class_for(96)).wait({&word, 96}, 8, 0));
    EXPECT_EQ(cache->held(), 2U);
    EXPECT_NE(cache->random(), cache->random());
}

TEST(SlotCacheDeathTest, LiesBetweenPagesThatCannotBeWritten)
{
    auto* const start = reinterpret_cast<char*>(SlotCache::create());
    ASSERT_NE(start, nullptr);
    const auto write = [](char* at) { *static_cast<volatile char*>(at) = 1; };
    write(start + sizeof(SlotCache) - 1);
    EXPECT_DEATH(write(start - 1), "");
    EXPECT_DEATH(write(start + round_up(sizeof(SlotCache), 4096)), "");
}

} // namespace

} // namespace tarn
