// SPDX-License-Identifier: MIT
//
// Large blocks, over each back end: this file runs everything twice.

#include "src/heap/large.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "src/heap/resize.h"
#include "src/heap/settings.h"
#include "src/heap/verify.h"
#include "src/os/process.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

struct Counts {
    std::uint64_t allocations = large_counters.allocations.load();
    std::uint64_t frees = large_counters.frees.load();
    std::uint64_t live = large_counters.live.load();
    std::uint64_t allocated = large_counters.allocated.load();
};

class Large : public testing::TestWithParam<FallbackKind> {
protected:
    void SetUp() override
    {
        test::own_heap();
        purge_large(); // what the test before has left
        fallback = fallback_backend(GetParam());
        purge_large();
        before_ = Counts{};
    }
    void TearDown() override
    {
        verify_heap();
        EXPECT_EQ(large_counters.live.load(), before_.live) << "all is freed";
        settings.pools = true;
    }
    const Counts& before() const { return before_; }

private:
    Counts before_;
};

std::vector<FallbackKind> kinds()
{
    std::vector<FallbackKind> present;
    for (const FallbackKind kind : {FallbackKind::jemalloc, FallbackKind::mmap})
        if (fallback_backend(kind) != nullptr) present.push_back(kind);
    return present;
}

INSTANTIATE_TEST_SUITE_P(Over, Large, testing::ValuesIn(kinds()), [](const auto& info) {
    return std::string(fallback_backend(info.param)->name);
});

TEST_P(Large, CountsWhatIsLive)
{
    void* const block = allocate(MiB(3));
    const std::size_t usable = usable_size(block);
    EXPECT_EQ(large_counters.allocations.load(), before().allocations + 1);
    EXPECT_EQ(large_counters.live.load(), before().live + usable);
    EXPECT_EQ(large_counters.allocated.load(), before().allocated + usable);
    deallocate(block);
    EXPECT_EQ(large_counters.frees.load(), before().frees + 1);
    EXPECT_EQ(large_counters.live.load(), before().live);
}

TEST_P(Large, CountsWhatIsLiveThroughEveryResize)
{
    test::Random random;
    settings.pools = false; // so that small blocks are the fallback's, too
    void* block = allocate(MiB(2));
    for (int i = 0; i < 1000; ++i) {
        block = reallocate(block, 1 + random.size_up_to(MiB(4)));
        ASSERT_NE(block, nullptr);
        ASSERT_EQ(large_counters.live.load(), before().live + usable_size(block)) << i;
    }
    deallocate(block);
}

TEST_P(Large, CountsExactlyFromManyThreads)
{
    test::in_threads(4, [](std::size_t thread) {
        test::Random random(thread);
        void* block = allocate(MiB(2));
        for (int i = 0; i < 300; ++i) {
            block = reallocate(block, MiB(1) + 1 + random.size_up_to(MiB(2)));
            test::fill(block, 100, thread);
            if (random.one_in(3)) {
                deallocate(block);
                block = allocate(MiB(1) + 1 + random.size_up_to(MiB(1)));
            }
        }
        deallocate(block);
    });
    EXPECT_EQ(large_counters.live.load(), before().live);
}

TEST_P(Large, KnowsItsBlocksFromOthers)
{
    void* const block = allocate(MiB(2));
    int on_stack = 0;
    EXPECT_TRUE(owns_large(block));
    EXPECT_FALSE(owns_large(&on_stack));
    EXPECT_FALSE(owns_large(nullptr));
    EXPECT_EQ(large_usable_size(block), usable_size(block));
    deallocate(block);
}

TEST_P(Large, GivesZeroedMemoryAlsoWhenItIsUsedAgain)
{
    for (int i = 0; i < 5; ++i) {
        void* const block = allocate_zeroed(MiB(2));
        EXPECT_TRUE(test::is_zero(block, MiB(2)));
        std::memset(block, 0xff, MiB(2));
        deallocate(block);
    }
}

TEST_P(Large, GivesTheBlockFreedLastBackForTheSameSize)
{
    void* const block = allocate(MiB(2));
    std::memset(block, 1, MiB(2));
    deallocate(block);
    EXPECT_EQ(allocate(MiB(2)), block);
    EXPECT_EQ(static_cast<unsigned char*>(block)[MiB(1)], 1) << "its memory was not given back";
    deallocate(block);
}

