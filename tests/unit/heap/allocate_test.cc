// SPDX-License-Identifier: MIT
//
// allocate.h and deallocate.h: what malloc, calloc, aligned_alloc and free are made of.

#include "src/heap/allocate.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "src/heap/deallocate.h"
#include "src/heap/large.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"

namespace tarn {

namespace {

using test::fill;
using test::holds;
using test::is_aligned;
using test::is_zero;

/// Around the boundary of each class, and some beyond the pools.
std::vector<std::size_t> interesting_sizes()
{
    std::vector<std::size_t> sizes{0, 1, 2, 7, 8, 9, MiB(1) + 1, MiB(2), MiB(5) + 3};
    for (std::size_t index = 1; index < kSizeClassCount; ++index) {
        const std::size_t size = block_size(static_cast<SizeClass>(index));
        sizes.insert(sizes.end(), {size - 1, size, size + 1});
    }
    return sizes;
}

class AllocateTest : public testing::Test {
protected:
    void TearDown() override { verify_heap(); }
};

TEST_F(AllocateTest, GivesEverySizeAnAlignedBlockOfItsOwn)
{
    struct Block {
        void* address;
        std::size_t size;
    };
    std::vector<Block> blocks;
    std::uint64_t tag = 0;
    for (int round = 0; round < 3; ++round) {
        for (const std::size_t size : interesting_sizes()) {
            void* const block = allocate(size);
            ASSERT_NE(block, nullptr);
            ASSERT_TRUE(is_aligned(block, kMinAlignment)) << size;
            ASSERT_GE(usable_size(block), size);
            fill(block, usable_size(block), tag++);
            blocks.push_back({block, usable_size(block)});
        }
    }
    verify_heap();
    tag = 0;
    for (const Block& block : blocks) {
        ASSERT_TRUE(holds(block.address, block.size, tag++));
        ASSERT_EQ(usable_size(block.address), block.size);
        deallocate(block.address);
    }
}

TEST_F(AllocateTest, GivesZeroBytesAUniqueBlock)
{
    std::set<void*> seen;
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(seen.insert(allocate(0)).second);
    EXPECT_FALSE(seen.contains(nullptr));
    for (void* const block : seen)
        deallocate(block);
}

TEST_F(AllocateTest, GivesTheBlockFreedLastFirst)
{
    const test::Blocks warm(10, 48);
    void* const first = allocate(48);
    void* const second = allocate(48);
    deallocate(first);
    deallocate(second);
    EXPECT_EQ(allocate(33), second);
    EXPECT_EQ(allocate(48), first);
    deallocate(first);
    deallocate(second);
}

TEST_F(AllocateTest, RefusesImpossibleSizes)
{
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    for (const std::size_t size : {kMost, kMost - 15, kMost - KiB(64), kMost / 2 + 1, kMost / 2}) {
        errno = 0;
        EXPECT_EQ(allocate(size), nullptr) << size;
        EXPECT_EQ(errno, ENOMEM) << size;
        errno = 0;
        EXPECT_EQ(allocate_zeroed(size), nullptr) << size;
        EXPECT_EQ(errno, ENOMEM) << size;
        errno = 0;
        EXPECT_EQ(allocate_aligned(size, 64), nullptr) << size;
        EXPECT_EQ(errno, ENOMEM) << size;
        errno = 0;
        EXPECT_EQ(allocate_aligned(size, MiB(1)), nullptr) << size;
        EXPECT_EQ(errno, ENOMEM) << size;
    }
    errno = 0;
    EXPECT_EQ(allocate_aligned(1, std::size_t{1} << 62), nullptr);
    EXPECT_EQ(errno, ENOMEM);
}

TEST_F(AllocateTest, ServesAlignmentsUpToTheLargestPooledSizeFromThePools)
{
    for (std::size_t alignment = 32; alignment <= kMaxPooledSize; alignment *= 2) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{100}, KiB(33), KiB(600), MiB(1)}) {
            void* const block = allocate_aligned(size, alignment);
            EXPECT_TRUE(address_range.contains(block)) << size << " at " << alignment;
            EXPECT_TRUE(is_aligned(block, alignment)) << size << " at " << alignment;
            EXPECT_GE(usable_size(block), size);
            deallocate(block);
        }
    }
}

TEST_F(AllocateTest, KeepsErrnoOnSuccessAndInFree)
{
    errno = 4711;
    for (const std::size_t size : interesting_sizes()) {
        void* const blocks[] = {allocate(size), allocate_zeroed(size), allocate_aligned(size, 128)};
        for (void* const block : blocks)
            deallocate(block);
    }
    deallocate(nullptr);
    EXPECT_EQ(errno, 4711);
}

