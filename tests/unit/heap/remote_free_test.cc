// SPDX-License-Identifier: MIT

#include "src/heap/remote_free.h"

#include <atomic>
#include <barrier>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "src/heap/budget.h"
#include "src/heap/heap_registry.h"
#include "src/heap/page_heap.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::Blocks;
using test::own_heap;
using test::own_state;

class RemoteFree : public testing::Test {
protected:
    void SetUp() override { own_heap().trim(); }
    void TearDown() override { verify_heap(); }
};

TEST_F(RemoteFree, BringsEveryBlockHome)
{
    for (const std::size_t size :
         {std::size_t{16}, std::size_t{48}, std::size_t{1000}, KiB(4), KiB(20), KiB(100)}) {
        const std::uint64_t received = own_state(size).received;
        std::vector<void*> blocks;
        for (int i = 0; i < 500; ++i)
            blocks.push_back(allocate(size));
        test::in_thread([&] {
            for (void* const block : blocks)
                deallocate(block);
        });
        own_heap().collect_remote();
        EXPECT_EQ(own_state(size).received, received + 500) << size;
        own_heap().trim();
        EXPECT_EQ(own_state(size).slabs, 0U) << size;
    }
}

TEST_F(RemoteFree, GathersSmallBlocksOfASlab)
{
    std::vector<void*> blocks;
    for (int i = 0; i < 256; ++i)
        blocks.push_back(allocate(32));
    const std::uint64_t batches = own_heap().remote_batches();
    test::in_thread([&] {
        for (void* const block : blocks)
            deallocate(block);
    });
    own_heap().collect_remote();
    // 64 to a batch, which the owner finds joined slab by slab.
    EXPECT_LE(own_heap().remote_batches(), batches + 2);
}

TEST_F(RemoteFree, PublishesAFullBatchAtOnce)
{
    std::vector<void*> blocks;
    for (int i = 0; i < 64; ++i)
        blocks.push_back(allocate(16));
    Slab& slab = test::slab_of(blocks[0]);
    test::in_thread([&] {
        for (int i = 0; i < 63; ++i)
            deallocate(blocks[static_cast<std::size_t>(i)]);
        EXPECT_EQ(slab.remote.load().count, 0U);
        deallocate(blocks[63]);
        EXPECT_EQ(slab.remote.load().count, 64U);
    });
    own_heap().collect_remote();
}

TEST_F(RemoteFree, PublishesBlocksOfAPageAtOnce)
{
    void* const block = allocate(KiB(4));
    Slab& slab = test::slab_of(block);
    test::in_thread([&] {
        deallocate(block);
        EXPECT_EQ(slab.remote.load().count, 1U);
    });
    EXPECT_EQ(own_heap().remote_queue().load(), &slab);
    own_heap().collect_remote();
    EXPECT_EQ(own_heap().remote_queue().load(), nullptr);
    EXPECT_EQ(slab.remote.load().count, 0U);
}

TEST_F(RemoteFree, PublishesABatchThatHasToMakeWay)
{
    // More slabs than there are batches: most have to make way for another.
    std::vector<void*> blocks;
    std::set<Slab*> slabs;
    while (slabs.size() < 4 * kRemoteBatches) {
        blocks.push_back(allocate(512));
        slabs.insert(&test::slab_of(blocks.back()));
    }
    const std::uint64_t received = own_state(512).received;
    std::size_t held_back = 0;
    test::in_thread([&] {
        for (void* const block : blocks)
            deallocate(block);
        for (const RemoteBatch& batch : this_thread_cache().remote)
            held_back += batch.count;
        std::size_t published = 0;
        for (const Slab* const slab : slabs)
            published += slab->remote.load().count;
        EXPECT_EQ(published + held_back, blocks.size());
        EXPECT_LE(held_back * 512, kRemoteBatches * KiB(4)) << "at most a page of each slab";
    });
    own_heap().collect_remote();
    EXPECT_EQ(own_state(512).received, received + blocks.size()) << "the rest came when it ended";
}

/// Frees all blocks but the first `kept` of each slab, in another thread.
void free_elsewhere(Blocks& blocks, std::size_t kept)
{
    test::in_thread([&] {
        std::map<Slab*, std::size_t> seen;
        for (std::size_t i = 0; i < blocks.size(); ++i)
            if (seen[&test::slab_of(blocks[i])]++ >= kept) blocks.free(i);
    });
}

TEST_F(RemoteFree, ComesHomeAFewSlabsPerMiss)
{
    Blocks blocks(50 * shape_of(size_class_for(2000)).capacity, 2000);
    free_elsewhere(blocks, 1);
    const std::uint64_t before = own_heap().remote_batches();
    const void* const other = allocate(KiB(5)); // of a class without a bin: a miss, and a new slab
    EXPECT_NE(other, nullptr);
    EXPECT_GT(own_heap().remote_batches(), before);
    EXPECT_LE(own_heap().remote_batches(), before + 20) << "no call waits for all";
    own_heap().collect_remote();
    EXPECT_GE(own_heap().remote_batches(), before + 49);
    deallocate(const_cast<void*>(other));
}

