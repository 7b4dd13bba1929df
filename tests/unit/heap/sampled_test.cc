// SPDX-License-Identifier: MIT
//
// A sample is told of, and what is told stands for all. It must begin before the first allocation,
// so this test has a configure_heap() of its own. The heap's own promises under sampling are those
// of heap_property_test and the stress tests, which run once more with it.

#include "src/heap/sampled.h"

#include <cmath>
#include <map>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/live_blocks.h"
#include "src/heap/observed.h"
#include "src/heap/slow_path.h"
#include "src/heap/statistics.h"
#include "src/heap/verify.h"
#include "src/include/tarn/malloc.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::CoreCalls;

constexpr std::size_t kPeriod = KiB(8);

/// What was told of one size.
struct Told {
    std::uint64_t samples = 0;
    std::uint64_t allocated = 0; // as far as estimated
    std::uint64_t freed = 0;
};

// The test's own memory comes from libc, so that the observer may ask for some.
std::mutex told_mutex;
std::map<std::size_t, Told> told_of;

BlockOrigin record_allocated(std::size_t size, std::size_t, std::uint32_t weight)
{
    const std::lock_guard guard(told_mutex);
    Told& told = told_of[size];
    ++told.samples;
    told.allocated += weight;
    return {.born = weight, .trace = 7};
}

void record_freed(const BlockNote& note)
{
    const std::lock_guard guard(told_mutex);
    EXPECT_EQ(note.trace, 7U);
    told_of[note.size].freed += note.born;
}

constexpr Observer kRecorder{.allocated = record_allocated,
                             .freed = record_freed,
                             .resized = [](const BlockNote&, std::size_t) {},
                             .thread_leaves = [] {}};

/// Of `count` blocks of `size` bytes an estimate must not be further away than this: six standard
/// deviations, of the class that they come from.
double tolerance(std::size_t size, double count)
{
    const std::size_t chance = size <= kMaxPooledSize ? block_size(size_class_for(size)) : size;
    const double p = Sampler::probability(static_cast<double>(chance) / kPeriod);
    return 6 * std::sqrt(count * (1 - p) / p + count / 4) + 1;
}

void expect_estimated(std::size_t size, std::uint64_t allocated, std::uint64_t live = 0)
{
    SCOPED_TRACE(size);
    const auto count = static_cast<double>(allocated);
    const Told& told = told_of[size];
    EXPECT_NEAR(static_cast<double>(told.allocated), count, tolerance(size, count));
    EXPECT_NEAR(static_cast<double>(told.allocated - told.freed), static_cast<double>(live),
                tolerance(size, static_cast<double>(live)) + (live == 0 ? -1 : 0));
}

class Sampled : public testing::Test {
protected:
    void SetUp() override
    {
        test::own_heap();
        told_of.clear();
    }
    void TearDown() override { verify_heap(); }
};

TEST_F(Sampled, EstimatesWhatIsAllocatedAndFreedAtOnce)
{
    constexpr std::uint64_t kRounds = 200000;
    for (std::uint64_t i = 0; i < kRounds; ++i)
        CoreCalls::deallocate(CoreCalls::allocate(40));
    expect_estimated(40, kRounds);
    EXPECT_LT(told_of[40].samples, kRounds / 100) << "one in 171 is";
}

// What follows another, and what comes first after a free, are as likely as anything else.
TEST_F(Sampled, DoesNotPreferAPlaceInAPattern)
{
    constexpr std::uint64_t kRounds = 200000;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        void* const first = CoreCalls::allocate(33); // all of them of one class
        void* const second = CoreCalls::allocate(34);
        CoreCalls::deallocate(first);
        void* const third = CoreCalls::allocate(35);
        CoreCalls::deallocate(second);
        CoreCalls::deallocate(third);
    }
    for (const std::size_t size : {33, 34, 35})
        expect_estimated(size, kRounds);
}

TEST_F(Sampled, EstimatesEverySizeAndEveryCall)
{
    constexpr std::uint64_t kRounds = 3000;
    const std::vector<std::size_t> sizes{1,      17,     250,     300,     KiB(2) + 5,
                                         KiB(5), KiB(9), KiB(33), KiB(90), MiB(1) + 1};
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        for (const std::size_t size : sizes) {
            CoreCalls::deallocate(CoreCalls::allocate(size));
            CoreCalls::deallocate(CoreCalls::allocate_zeroed(size));
        }
    }
    for (const std::size_t size : sizes)
        expect_estimated(size, 2 * kRounds);
}

