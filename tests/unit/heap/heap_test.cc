// SPDX-License-Identifier: MIT

#include "src/heap/heap.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/heap/budget.h"
#include "src/heap/page_heap.h"
#include "src/heap/settings.h"
#include "src/heap/verify.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/resident.h"

namespace tarn {

namespace {

using test::binned;
using test::Blocks;
using test::own_heap;
using test::own_state;
using test::slab_of;

class HeapTest : public testing::Test {
protected:
    static void SetUpTestSuite() { settings.purge_delay = 1; }
    static void TearDownTestSuite() { settings.purge_delay = 1000; }
    void SetUp() override { own_heap().trim(); }
    void TearDown() override
    {
        verify_heap();
        own_heap().trim();
        verify_heap();
    }
};

/// What Bin::account and ClassState say together must be what the lists say.
void expect_counts_to_agree(std::size_t size)
{
    const SizeClass size_class = size_class_for(size);
    const Heap& heap = own_heap();
    const ClassState& state = heap.state_of(size_class);
    const std::size_t cached = binned(size);
    EXPECT_EQ(heap.room_when_empty(size_class) - heap.room_of(size_class),
              static_cast<std::int64_t>(cached));
    std::size_t in_slabs = 0;
    for (const Slab* slab = state.with_room.front(); slab != nullptr; slab = slab->next)
        in_slabs += slab->free_count + slab->absent;
    EXPECT_EQ(state.in_slabs, in_slabs);
}

TEST_F(HeapTest, RefillsFromFreeBlocksBeforeItTakesANewSlab)
{
    constexpr std::size_t kSize = KiB(2);
    const std::size_t capacity = shape_of(size_class_for(kSize)).capacity;
    Blocks blocks(3 * capacity, kSize);
    std::set<void*> freed;
    for (std::size_t i = capacity; i < capacity + 10; ++i) {
        freed.insert(blocks[i]);
        blocks.free(i);
    }
    own_heap().flush_bin(size_class_for(kSize));
    const std::uint32_t slabs = own_state(kSize).slabs;
    const Blocks again(10, kSize);
    for (void* const block : again)
        EXPECT_TRUE(freed.contains(block));
    EXPECT_EQ(own_state(kSize).slabs, slabs);
}

TEST_F(HeapTest, FillsTheFullestSlabFirst)
{
    constexpr std::size_t kSize = KiB(2);
    const std::size_t capacity = shape_of(size_class_for(kSize)).capacity;
    Blocks blocks(2 * capacity, kSize);
    Slab& sparse = slab_of(blocks[0]);
    Slab& full = slab_of(blocks[2 * capacity - 1]);
    ASSERT_NE(&sparse, &full);
    for (std::size_t i = 0; i < capacity; i += 2)
        if (&slab_of(blocks[i]) == &sparse) blocks.free(i);
    own_heap().flush();
    const std::size_t free_in_sparse = sparse.free_count;
    EXPECT_GT(free_in_sparse, 0U);
    blocks.free(2 * capacity - 1); // the full slab gets its first block back
    own_heap().flush();
    void* const block = allocate(kSize);
    EXPECT_EQ(&slab_of(block), &full);
    EXPECT_EQ(sparse.free_count, free_in_sparse);
    deallocate(block);
}

TEST_F(HeapTest, GivesEmptySlabsToThePageHeap)
{
    const std::size_t used = page_heap.used();
    for (const std::size_t size : {std::size_t{16}, std::size_t{100}, KiB(3), KiB(30), KiB(200)}) {
        {
            const Blocks blocks(MiB(4) / size, size);
            EXPECT_GE(page_heap.used(), used + MiB(4) / size * size);
        }
        own_heap().flush();
        EXPECT_LE(own_state(size).slabs, 1U) << "the last one of small blocks is kept";
        own_heap().trim();
        EXPECT_EQ(own_state(size).slabs, 0U);
        EXPECT_EQ(own_state(size).carved, 0U);
        EXPECT_EQ(page_heap.used(), used);
    }
}

TEST_F(HeapTest, KeepsTheLastSlabForABlockThatComesAndGoes)
{
    deallocate(allocate(KiB(4)));
    own_heap().flush();
    const std::size_t used = page_heap.used();
    for (int i = 0; i < 100; ++i) {
        void* const block = allocate(KiB(4));
        own_heap().flush();
        EXPECT_EQ(page_heap.used(), used);
        deallocate(block);
        own_heap().flush();
        EXPECT_EQ(page_heap.used(), used);
    }
}

TEST_F(HeapTest, LetsABinGrowWithItsUse)
{
    constexpr std::size_t kSize = 640;
    std::uint32_t last = own_state(kSize).cap;
    std::set<std::uint32_t> caps{last};
    for (int round = 0; round < 40; ++round) {
        const Blocks blocks(300, kSize);
        EXPECT_GE(own_state(kSize).cap, last);
        last = own_state(kSize).cap;
        caps.insert(last);
    }
    EXPECT_GT(caps.size(), 2U);
    EXPECT_LE(binned(kSize), own_state(kSize).cap);
    expect_counts_to_agree(kSize);
}

TEST_F(HeapTest, KeepsABoundedAmountInItsBins)
{
    for (int round = 0; round < 6; ++round) {
        for (std::size_t index = 0; index < kSizeClassCount; ++index) {
            const std::size_t size = block_size(static_cast<SizeClass>(index));
            const Blocks blocks(std::clamp(MiB(1) / size, std::size_t{4}, std::size_t{2000}), size);
        }
    }
    std::size_t given = 0;
    std::size_t held = 0;
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const std::size_t size = block_size(static_cast<SizeClass>(index));
        given += own_state(size).cap * size;
        held += binned(size) * size;
        expect_counts_to_agree(size);
    }
    // A quarter of what was in slabs at most, see cache_room().
    const std::size_t room = std::clamp(budget.peak() / 4, KiB(1280), MiB(16));
    EXPECT_LE(given, room);
    EXPECT_LE(held, room);
    EXPECT_GT(given, KiB(256)) << "most of the least room is in use";
}

TEST_F(HeapTest, DrainsAClassOfWhichMuchIsFree)
{
    constexpr std::size_t kSize = 1000;
    Blocks blocks(MiB(4) / kSize, kSize);
    EXPECT_FALSE(own_state(kSize).draining);
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        blocks.free(i);
    EXPECT_TRUE(own_state(kSize).draining);
    EXPECT_EQ(binned(kSize), 0U);
    expect_counts_to_agree(kSize);
    {
        const Blocks again(blocks.size() / 2, kSize); // the gaps are filled
        EXPECT_FALSE(own_state(kSize).draining);
        expect_counts_to_agree(kSize);
    }
}

/// Frees half of `blocks` at random, then replaces `rounds` times as many as are left, at random.
void shrink_and_replace(Blocks& blocks, std::size_t size, std::size_t rounds)
{
    test::Random random(5);
    std::vector<std::size_t> live;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (random.below(2) == 0)
            blocks.free(i);
        else
            live.push_back(i);
    }
    for (std::size_t i = 0; i < live.size() * rounds; ++i)
        blocks.replace(live[random.below(live.size())], size);
}

