// SPDX-License-Identifier: MIT

#include "src/heap/thread_cache.h"

#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"

namespace tarn {

namespace {

constexpr std::size_t kIndex = 3;

class Cache : public testing::Test {
protected:
    Bin& bin() { return cache_.bins[kIndex]; }
    ThreadCache& cache() { return cache_; }
    FreeBlock* block(std::size_t i) { return &blocks_[i]; }

    static constexpr std::size_t kBlocks = 100;

private:
    ThreadCache cache_{};
    std::vector<FreeBlock> blocks_{kBlocks};
};

TEST_F(Cache, OfZeroesIsEmptyAndWithoutRoom)
{
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        EXPECT_EQ(pop(cache(), index), nullptr);
        EXPECT_FALSE(push(cache(), index, block(0)));
        cache().bins[index].account += kPushStep; // as deallocate_overflow() does
        EXPECT_EQ(cache().bins[index].account, 0);
    }
}

TEST_F(Cache, GivesTheBlockPushedLast)
{
    bin().account = 3 * kRoomUnit;
    for (std::size_t i = 0; i < 3; ++i)
        ASSERT_TRUE(push(cache(), kIndex, block(i)));
    for (std::size_t i = 3; i-- > 0;)
        EXPECT_EQ(pop(cache(), kIndex), block(i));
    EXPECT_EQ(pop(cache(), kIndex), nullptr);
}

TEST_F(Cache, TakesNoMoreThanItsRoomAndIsUnchangedByARefusal)
{
    bin().account = 2 * kRoomUnit;
    EXPECT_TRUE(push(cache(), kIndex, block(0)));
    EXPECT_TRUE(push(cache(), kIndex, block(1)));
    EXPECT_FALSE(push(cache(), kIndex, block(2)));
    bin().account += kPushStep;
    EXPECT_EQ(bin().room(), 0);
    EXPECT_EQ(bin().pushes(), 2);
    EXPECT_EQ(bin().head, block(1));
}

TEST_F(Cache, KeepsRoomAndPushesApartWhateverHappens)
{
    test::Random random;
    for (int run = 0; run < 200; ++run) {
        // A refill may put more blocks in than the bin has room for: room below zero.
        std::vector<FreeBlock*> inside;
        std::deque<FreeBlock*> outside;
        for (std::size_t i = 0; i < kBlocks; ++i)
            outside.push_back(block(i));
        auto room = static_cast<std::int64_t>(random.below(30));
        std::int64_t pushes = 0;
        bin() = {.head = nullptr, .account = room * kRoomUnit};
        for (std::size_t refilled = random.below(kBlocks); refilled > 0; --refilled) {
            outside.front()->next = bin().head;
            bin().head = outside.front();
            inside.push_back(outside.front());
            outside.pop_front();
            --room;
        }
        bin().account = room * kRoomUnit;

        for (int step = 0; step < 500; ++step) {
            if (random.one_in(2)) {
                FreeBlock* const expected = inside.empty() ? nullptr : inside.back();
                ASSERT_EQ(pop(cache(), kIndex), expected);
                if (expected != nullptr) {
                    inside.pop_back();
                    outside.push_back(expected);
                    ++room;
                }
            } else if (!outside.empty()) {
                const bool pushed = push(cache(), kIndex, outside.front());
                ASSERT_EQ(pushed, room > 0);
                if (pushed) {
                    inside.push_back(outside.front());
                    outside.pop_front();
                    --room;
                    ++pushes;
                } else {
                    bin().account += kPushStep;
                }
            }
            ASSERT_EQ(bin().room(), room);
            ASSERT_EQ(bin().pushes(), pushes);
        }
    }
}

TEST_F(Cache, CountsNothingInOtherBins)
{
    bin().account = 5 * kRoomUnit;
    ASSERT_TRUE(push(cache(), kIndex, block(0)));
    pop(cache(), kIndex);
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        if (index == kIndex) continue;
        EXPECT_EQ(cache().bins[index].head, nullptr);
        EXPECT_EQ(cache().bins[index].account, 0);
    }
}

TEST(ThisThreadCache, IsTheThreadsOwn)
{
    EXPECT_EQ(&this_thread_cache(), &thread_cache);
    EXPECT_EQ(this_thread_cache().heap, nullptr);
}

} // namespace

} // namespace tarn
