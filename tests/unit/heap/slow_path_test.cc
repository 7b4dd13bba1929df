// SPDX-License-Identifier: MIT
//
// What belongs to no tier alone: pointers of others, trimming the process, an ending thread.

#include "src/heap/slow_path.h"

#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "src/heap/heap_registry.h"
#include "src/heap/large.h"
#include "src/heap/page_heap.h"
#include "src/heap/resize.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/resident.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::own_heap;

/// Somebody else's allocator with a single block.
struct OtherOwner {
    static bool free(void* block)
    {
        if (block != memory.data()) return false;
        ++frees;
        return true;
    }
    static std::size_t usable_size(const void* block)
    {
        return block == memory.data() ? memory.size() : 0;
    }
    static inline std::array<unsigned char, 200> memory{};
    static inline int frees = 0;
};

class ForeignPointers : public testing::Test {
protected:
    void SetUp() override
    {
        own_heap();
        set_foreign_owner({.free = OtherOwner::free, .usable_size = OtherOwner::usable_size});
        OtherOwner::frees = 0;
    }
    void TearDown() override
    {
        set_foreign_owner({});
        verify_heap();
    }
};

TEST_F(ForeignPointers, AreFreedByTheirOwner)
{
    const std::size_t unknown = unknown_frees();
    deallocate(test::foreign(OtherOwner::memory.data()));
    EXPECT_EQ(OtherOwner::frees, 1);
    EXPECT_EQ(unknown_frees(), unknown);
    deallocate(test::foreign(OtherOwner::memory.data() + 8));
    EXPECT_EQ(OtherOwner::frees, 1);
    EXPECT_EQ(unknown_frees(), unknown + 1);
}

TEST_F(ForeignPointers, HaveTheSizeTheirOwnerSays)
{
    EXPECT_EQ(usable_size(test::foreign(OtherOwner::memory.data())), 200U);
    EXPECT_EQ(usable_size(test::foreign(OtherOwner::memory.data() + 8)), 0U);
}

TEST_F(ForeignPointers, BecomeOursWhenTheyAreResized)
{
    test::fill(OtherOwner::memory.data(), 200, 4);
    void* const moved = reallocate(test::foreign(OtherOwner::memory.data()), 5000);
    EXPECT_TRUE(address_range.contains(moved));
    EXPECT_TRUE(test::holds(moved, 200, 4));
    EXPECT_EQ(OtherOwner::frees, 1);
    deallocate(moved);
}

class Trim : public testing::Test {
protected:
    void SetUp() override
    {
        own_heap();
        trim_process();
    }
    void TearDown() override { verify_heap(); }
};

TEST_F(Trim, GivesBackWhatThisThreadAndEndedThreadsDoNotNeed)
{
    const auto use_memory = [] {
        for (const std::size_t size : {std::size_t{50}, KiB(2), KiB(200), MiB(2)}) {
            const test::Blocks blocks(MiB(8) / size, size);
            for (void* const block : blocks)
                std::memset(block, 1, size);
        }
    };
    use_memory();
    test::in_threads(3, [&](std::size_t) { use_memory(); });
    EXPECT_TRUE(trim_process());
    EXPECT_EQ(page_heap.used(), 0U);
    EXPECT_EQ(page_heap.dirty(), 0U);
    EXPECT_EQ(fallback->dirty(), 0U);
    EXPECT_EQ(test::resident_bytes(address_range.granule_address(0),
                                   address_range.chunk_count() * kChunkSize),
              0U);
}

TEST_F(Trim, KeepsEveryLiveBlock)
{
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 3000; ++i) {
        blocks.push_back(allocate(i * 3));
        test::fill(blocks.back(), i * 3, i);
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        deallocate(blocks[i]);
    trim_process();
    for (std::size_t i = 1; i < blocks.size(); i += 2) {
        ASSERT_TRUE(test::holds(blocks[i], i * 3, i));
        deallocate(blocks[i]);
    }
}

TEST_F(Trim, SaysWhetherAnythingWentBack)
{
    trim_process();
    EXPECT_FALSE(trim_process());
    {
        const test::Blocks blocks(100, KiB(16));
        for (void* const block : blocks)
            std::memset(block, 1, KiB(16));
    }
    EXPECT_TRUE(trim_process());
    EXPECT_FALSE(trim_process());
}

TEST(EndingThread, FreesRemoteBlocksThatItHeldBack)
{
    void* const block = allocate(64);
    Slab& slab = test::slab_of(block);
    test::in_thread([&] {
        own_heap();
        deallocate(block);
        EXPECT_EQ(slab.remote.load().count, 0U);
    });
    EXPECT_EQ(slab.remote.load().count, 1U);
    own_heap().collect_remote();
}

TEST(EndingThread, WithoutAHeapTakesNone)
{
    const std::size_t count = heap_registry.count();
    test::in_thread([] {});
    EXPECT_EQ(heap_registry.count(), count);
}

} // namespace

} // namespace tarn