TEST_F(HeapTest, EmptiesSlabsOfAClassThatHasShrunk)
{
    constexpr std::size_t kSize = 176;
    Blocks blocks(MiB(8) / kSize, kSize);
    const std::uint32_t slabs = own_state(kSize).slabs;
    shrink_and_replace(blocks, kSize, 8);
    // Half of them would do. Frees and mallocs that met in the bin would leave all.
    EXPECT_LE(own_state(kSize).slabs, slabs * 3 / 4);
    expect_counts_to_agree(kSize);
}

TEST_F(HeapTest, StopsDrainingWhereNoSlabBecomesEmpty)
{
    constexpr std::size_t kSize = 176;
    Blocks blocks(MiB(2) / kSize, kSize);
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        blocks.free(i);
    ASSERT_TRUE(own_state(kSize).draining);
    // Only one block comes and goes: nothing that is live moves.
    std::uint64_t slow_before = 0;
    for (std::size_t i = 0; i < blocks.size() * 10; ++i) {
        if (i == blocks.size() * 9)
            slow_before = own_state(kSize).misses + own_state(kSize).unbinned;
        deallocate(allocate(kSize));
    }
    EXPECT_FALSE(own_state(kSize).draining);
    EXPECT_LE(own_state(kSize).misses + own_state(kSize).unbinned - slow_before,
              blocks.size() / 100)
        << "the bin serves the pair again";
    expect_counts_to_agree(kSize);
}

