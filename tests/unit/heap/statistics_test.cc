// SPDX-License-Identifier: MIT
//
// The figures must be exactly what the test did: nothing is sampled, nothing is lost.

#include "src/heap/statistics.h"

#include <array>
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/heap_registry.h"
#include "src/heap/page_heap.h"
#include "src/heap/remote_free.h"
#include "src/heap/resize.h"
#include "src/heap/verify.h"
#include "src/include/tarn/malloc.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

struct Done {
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    std::uint64_t live() const { return allocations - frees; }
};

/// What one thread did, by size class; the last place counts the fallback's blocks.
using Ledger = std::array<Done, kSizeClassCount + 1>;

std::size_t place_of(const void* block)
{
    const std::size_t usable = usable_size(block);
    if (!address_range.contains(block)) return kSizeClassCount;
    // malloc(0) has a class of its own with the same block size as the next.
    const std::size_t granule = address_range.granule_of(block);
    EXPECT_EQ(block_size(static_cast<SizeClass>(address_range.descriptor(granule) & 255)), usable);
    return address_range.descriptor(granule) & 255;
}

void* counted_allocate(Ledger& ledger, std::size_t size, std::size_t how)
{
    void* const block = how == 0   ? allocate_zeroed(size)
                        : how == 1 ? allocate_aligned(size, 64)
                                   : allocate(size);
    ++ledger[place_of(block)].allocations;
    return block;
}

void counted_free(Ledger& ledger, void* block)
{
    ++ledger[place_of(block)].frees;
    deallocate(block);
}

void add_to(Ledger& sum, const Ledger& ledger)
{
    for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i].allocations += ledger[i].allocations;
        sum[i].frees += ledger[i].frees;
    }
}

tarn_statistics statistics_now()
{
    tarn_statistics statistics{};
    statistics.size = sizeof(statistics);
    collect_statistics(statistics);
    return statistics;
}

class Statistics : public testing::Test {
protected:
    void SetUp() override
    {
        test::own_heap();
        for (std::size_t i = 0; i < kSizeClassCount; ++i) {
            const ClassStatistics now = class_statistics(static_cast<SizeClass>(i));
            before_[i] = {now.allocations, now.frees};
        }
        all_before_ = statistics_now();
    }
    void TearDown() override { verify_heap(); }

    /// Expects that exactly this was done since the test began.
    void expect_done(const Ledger& ledger)
    {
        Done all;
        std::uint64_t live_bytes = 0;
        for (std::size_t i = 0; i < kSizeClassCount; ++i) {
            const auto size_class = static_cast<SizeClass>(i);
            const ClassStatistics now = class_statistics(size_class);
            ASSERT_EQ(now.allocations - before_[i].allocations, ledger[i].allocations) << i;
            ASSERT_EQ(now.frees - before_[i].frees, ledger[i].frees) << i;
            ASSERT_EQ(now.live, ledger[i].live() + before_[i].live()) << i;
            all.allocations += ledger[i].allocations;
            all.frees += ledger[i].frees;
            live_bytes += ledger[i].live() * block_size(size_class);
        }
        const Done& large = ledger[kSizeClassCount];
        const tarn_statistics now = statistics_now();
        ASSERT_EQ(now.allocations - all_before_.allocations, all.allocations + large.allocations);
        ASSERT_EQ(now.frees - all_before_.frees, all.frees + large.frees);
        ASSERT_EQ(now.fallback_allocations - all_before_.fallback_allocations, large.allocations);
        ASSERT_EQ(now.live - now.fallback_live - (all_before_.live - all_before_.fallback_live),
                  live_bytes);
    }
    const tarn_statistics& all_before() const { return all_before_; }

private:
    std::array<Done, kSizeClassCount> before_{};
    tarn_statistics all_before_{};
};

/// Everything of a slab is live, cached, free in it, untouched, or too small for one more block.
void expect_slabs_to_add_up()
{
    std::uint64_t slab_bytes = 0;
    for (std::size_t i = 0; i < kSizeClassCount; ++i) {
        const SlabShape& shape = shape_of(static_cast<SizeClass>(i));
        const ClassStatistics now = class_statistics(static_cast<SizeClass>(i));
        ASSERT_EQ(now.live + now.cached + now.in_slabs + now.in_transit + now.untouched,
                  now.slabs * shape.capacity);
        slab_bytes += now.slabs * shape.granules * kGranule;
    }
    ASSERT_EQ(slab_bytes, page_heap.used());
}

TEST_F(Statistics, CountEveryCallOfOneThread)
{
    test::Random random;
    Ledger ledger{};
    std::vector<void*> live;
    for (int step = 0; step < 60000; ++step) {
        if (live.empty() || random.below(100) < 51) {
            const std::size_t most = random.one_in(100) ? MiB(3) : KiB(8);
            live.push_back(counted_allocate(ledger, random.size_up_to(most), random.below(6)));
        } else {
            std::swap(live[random.below(live.size())], live.back());
            counted_free(ledger, live.back());
            live.pop_back();
        }
        if (step % 3000 == 0) {
            expect_done(ledger);
            expect_slabs_to_add_up();
        }
        if (random.one_in(2000)) test::own_heap().flush();
        if (random.one_in(4000)) test::own_heap().trim();
    }
    for (void* const block : live)
        counted_free(ledger, block);
    expect_done(ledger);
    expect_slabs_to_add_up();
}

TEST_F(Statistics, CountARunOfPairsThatNeverLeavesTheFastPath)
{
    Ledger ledger{};
    const std::uint64_t misses = class_statistics(size_class_for(40)).misses;
    for (int i = 0; i < 1'000'000; ++i)
        deallocate(allocate(40));
    ledger[index_of(size_class_for(40))] = {1'000'000, 1'000'000};
    expect_done(ledger);
    EXPECT_LE(class_statistics(size_class_for(40)).misses, misses + 2)
        << "all but the first were answered by the bin";
}