TEST_F(AllocateTest, ClearsWhatItGivesZeroed)
{
    for (int round = 0; round < 3; ++round) {
        for (const std::size_t size : interesting_sizes()) {
            void* const blocks[] = {allocate_zeroed(size), allocate_zeroed(size)};
            for (void* const block : blocks) {
                ASSERT_NE(block, nullptr);
                ASSERT_TRUE(is_aligned(block, kMinAlignment));
                ASSERT_TRUE(is_zero(block, size)) << size << " in round " << round;
                std::memset(block, 0xff, usable_size(block));
            }
            for (void* const block : blocks)
                deallocate(block);
        }
    }
}

TEST_F(AllocateTest, ClearsMemoryThatWasUsedInAnotherClass)
{
    test::Random random;
    for (int i = 0; i < 3000; ++i) {
        const std::size_t size = random.size_up_to(KiB(200));
        void* const block = allocate_zeroed(size);
        ASSERT_TRUE(is_zero(block, size)) << size;
        std::memset(block, 0xff, usable_size(block));
        deallocate(block);
        if (random.one_in(20)) test::own_heap().trim();
    }
}

TEST_F(AllocateTest, AlignsToEveryPowerOfTwo)
{
    for (std::size_t alignment = 1; alignment <= MiB(4); alignment *= 2) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100}, KiB(1),
                                       KiB(1) + 1, KiB(5), KiB(60), KiB(700), MiB(1), MiB(3)}) {
            void* const blocks[] = {allocate_aligned(size, alignment),
                                    allocate_aligned(size, alignment)};
            for (void* const block : blocks) {
                ASSERT_NE(block, nullptr);
                ASSERT_TRUE(is_aligned(block, std::max(alignment, kMinAlignment)))
                    << size << " aligned " << alignment;
                ASSERT_GE(usable_size(block), size);
                std::memset(block, 0xff, usable_size(block));
            }
            for (void* const block : blocks)
                deallocate(block);
        }
    }
}

TEST_F(AllocateTest, AlignsEverySizeOfThePools)
{
    test::Random random;
    for (int i = 0; i < 5000; ++i) {
        const std::size_t size = random.size_up_to(kMaxPooledSize);
        const std::size_t alignment = std::size_t{1} << random.below(15);
        void* const block = allocate_aligned(size, alignment);
        ASSERT_TRUE(is_aligned(block, alignment)) << size << " aligned " << alignment;
        ASSERT_GE(usable_size(block), size);
        ASSERT_TRUE(address_range.contains(block)) << size << " aligned " << alignment;
        deallocate(block);
    }
}

TEST_F(AllocateTest, ServesUpToItsLimitFromThePools)
{
    void* const pooled = allocate(kMaxPooledSize);
    void* const large = allocate(kMaxPooledSize + 1);
    EXPECT_TRUE(address_range.contains(pooled));
    EXPECT_FALSE(address_range.contains(large));
    EXPECT_TRUE(owns_large(large));
    deallocate(pooled);
    deallocate(large);
}

TEST_F(AllocateTest, TellsNoSizeOfNullAndOfForeignPointers)
{
    int on_stack = 0;
    EXPECT_EQ(usable_size(nullptr), 0U);
    EXPECT_EQ(usable_size(test::foreign(&on_stack)), 0U);
}

TEST_F(AllocateTest, LeavesForeignPointersAloneAndCountsThem)
{
    const std::size_t before = unknown_frees();
    int on_stack = 4711;
    static int in_data = 4712;
    deallocate(test::foreign(&on_stack));
    deallocate(test::foreign(&in_data));
    deallocate(reinterpret_cast<void*>(std::uintptr_t{1} << 63));
    EXPECT_EQ(unknown_frees(), before + 3);
    EXPECT_EQ(on_stack, 4711);
    EXPECT_EQ(in_data, 4712);
    deallocate(nullptr);
    EXPECT_EQ(unknown_frees(), before + 3) << "NULL is no pointer of anybody's";
}

TEST_F(AllocateTest, LeavesPointersIntoUnusedGranulesAloneAndCountsThem)
{
    const std::size_t before = unknown_frees();
    std::byte* const unused =
        address_range.granule_address(address_range.chunk_count() * kChunkGranules - 1);
    ASSERT_EQ(address_range.descriptor(address_range.granule_of(unused)), 0U);
    deallocate(unused);
    EXPECT_EQ(unknown_frees(), before + 1);
}

} // namespace

} // namespace tarn