TEST_F(RemoteFree, ComesHomeBeforeTheLimitRefuses)
{
    // What was freed last is looked at first: slabs that stay in use, more than one miss takes.
    const std::size_t capacity = shape_of(size_class_for(2000)).capacity;
    Blocks empty(20 * capacity, 2000);
    Blocks in_use(100 * capacity, 2000);
    free_elsewhere(empty, 0);
    free_elsewhere(in_use, 1);
    budget.set(budget.used(), [](std::size_t, std::size_t) {});
    void* const block = allocate(KiB(5));
    budget.set(0, [](std::size_t, std::size_t) {});
    EXPECT_TRUE(address_range.contains(block)) << "the memory of empty slabs";
    deallocate(block);
}

TEST_F(RemoteFree, IsCountedAnewForAThreadThatForkStopped)
{
    Blocks blocks(10, 64);
    test::in_thread([&] {
        for (std::size_t i = 0; i < 5; ++i)
            blocks.free(i);
        ThreadCache& cache = this_thread_cache();
        for (RemoteBatch& batch : cache.remote) {
            if (batch.key == 0) continue;
            EXPECT_EQ(batch.count, 5U);
            batch.count = 4; // as between the two last stores of append_remote()
        }
        cache.heap->recount_bins();
        std::size_t held_back = 0;
        for (const RemoteBatch& batch : cache.remote)
            held_back += batch.count;
        EXPECT_EQ(held_back, 5U);
    });
    const std::uint64_t received = own_state(64).received;
    own_heap().collect_remote();
    EXPECT_EQ(own_state(64).received, received + 5);
}

TEST_F(RemoteFree, IsPublishedOnDemand)
{
    void* const block = allocate(64);
    Slab& slab = test::slab_of(block);
    test::in_thread([&] {
        deallocate(block);
        EXPECT_EQ(slab.remote.load().count, 0U);
        publish_all(this_thread_cache());
        EXPECT_EQ(slab.remote.load().count, 1U);
        publish_all(this_thread_cache());
        EXPECT_EQ(slab.remote.load().count, 1U);
    });
    own_heap().collect_remote();
}

TEST_F(RemoteFree, JoinsTheListsOfManyThreads)
{
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kEach = 3000;
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < kThreads * kEach; ++i)
        blocks.push_back(allocate(80));
    const std::uint64_t received = own_state(80).received;
    std::barrier start(kThreads);
    // Each thread has blocks of every slab.
    test::in_threads(kThreads, [&](std::size_t thread) {
        start.arrive_and_wait();
        for (std::size_t i = thread; i < blocks.size(); i += kThreads)
            deallocate(blocks[i]);
    });
    own_heap().collect_remote();
    EXPECT_EQ(own_state(80).received, received + blocks.size());
    own_heap().trim();
    EXPECT_EQ(own_state(80).slabs, 0U);
}

TEST_F(RemoteFree, MayGoOnWhileTheOwnerCollects)
{
    // A ring of places: the owner fills empty ones, two others free what they find.
    constexpr std::size_t kBlocks = 200'000;
    std::array<std::atomic<void*>, 256> places{};
    std::atomic<bool> stop{false};
    std::thread owner([&] {
        test::Random random(7);
        for (std::size_t made = 0; made < kBlocks; ++made) {
            const std::size_t size = 16 + random.below(300);
            void* const block = allocate(size);
            test::fill(block, size, size);
            static_cast<std::uint16_t*>(block)[0] = static_cast<std::uint16_t>(size);
            deallocate(places[random.below(places.size())].exchange(block));
        }
        stop.store(true);
        own_heap().collect_remote();
        own_heap().verify();
    });
    test::in_threads(2, [&](std::size_t thread) {
        test::Random random(thread);
        while (!stop.load(std::memory_order_relaxed)) {
            void* const block = places[random.below(places.size())].exchange(nullptr);
            if (block == nullptr) continue;
            const std::size_t size = static_cast<std::uint16_t*>(block)[0];
            ASSERT_EQ(static_cast<unsigned char*>(block)[size - 1],
                      test::expected_byte(size, size - 1));
            deallocate(block);
        }
    });
    owner.join();
    for (std::atomic<void*>& place : places)
        deallocate(place.exchange(nullptr));
}

TEST_F(RemoteFree, FindsABlockByItsNumber)
{
    const Blocks blocks(100, 144);
    for (void* const block : blocks) {
        const Slab& slab = test::slab_of(block);
        const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(block) -
                                                     address_range.slab_start(slab));
        EXPECT_EQ(block_at(slab, offset / 144), block);
    }
}

} // namespace

} // namespace tarn