TEST_F(Statistics, CountEveryCallOfManyThreads)
{
    constexpr std::size_t kThreads = 4;
    std::array<Ledger, kThreads> ledgers{};
    std::array<std::atomic<void*>, 512> shared{}; // whoever comes next frees what lies there
    std::barrier start(kThreads);
    test::in_threads(kThreads, [&](std::size_t thread) {
        counted_free(ledgers[thread], counted_allocate(ledgers[thread], 1, 5)); // has a heap
        start.arrive_and_wait(); // or they might run one after the other, and share one heap
        test::Random random(thread);
        Ledger& ledger = ledgers[thread];
        for (int step = 0; step < 40000; ++step) {
            void* const block = counted_allocate(
                ledger, random.size_up_to(random.one_in(300) ? MiB(2) : KiB(4)), random.below(6));
            void* const other = shared[random.below(shared.size())].exchange(block);
            if (other != nullptr) counted_free(ledger, other);
        }
    });
    Ledger sum{};
    for (const Ledger& ledger : ledgers)
        add_to(sum, ledger);
    expect_done(sum); // also of what is on its way to the heaps of the ended threads
    expect_slabs_to_add_up();
    heap_registry.trim_all_parked();
    expect_done(sum);
    expect_slabs_to_add_up();
    EXPECT_GT(statistics_now().remote_frees, all_before().remote_frees);

    Ledger own{};
    for (std::atomic<void*>& place : shared)
        if (void* const block = place.exchange(nullptr); block != nullptr) counted_free(own, block);
    add_to(sum, own);
    expect_done(sum);
    publish_all(this_thread_cache());
    heap_registry.trim_all_parked();
    expect_done(sum);
    expect_slabs_to_add_up();
}

TEST_F(Statistics, CountABlockThatMovesAsOneMore)
{
    Ledger ledger{};
    void* const block = counted_allocate(ledger, 100, 5);
    void* const moved = reallocate(block, 1000);
    ++ledger[index_of(size_class_for(100))].frees;
    ++ledger[index_of(size_class_for(1000))].allocations;
    EXPECT_EQ(reallocate(moved, 900), moved); // stays: nothing to count
    expect_done(ledger);
    counted_free(ledger, moved);
    expect_done(ledger);
}

TEST_F(Statistics, CountFreesOfPointersThatAreNobodys)
{
    int on_stack = 0;
    deallocate(test::foreign(&on_stack));
    EXPECT_EQ(statistics_now().unknown_frees, all_before().unknown_frees + 1);
}

TEST_F(Statistics, FollowTheFallback)
{
    Ledger ledger{};
    void* const block = counted_allocate(ledger, MiB(5), 5);
    EXPECT_EQ(statistics_now().fallback_live, all_before().fallback_live + usable_size(block));
    EXPECT_EQ(statistics_now().live, all_before().live + usable_size(block));
    expect_done(ledger);
    counted_free(ledger, block);
    EXPECT_EQ(statistics_now().fallback_live, all_before().fallback_live);
    expect_done(ledger);
}

TEST_F(Statistics, EstimateRoundingFromTheRequestsThatMissed)
{
    // Each of these misses: it has a slab of its own.
    const std::size_t step = block_size(size_class_for(KiB(900))) - KiB(900);
    std::vector<void*> blocks;
    for (int i = 0; i < 50; ++i)
        blocks.push_back(allocate(KiB(900)));
    const ClassStatistics now = class_statistics(size_class_for(KiB(900)));
    // What other tests asked for in this class counts as well.
    EXPECT_GE(now.rounding, 50 * step / 2);
    EXPECT_LE(now.rounding, 50 * step * 2);
    for (void* const block : blocks)
        deallocate(block);
}

TEST_F(Statistics, KnowTheMostThatWasEverUsed)
{
    const std::uint64_t most = all_before().peak + MiB(8);
    {
        const test::Blocks blocks(most / KiB(64), KiB(64));
        EXPECT_GE(statistics_now().peak, most / KiB(64) * KiB(64));
    }
    test::own_heap().trim();
    EXPECT_GE(statistics_now().peak, most / KiB(64) * KiB(64));
}

TEST_F(Statistics, DoNotAddThePeaksOfDifferentTimes)
{
    // First 200 MiB of one kind, then 200 MiB of the other: never 300 together.
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i)
        blocks.push_back(allocate(MiB(1)));
    for (void* const block : blocks)
        deallocate(block);
    test::own_heap().trim();
    void* const large = allocate(MiB(200));
    EXPECT_LT(statistics_now().peak, MiB(300));
    deallocate(large);
}

TEST_F(Statistics, CountHeapsAndSlabsAndOwnRecords)
{
    const test::Blocks blocks(10, KiB(30));
    const tarn_statistics now = statistics_now();
    EXPECT_EQ(now.size, sizeof(now));
    EXPECT_EQ(now.heaps, heap_registry.count());
    EXPECT_GE(now.slabs, 3U);
    EXPECT_EQ(now.limit, 0U);
    EXPECT_GT(now.resident, 0U);
    EXPECT_GE(now.peak_resident, now.resident);
}

TEST_F(Statistics, CountTheRecordsOfEveryHeap)
{
    const std::uint64_t metadata = statistics_now().metadata;
    std::atomic<int> running{0};
    test::in_threads(50, [&](std::size_t) { // their records take more than they did before
        test::own_heap();
        ++running;
        while (running.load() < 50)
            std::this_thread::yield();
    });
    EXPECT_GE(statistics_now().metadata, metadata + 40 * sizeof(Heap));
}

} // namespace

} // namespace tarn