TEST_F(HeapTest, CountsPushesBeyondTheWidthOfItsAccount)
{
    constexpr std::size_t kSize = 96;
    const Blocks blocks(5, kSize);
    const SizeClass size_class = size_class_for(kSize);
    own_heap().flush_bin(size_class);
    void* const block = allocate(kSize);
    deallocate(block);
    own_heap().flush_bin(size_class);
    own_heap().harvest(size_class);
    const std::uint64_t pushes = own_state(kSize).pushes;
    // As if three billion pairs had come and gone since: each adds one.
    constexpr std::int64_t kPairs = 3'000'000'000;
    this_thread_cache().bins[index_of(size_class)].account += kPairs;
    own_heap().harvest(size_class);
    EXPECT_EQ(own_state(kSize).pushes, pushes + kPairs);
    expect_counts_to_agree(kSize);
}

TEST_F(HeapTest, DoesNotTouchMemoryToGiveItZeroed)
{
    // A run of its own, from memory that was given back: zero without having been looked at.
    page_heap.purge_all();
    constexpr std::size_t kSize = KiB(512);
    void* const block = allocate_zeroed(kSize);
    EXPECT_EQ(test::resident_bytes(block, kSize), 0U);
    deallocate(block);
}

TEST_F(HeapTest, CarvesAPageAtATimeFromUntouchedMemory)
{
    page_heap.purge_all();
    void* const block = allocate(256);
    const Slab& slab = slab_of(block);
    EXPECT_TRUE(slab.known_zero);
    EXPECT_EQ(test::resident_bytes(address_range.slab_start(slab), kGranule), os::kPageSize);
    deallocate(block);
}

TEST_F(HeapTest, PopulatesSlabsOfALargeClass)
{
    page_heap.purge_all();
    const std::size_t in_slab = shape_of(size_class_for(256)).capacity;
    const Blocks blocks(64 * in_slab + 1, 256);
    const Slab& last = slab_of(blocks[64 * in_slab]);
    EXPECT_TRUE(last.known_zero);
    // Where the system cannot (before Linux 5.14), it has the pages that were carved.
    EXPECT_EQ(test::resident_bytes(address_range.slab_start(last), kGranule) == kGranule,
              test::can_populate());
}

TEST_F(HeapTest, ComesByAgainAndAgainThoughItsBinsServeAll)
{
    settings.purge_delay = 150;
    const Blocks in_use(1, 64);
    for (int i = 0; i < 3000 && !own_state(64).armed; ++i) {
        const Blocks blocks(1000, KiB(16)); // slow paths, until one looks at the clock
    }
    ASSERT_TRUE(own_state(64).armed);
    {
        const Blocks blocks(50, 2000);
    }
    ASSERT_GT(binned(2000), 0U);
    // More pairs than visits disarm a bin, and two looks for idle ones. Bounded, as below.
    for (int i = 0; i < 100 && binned(2000) > 0; ++i) {
        ::usleep(20'000);
        deallocate(allocate(64));
    }
    EXPECT_EQ(binned(2000), 0U);
    ::usleep(160'000); // the next test's first look is due then
    settings.purge_delay = 1;
}

TEST_F(HeapTest, FlushesBinsThatAreIdle)
{
    {
        const Blocks blocks(50, 2000);
    }
    ASSERT_GT(binned(2000), 0U);
    // Somebody else's slow paths bring the time; bounded, so that a failure does not hang.
    for (int i = 0; i < 3000 && binned(2000) > 0; ++i) {
        const Blocks blocks(1000, KiB(16));
    }
    EXPECT_EQ(binned(2000), 0U);
}

TEST_F(HeapTest, TrimsWhenTheProcessAskedForIt)
{
    {
        const Blocks blocks(50, 3000);
    }
    ASSERT_GT(binned(3000), 0U);
    trim_epoch.fetch_add(1);
    for (int i = 0; i < 3000 && binned(3000) > 0; ++i) {
        const Blocks blocks(1000, KiB(16));
    }
    EXPECT_EQ(binned(3000), 0U);
}

TEST_F(HeapTest, AgreesWithItsListsAfterAnything)
{
    test::Random random;
    std::vector<void*> live;
    for (int step = 0; step < 30000; ++step) {
        if (live.empty() || random.below(100) < 52) {
            live.push_back(allocate(random.size_up_to(KiB(40))));
        } else {
            std::swap(live[random.below(live.size())], live.back());
            deallocate(live.back());
            live.pop_back();
        }
        if (random.one_in(500)) own_heap().flush();
        if (random.one_in(1000)) own_heap().trim();
        if (random.one_in(300)) verify_heap();
    }
    for (void* const block : live)
        deallocate(block);
    for (std::size_t index = 0; index < kSizeClassCount; ++index)
        expect_counts_to_agree(block_size(static_cast<SizeClass>(index)));
}

} // namespace

} // namespace tarn