TEST_P(Large, LeavesABlockAloneThatWasFreedBefore)
{
    void* const block = allocate(MiB(3));
    deallocate(block);
    const std::size_t unknown = unknown_frees();
    deallocate(block);
    EXPECT_EQ(unknown_frees(), unknown + 1);
    void* const one = allocate(MiB(3));
    void* const other = allocate(MiB(3));
    EXPECT_NE(one, other);
    deallocate(one);
    deallocate(other);
}

TEST_P(Large, KeepsAGrownBlocksMemoryOnceItIsWantedAgain)
{
    const auto grow = [] {
        void* block = allocate(MiB(1));
        for (std::size_t size = MiB(2); size <= MiB(8); size += MiB(1)) {
            block = reallocate(block, size);
            static_cast<char*>(block)[size - 1] = 1;
        }
        return block;
    };
    deallocate(grow());
    EXPECT_EQ(fallback_backend(FallbackKind::mmap)->dirty(), 0U) << "once is no reason";
    deallocate(grow());
    EXPECT_GE(fallback_backend(FallbackKind::mmap)->dirty(), MiB(8));
    void* const block = grow();
    EXPECT_EQ(fallback_backend(FallbackKind::mmap)->dirty(), 0U) << "it has grown into it";
    deallocate(block);
    purge_large();
    EXPECT_EQ(fallback_backend(FallbackKind::mmap)->dirty(), 0U);
}

TEST_P(Large, KeepsForGrowthNoMoreThanWasWantedAgain)
{
    const FallbackBackend& growing = *fallback_backend(FallbackKind::mmap);
    const auto grown_to = [](std::size_t size) {
        return reallocate(reallocate(allocate(MiB(1)), MiB(2)), size);
    };
    deallocate(grown_to(MiB(24)));
    deallocate(grown_to(MiB(24))); // wanted again: so much is kept from now on
    std::array<void*, 5> blocks{};
    for (void*& block : blocks)
        block = grown_to(MiB(10));
    deallocate(blocks[0]);
    deallocate(blocks[2]);
    EXPECT_GE(growing.dirty(), MiB(20)) << "and so much it is";
    // Not one of these fits into what is kept, which therefore does not get less.
    void* const one = grown_to(MiB(15));
    deallocate(blocks[4]);
    EXPECT_LE(growing.dirty(), MiB(24) + MiB(1));
    for (void* const block : {one, blocks[1], blocks[3]})
        deallocate(block);
}

TEST_P(Large, ServesEverythingWithoutPools)
{
    test::own_heap().trim(); // what lies in the bins would still be used
    settings.pools = false;
    test::Random random;
    std::vector<void*> blocks;
    for (std::size_t size = 0; size < 3000; size += 7) {
        blocks.push_back(allocate_aligned(size, std::size_t{16} << random.below(4)));
        ASSERT_TRUE(owns_large(blocks.back())) << size;
        ASSERT_GE(usable_size(blocks.back()), size);
        test::fill(blocks.back(), size, size);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_TRUE(test::holds(blocks[i], i * 7, i * 7));
        deallocate(blocks[i]);
    }
    void* const cleared = allocate_zeroed(500);
    EXPECT_TRUE(test::is_zero(cleared, 500));
    deallocate(cleared);
}

TEST_P(Large, FreesBlocksOfThePoolsAlsoOnceTheyAreOff)
{
    void* const pooled = allocate(100);
    settings.pools = false;
    void* const large = reallocate(pooled, 100000);
    EXPECT_TRUE(owns_large(large));
    deallocate(large);
}

TEST_P(Large, GivesFreeMemoryBackAfterThePurgeDelay)
{
    void* const block = allocate(MiB(16));
    std::memset(block, 1, MiB(16));
    deallocate(block);
    purge_large_due(os::clock_milliseconds() + settings.purge_delay + 1);
    EXPECT_EQ(fallback->dirty(), 0U);
}

TEST_P(Large, GivesFreeMemoryBackWhenAsked)
{
    void* const block = allocate(MiB(2));
    std::memset(block, 1, MiB(2));
    deallocate(block);
    purge_large();
    EXPECT_EQ(fallback->dirty(), 0U);
}

} // namespace

} // namespace tarn
