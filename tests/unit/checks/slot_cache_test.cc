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

constexpr SizeClass kSmall = size_class_for(48);

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

TEST_F(SlotShelfTest, KeepsEachSlotUntilHalfARingOfOthersWasFreed)
{
    shelf().set_limits(kSmall);
    std::set<std::uintptr_t> seen;
    std::set<std::size_t> waits;
    for (std::size_t i = 0; i < 1000; ++i) {
        if (shelf().is_full()) {
            const Slot old = shelf().take(random());
            EXPECT_TRUE(seen.insert(old.start).second) << "no slot leaves twice";
            const std::size_t waited = i - (old.start - 16) / 16;
            EXPECT_GE(waited, SlotShelf::kMostYoung);
            waits.insert(waited);
        }
        shelf().put(slot(i));
    }
    EXPECT_EQ(shelf().count(), SlotShelf::kMost);
    EXPECT_GT(waits.size(), 40U) << "and for how long is not to be foretold";
    while (const Slot old = shelf().take_oldest())
        EXPECT_TRUE(seen.insert(old.start).second);
    EXPECT_EQ(seen.size(), 1000U) << "all leave in the end";
    EXPECT_EQ(shelf().count(), 0U);
}

TEST_F(SlotShelfTest, HoldsAsManyAsItsClassAllows)
{
    EXPECT_TRUE(shelf().is_full() && shelf().needs_more()) << "without limits there is no room";
    for (const std::size_t size : {48U, 512U, 1000U, 2048U, 10000U, 16384U}) {
        while (shelf().take_oldest()) {
        }
        shelf().set_limits(size_class_for(size));
        std::size_t number = 0;
        while (!shelf().is_full())
            shelf().put(slot(number++));
        EXPECT_EQ(shelf().count(), number);
        EXPECT_LE(number, SlotShelf::kMost);
        EXPECT_LE(number * size, KiB(size <= 512 ? 24 : 32));
        EXPECT_GE(number, 2U) << "or the next malloc would have what was freed last";
        EXPECT_LT(shelf().choice(), shelf().count());
    }
    EXPECT_FALSE(SlotShelf::is_for(size_class_for(KiB(16) + 1)));
}

/// The young ones stay, also when there is nothing else.
TEST_F(SlotShelfTest, NeedsNewSlotsRatherThanHandOutYoungOnes)
{
    shelf().set_limits(kSmall);
    for (std::size_t i = 0; i < SlotShelf::kMostYoung + SlotShelf::kLeastChoice - 1; ++i)
        shelf().put(slot(i));
    EXPECT_TRUE(shelf().needs_more());
    for (std::size_t i = 0; i < SlotShelf::kLeastChoice; ++i)
        shelf().put_new(slot(100 + i));
    EXPECT_FALSE(shelf().needs_more());
    EXPECT_EQ(shelf().choice(), 2 * SlotShelf::kLeastChoice - 1);
    std::set<std::uintptr_t> seen;
    while (shelf().choice() != 0)
        seen.insert(shelf().take(random()).start);
    EXPECT_EQ(seen.size(), 2 * SlotShelf::kLeastChoice - 1);
    for (std::size_t i = SlotShelf::kLeastChoice - 1; i < 100; ++i)
        EXPECT_FALSE(seen.contains(slot(i).start)) << "one of the last to be freed: " << i;
    EXPECT_EQ(shelf().count(), SlotShelf::kMostYoung);
}

TEST_F(SlotShelfTest, HandsOutNewSlotsOnceInAnyOrder)
{
    shelf().set_limits(kSmall);
    std::set<std::uintptr_t> first_ones;
    for (int round = 0; round < 500; ++round) {
        for (std::size_t i = 0; i < SlotShelf::kLeastChoice; ++i)
            shelf().put_new(slot(i));
        EXPECT_FALSE(shelf().needs_more());
        std::set<std::uintptr_t> seen;
        const std::uintptr_t first = shelf().take(random()).start;
        first_ones.insert(first);
        seen.insert(first);
        while (shelf().choice() != 0)
            seen.insert(shelf().take(random()).start);
        EXPECT_EQ(seen.size(), SlotShelf::kLeastChoice);
    }
    EXPECT_EQ(first_ones.size(), SlotShelf::kLeastChoice);
}

TEST(SlotCache, CountsWhatItHolds)
{
    SlotCache* const cache = SlotCache::create();
    ASSERT_NE(cache, nullptr);
    EXPECT_EQ(cache->held(), 0U);
    std::atomic<std::uint32_t> word{0};
    cache->shelf(size_class_for(48)).put_new({&word, 48});
    cache->shelf(size_class_for(96)).put({&word, 96});
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
