// SPDX-License-Identifier: MIT

#include "src/heap/live_blocks.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "src/fallback/fallback.h"
#include "src/heap/large.h"
#include "src/heap/resize.h"
#include "src/heap/verify.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::own_heap;

using Live = std::map<std::uintptr_t, std::size_t>;

Live find_live()
{
    struct Found {
        Live blocks;
        bool twice = false;
    } found;
    EXPECT_TRUE(hold_heap());
    const bool is_complete = for_each_live_block(
        [](void* context, LiveBlock block) {
            auto& into = *static_cast<Found*>(context);
            into.twice |= !into.blocks.emplace(block.start, block.size).second;
        },
        &found);
    release_heap();
    EXPECT_TRUE(is_complete);
    EXPECT_FALSE(found.twice);
    return found.blocks;
}

/// Of the blocks that came since `before`.
Live new_since(const Live& before)
{
    Live live = find_live();
    for (const auto& block : before)
        live.erase(block.first);
    return live;
}

std::uintptr_t address_of(const void* block)
{
    return reinterpret_cast<std::uintptr_t>(block);
}

class LiveBlocks : public testing::Test {
protected:
    void SetUp() override
    {
        own_heap();
        fallback = fallback_backend(FallbackKind::mmap);
        before_ = find_live();
    }
    void TearDown() override
    {
        verify_heap();
        EXPECT_EQ(new_since(before_), Live{});
    }
    const Live& before() const { return before_; }

private:
    Live before_;
};

TEST_F(LiveBlocks, AreThoseOfAModelAfterRandomOperations)
{
    test::Random random;
    std::vector<void*> blocks(3000);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 2000; ++i) {
            void*& block = blocks[random.below(blocks.size())];
            deallocate(block);
            block = random.below(3) == 0 ? nullptr : allocate(random.size_up_to(KiB(200)));
        }
        if (round % 7 == 3) own_heap().trim(); // holes
        if (round % 7 == 5) {
            test::in_thread([&] {
                for (std::size_t i = 0; i < blocks.size(); i += 3) {
                    deallocate(blocks[i]);
                    blocks[i] = allocate(100);
                }
            });
        }
        Live expected;
        for (const void* const block : blocks)
            if (block != nullptr) expected.emplace(address_of(block), usable_size(block));
        ASSERT_EQ(new_since(before()), expected) << "round " << round;
    }
    for (void* const block : blocks)
        deallocate(block);
}

TEST_F(LiveBlocks, AreNoneThatAnotherThreadFreed)
{
    test::Blocks blocks(100, 512);
    test::in_thread([&] {
        for (std::size_t i = 0; i < 50; ++i)
            blocks.free(i);
        // Some are still in the batch of this thread, some on their way home.
        EXPECT_EQ(new_since(before()).size(), 50U);
    });
    EXPECT_EQ(new_since(before()).size(), 50U);
}

TEST_F(LiveBlocks, AreNoneInAnArmedBin)
{
    test::Blocks blocks(20, 48);
    for (std::size_t i = 0; i < 10; ++i)
        blocks.free(i);
    own_heap().arm(size_class_for(48));
    EXPECT_EQ(new_since(before()).size(), 10U);
    own_heap().disarm(size_class_for(48));
}

TEST_F(LiveBlocks, IncludeLargeOnesUntilTheyAreFreed)
{
    void* const block = allocate(MiB(5));
    void* const grown = reallocate(allocate(MiB(2)), MiB(7));
    const Live live = new_since(before());
    EXPECT_EQ(live, (Live{{address_of(block), usable_size(block)},
                          {address_of(grown), usable_size(grown)}}));
    deallocate(block);
    deallocate(grown);
    EXPECT_EQ(new_since(before()).size(), 0U) << "what is kept for later is no block";
}

TEST_F(LiveBlocks, LieInTheAllocatorsOwnMemory)
{
    std::array<MemoryRange, 16> ranges;
    const std::size_t count = list_own_memory(ranges);
    ASSERT_GE(count, 5U);
    test::Blocks blocks(1, 64);
    EXPECT_TRUE(ranges[0].contains(address_of(blocks[0]))) << "the pools come first";
    for (std::size_t i = 0; i < count; ++i)
        EXPECT_LE(ranges[i].start, ranges[i].end);
}

} // namespace

} // namespace tarn
