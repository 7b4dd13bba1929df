// SPDX-License-Identifier: MIT

#include "tracer/slab_account.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

using State = SlabBlock::State;

constexpr SlabBlock kFree{.size = 0, .trace = 0, .state = State::free};
constexpr SlabBlock kCached{.size = 0, .trace = 0, .state = State::cached};

SlabBlock live(std::uint32_t size, std::uint32_t trace)
{
    return {.size = size, .trace = trace, .state = State::live};
}

PageSet pages(std::initializer_list<std::size_t> numbers)
{
    PageSet set;
    for (const std::size_t number : numbers)
        set.add(number);
    return set;
}

/// Of four pages, with 16 blocks of 1 KiB.
SlabView slab_of(const std::vector<SlabBlock>& blocks)
{
    return {.memory = {0, KiB(16)}, .block_size = KiB(1), .capacity = 16, .blocks = blocks};
}

std::size_t trace_itself(std::uint32_t trace)
{
    return trace;
}

class SlabAccountTest : public testing::Test {
protected:
    SlabAccount& account() { return account_; }
    std::array<SparseSlabs, 4>& places() { return places_; }

private:
    std::array<SparseSlabs, 4> places_{};
    SlabAccount account_{places_, trace_itself};
};

TEST_F(SlabAccountTest, HasEachBytePerPageOnce)
{
    std::vector<SlabBlock> blocks(8, kFree);
    blocks[0] = live(1000, 1);
    blocks[1] = live(1024, 1);
    blocks[2] = kCached;
    blocks[5] = live(500, 2); // on a page without memory
    account().add(slab_of(blocks), pages({0, 2}));
    const MemoryShares& shares = account().shares();
    EXPECT_EQ(shares.used, 2024U);
    EXPECT_EQ(shares.rounding, 24U);
    EXPECT_EQ(shares.cached, 1024U);
    EXPECT_EQ(shares.between, 1024U + os::kPageSize); // the last page was never handed out
    EXPECT_EQ(shares.untouched, 500U);
    EXPECT_EQ(shares.sum(), 2 * os::kPageSize);
}

TEST_F(SlabAccountTest, HasBlocksAcrossTheEndOfAPage)
{
    const std::vector<SlabBlock> blocks{live(3000, 1), live(2500, 1)};
    account().add({.memory = {0, KiB(16)}, .block_size = 3072, .capacity = 5, .blocks = blocks},
                  pages({0}));
    EXPECT_EQ(account().shares().used, 3000U + 1024U);
    EXPECT_EQ(account().shares().rounding, 72U);
    EXPECT_EQ(account().shares().untouched, 2500U - 1024U);
    EXPECT_EQ(account().shares().sum(), os::kPageSize);
}

TEST_F(SlabAccountTest, KeepsWhatNobodyUses)
{
    account().add(slab_of(std::vector<SlabBlock>(16, kFree)), pages({0, 1, 2, 3}));
    EXPECT_EQ(account().shares().kept, KiB(16));
    EXPECT_EQ(account().shares().between, 0U);
    EXPECT_EQ(account().sparse().slabs, 0U);
}

TEST_F(SlabAccountTest, SharesWhatIsEmptyAmongTheBlocksThatKeepIt)
{
    std::vector<SlabBlock> blocks(16, kFree);
    blocks[3] = live(1024, 1);
    blocks[4] = live(1024, 1);
    blocks[9] = live(1000, 2);
    blocks[15] = kCached;
    account().add(slab_of(blocks), pages({0, 1, 2, 3}));
    account().add(slab_of(blocks), pages({0, 1, 2, 3}));
    const std::uint64_t empty = KiB(26);
    EXPECT_EQ(account().sparse().slabs, 2U);
    EXPECT_EQ(account().sparse().blocks, 6U);
    EXPECT_EQ(account().sparse().empty, empty);
    EXPECT_EQ(places()[1].empty + places()[2].empty, empty);
    EXPECT_EQ(places()[1].blocks, 4U);
    EXPECT_EQ(places()[1].slabs, 2U);
    EXPECT_EQ(places()[1].used, 4096U);
    EXPECT_NEAR(static_cast<double>(places()[1].empty),
                2.0 * static_cast<double>(places()[2].empty), 4);
}

TEST_F(SlabAccountTest, CountsAQuarterOfWhatWasHandedOutAsSparse)
{
    std::vector<SlabBlock> blocks(16, kFree);
    for (const std::size_t index : {0, 1, 2, 3})
        blocks[index] = live(1024, 1);
    account().add(slab_of(blocks), pages({0, 1, 2, 3}));
    EXPECT_EQ(account().sparse().slabs, 1U);
    blocks[4] = live(1024, 1);
    account().add(slab_of(blocks), pages({0, 1, 2, 3}));
    EXPECT_EQ(account().sparse().slabs, 1U);
    // One that has only begun to be filled says nothing.
    account().add(slab_of({live(1024, 1), live(1024, 1), live(1024, 1)}), pages({0}));
    EXPECT_EQ(account().sparse().slabs, 1U);
}

TEST_F(SlabAccountTest, CountsPlacesThatItDoesNotKnowInTheSumOnly)
{
    std::vector<SlabBlock> blocks(16, kFree);
    blocks[0] = live(1024, 77);
    account().add(slab_of(blocks), pages({0, 1}));
    EXPECT_EQ(account().sparse().empty, KiB(7));
    for (const SparseSlabs& place : places())
        EXPECT_EQ(place.blocks, 0U);
}

} // namespace

} // namespace tarn