TEST_F(Sampled, KnowsTheSampleThatIsStillInUse)
{
    constexpr std::uint64_t kBlocks = 20000;
    std::vector<void*> blocks;
    for (std::uint64_t i = 0; i < kBlocks; ++i) {
        blocks.push_back(CoreCalls::allocate(100));
        blocks.push_back(CoreCalls::allocate(200));
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        CoreCalls::deallocate(blocks[i]);
    expect_estimated(100, kBlocks);
    expect_estimated(200, kBlocks, kBlocks);
    for (std::size_t i = 1; i < blocks.size(); i += 2)
        CoreCalls::deallocate(blocks[i]);
    expect_estimated(200, kBlocks);
}

TEST_F(Sampled, HearsOfBlocksThatOtherThreadsFree)
{
    constexpr std::uint64_t kBlocks = 20000;
    std::vector<void*> blocks(kBlocks);
    for (void*& block : blocks)
        block = CoreCalls::allocate(64);
    test::in_thread([&] {
        for (void* const block : blocks)
            CoreCalls::deallocate(block);
    });
    expect_estimated(64, kBlocks);
}

TEST_F(Sampled, EachThreadHasItsOwnSample)
{
    constexpr std::uint64_t kRounds = 50000;
    test::in_threads(4, [](std::size_t number) {
        for (std::uint64_t i = 0; i < kRounds; ++i)
            CoreCalls::deallocate(CoreCalls::allocate(1001 + number));
    });
    for (const std::size_t size : {1001, 1002, 1003, 1004})
        expect_estimated(size, kRounds);
}

TEST_F(Sampled, ReallocIsAFreeAndAnAllocation)
{
    constexpr std::uint64_t kRounds = 3000;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        void* block = CoreCalls::allocate(MiB(2));
        block = CoreCalls::reallocate(block, MiB(2) + KiB(600));
        block = CoreCalls::reallocate(block, KiB(100));
        CoreCalls::deallocate(block);
    }
    expect_estimated(MiB(2), kRounds);
    expect_estimated(MiB(2) + KiB(600), kRounds);
    expect_estimated(KiB(100), kRounds);
}

TEST_F(Sampled, CountsEveryBlockForTheStatistics)
{
    tarn_statistics before{};
    collect_statistics(before);
    test::Random random;
    std::vector<void*> blocks;
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    for (int i = 0; i < 100000; ++i) {
        if (!blocks.empty() && random.one_in(2)) {
            std::swap(blocks[random.below(blocks.size())], blocks.back());
            CoreCalls::deallocate(blocks.back());
            blocks.pop_back();
            ++frees;
        } else {
            blocks.push_back(CoreCalls::allocate(random.size_up_to(KiB(100))));
            ++allocations;
        }
        if (i % 5000 != 0) continue;
        verify_heap();
        tarn_statistics now{};
        collect_statistics(now);
        EXPECT_EQ(now.allocations - before.allocations, allocations);
        EXPECT_EQ(now.frees - before.frees, frees);
        std::size_t live = 0;
        for (const void* const block : blocks)
            live += CoreCalls::usable_size(block);
        EXPECT_EQ(now.live - before.live, live);
    }
    for (void* const block : blocks)
        CoreCalls::deallocate(block);
}

std::size_t count_live()
{
    std::size_t count = 0;
    hold_heap();
    for_each_live_block([](void* number, LiveBlock) { ++*static_cast<std::size_t*>(number); },
                        &count);
    release_heap();
    return count;
}

TEST_F(Sampled, FreeBlocksOfSplitBinsAreNotInUse)
{
    const std::size_t before = count_live();
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) {
        blocks.push_back(CoreCalls::allocate(80));
        CoreCalls::deallocate(CoreCalls::allocate(80));
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2)
        CoreCalls::deallocate(blocks[i]);
    EXPECT_EQ(count_live() - before, blocks.size() / 2);
    for (std::size_t i = 1; i < blocks.size(); i += 2)
        CoreCalls::deallocate(blocks[i]);
}

TEST_F(Sampled, ThreadsLeaveNothingBehind)
{
    const std::size_t before = count_live();
    test::in_threads(4, [](std::size_t) {
        for (int i = 0; i < 100; ++i)
            CoreCalls::deallocate(CoreCalls::allocate(80));
    });
    EXPECT_EQ(count_live(), before);
    verify_heap();
}

TEST_F(Sampled, TrimTakesSplitBinsToo)
{
    for (const std::size_t size : {std::size_t{80}, KiB(1), KiB(20)})
        CoreCalls::deallocate(CoreCalls::allocate(size));
    trim_process();
    const ThreadCache& cache = this_thread_cache();
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        EXPECT_EQ(cache.bins[index].head, nullptr);
        EXPECT_EQ(cache.freed[index].head, nullptr);
    }
}

} // namespace

/// In place of the weak one.
void configure_heap()
{
    settings.observer = &kRecorder;
    settings.sample_period = kPeriod;
}

} // namespace tarn
