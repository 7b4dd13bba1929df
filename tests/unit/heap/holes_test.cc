// SPDX-License-Identifier: MIT

#include "src/heap/holes.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "src/heap/page_heap.h"
#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/resident.h"

namespace tarn {

namespace {

using test::Blocks;
using test::own_heap;
using test::own_state;
using test::slab_of;

std::size_t resident(const Slab& slab)
{
    return test::resident_bytes(address_range.slab_start(slab), shape_of(slab.size_class).span());
}

class HolesTest : public testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override { own_heap().trim(); }
    void TearDown() override
    {
        verify_heap();
        own_heap().trim();
        EXPECT_EQ(own_state(GetParam()).absent, 0U);
    }
};

TEST_P(HolesTest, GivesBackWhatLiesFreeAroundABlockInUse)
{
    const std::size_t size = GetParam();
    const std::size_t capacity = shape_of(size_class_for(size)).capacity;
    Blocks blocks(4 * capacity, size);
    for (void* const block : blocks)
        std::memset(block, 0x5a, size);
    const std::size_t kept = capacity + capacity / 2;
    Slab& slab = slab_of(blocks[kept]);
    for (std::size_t i = 0; i < blocks.size(); ++i)
        if (i != kept) blocks.free(i);
    const std::size_t purged = page_heap.purged();
    own_heap().trim();
    verify_heap();

    // The block and the pages that it shares stay.
    EXPECT_LE(resident(slab), round_up(size, os::kPageSize) + os::kPageSize);
    EXPECT_GT(slab.absent, 0U);
    EXPECT_EQ(own_state(size).absent, slab.absent);
    EXPECT_GT(page_heap.purged(), purged);
    EXPECT_TRUE(std::ranges::all_of(static_cast<unsigned char*>(blocks[kept]),
                                    static_cast<unsigned char*>(blocks[kept]) + size,
                                    [](unsigned char byte) { return byte == 0x5a; }));
}

TEST_P(HolesTest, FillsHolesBeforeItTakesANewSlab)
{
    const std::size_t size = GetParam();
    const std::size_t capacity = shape_of(size_class_for(size)).capacity;
    Blocks blocks(capacity, size);
    Slab& slab = slab_of(blocks[capacity - 1]);
    for (std::size_t i = 0; i + 1 < capacity; ++i)
        blocks.free(i);
    own_heap().trim();
    ASSERT_GT(slab.absent, 0U);
    const std::uint32_t slabs = own_state(size).slabs;

    const Blocks again(capacity - 1, size);
    EXPECT_EQ(own_state(size).slabs, slabs);
    EXPECT_EQ(own_state(size).absent, 0U);
    EXPECT_EQ(slab.holes, 0U);
    const std::set<void*> distinct(again.begin(), again.end());
    EXPECT_EQ(distinct.size(), again.size());
    EXPECT_FALSE(distinct.contains(blocks[capacity - 1]));
    for (void* const block : again)
        std::memset(block, 1, size);
    verify_heap();
}

TEST_P(HolesTest, LeavesBlocksInUseAloneWhateverIsFree)
{
    const std::size_t size = GetParam();
    const std::size_t count = 5 * std::size_t{shape_of(size_class_for(size)).capacity};
    test::Random random(size);
    std::vector<unsigned char*> blocks(count);
    for (int round = 0; round < 30; ++round) {
        for (std::size_t i = 0; i < count; ++i) {
            unsigned char*& block = blocks[i];
            if (block != nullptr) {
                const auto tag = static_cast<unsigned char>(i);
                ASSERT_TRUE(std::all_of(block, block + size,
                                        [=](unsigned char byte) { return byte == tag; }))
                    << "seed " << size << ", round " << round;
            }
            if (random.below(10) == 0 && block == nullptr) {
                block = static_cast<unsigned char*>(allocate(size));
                std::memset(block, static_cast<int>(i & 255), size);
            } else if (random.below(3) == 0 && block != nullptr) {
                deallocate(block);
                block = nullptr;
            }
        }
        if (random.below(2) == 0) own_heap().trim();
        verify_heap();
    }
    for (unsigned char* const block : blocks)
        deallocate(block);
}

INSTANTIATE_TEST_SUITE_P(Sizes, HolesTest,
                         testing::Values(16, 48, 100, 256, 400, 1024, 1500, 4096, 5000, 12000,
                                         32768),
                         [](const auto& test) { return "Of" + std::to_string(test.param); });

} // namespace

} // namespace tarn
