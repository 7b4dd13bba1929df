// SPDX-License-Identifier: MIT
//
// The page heap alone: nothing here allocates blocks, so that every figure is this test's own.

#include "src/heap/page_heap.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/settings.h"
#include "src/os/process.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/resident.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using Granules = Run; // testing::Test has a Run of its own

std::byte* address_of(const Run& run)
{
    return address_range.granule_address(run.granule);
}

/// Writes into every page of the first `granules`.
void touch(const Run& run, std::size_t granules)
{
    for (std::size_t offset = 0; offset < granules * kGranule; offset += os::kPageSize)
        std::memset(address_of(run) + offset, 0xff, 64);
}

class PageHeapTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(address_range.initialise({})); }

    void SetUp() override
    {
        page_heap.purge_all();
        ASSERT_EQ(page_heap.used(), 0U);
        ASSERT_EQ(page_heap.dirty(), 0U);
    }
    void TearDown() override
    {
        page_heap.verify();
        EXPECT_EQ(page_heap.used(), 0U);
    }
};

struct Taken {
    Run run;
    std::size_t touched; // granules
};

/// Takes and releases runs at random, and knows what must be true of each.
class RandomUser {
public:
    explicit RandomUser(std::uint64_t stream) : random_(stream) {}
    RandomUser(const RandomUser&) = delete;
    RandomUser& operator=(const RandomUser&) = delete;
    ~RandomUser()
    {
        while (!taken_.empty())
            release(taken_.size() - 1);
    }

    void step()
    {
        if (taken_.size() < 200 && !random_.one_in(3))
            take();
        else if (!taken_.empty())
            release(random_.below(taken_.size()));
    }

    std::size_t used() const
    {
        std::size_t granules = 0;
        for (const Taken& taken : taken_)
            granules += taken.run.granules;
        return granules * kGranule;
    }
    const std::vector<Taken>& taken() const { return taken_; }

private:
    void take()
    {
        static constexpr std::size_t kSizes[] = {1, 1, 1, 2, 4, 8, 3, 5, 7, 9, 17, 33, 64};
        const Run run =
            page_heap.allocate(kSizes[random_.below(std::size(kSizes))], Growth::sparse);
        ASSERT_NE(run.granules, 0U);
        const std::size_t last = run.granule + run.granules - 1;
        EXPECT_EQ(run.granule / kChunkGranules, last / kChunkGranules) << "within one chunk";
        if (is_power_of_two(run.granules)) {
            EXPECT_EQ(run.granule % run.granules, 0U) << "aligned to its size";
        }
        if (run.known_zero) {
            EXPECT_TRUE(test::is_zero(address_of(run), run.granules * kGranule));
        }
        const std::size_t touched = random_.below(run.granules + 1);
        touch(run, touched);
        // Whom it belongs to: another one's tag in it would be an overlap.
        std::memcpy(address_of(run), &run.granule, touched != 0 ? sizeof(run.granule) : 0);
        taken_.push_back({run, touched});
    }

    void release(std::size_t which)
    {
        const Taken taken = taken_[which];
        if (taken.touched != 0) {
            EXPECT_EQ(
                std::memcmp(address_of(taken.run), &taken.run.granule, sizeof(taken.run.granule)),
                0);
        }
        page_heap.release(taken.run.granule, taken.run.granules, taken.touched, Growth::sparse);
        taken_[which] = taken_.back();
        taken_.pop_back();
    }

    test::Random random_;
    std::vector<Taken> taken_;
};

TEST_F(PageHeapTest, NeverHandsAGranuleOutTwice)
{
    RandomUser user(1);
    for (int step = 0; step < 20000; ++step) {
        user.step();
        ASSERT_EQ(page_heap.used(), user.used());
        if (step % 50 == 0) page_heap.verify();
        if (step % 2000 == 0) page_heap.purge_all();
        if (step % 1000 != 0) continue;
        std::map<std::size_t, std::size_t> ends; // start -> end
        for (const Taken& taken : user.taken())
            ends[taken.run.granule] = taken.run.granule + taken.run.granules;
        ASSERT_EQ(ends.size(), user.taken().size());
        std::size_t last_end = 0;
        for (const auto& [start, end] : ends) {
            ASSERT_GE(start, last_end);
            last_end = end;
        }
    }
}

TEST_F(PageHeapTest, MayBeUsedByManyThreadsAtOnce)
{
    test::in_threads(4, [](std::size_t thread) {
        RandomUser user(thread);
        for (int step = 0; step < 3000; ++step) {
            user.step();
            if (thread == 0 && step % 300 == 0) page_heap.purge_all();
            if (thread == 1 && step % 100 == 0)
                page_heap.purge_due(os::clock_milliseconds() + settings.purge_delay, 4);
        }
    });
}

TEST_F(PageHeapTest, ScatteredRunsLieWhereNobodyCanTell)
{
    settings.scatters_slabs = true;
    std::set<std::size_t> distances;
    std::vector<Granules> runs;
    for (int i = 0; i < 40; ++i) {
        runs.push_back(page_heap.allocate(2, Growth::sparse));
        if (i > 0) distances.insert(runs[i].granule - runs[i - 1].granule);
    }
    settings.scatters_slabs = false;
    EXPECT_GT(distances.size(), 10U);
    for (const Granules& run : runs)
        page_heap.release(run.granule, 2, 0, Growth::sparse);
    page_heap.verify();
}

TEST_F(PageHeapTest, AGapIsTakenButIsNoMemory)
{
    const std::size_t used = page_heap.used();
    const Granules run = page_heap.allocate(3, Growth::dense, 5);
    EXPECT_EQ(run.granules, 3U);
    EXPECT_EQ(run.granule % 8, 0U) << "aligned to the size of both";
    EXPECT_EQ(page_heap.used(), used + 3 * kGranule);
    const Granules next = page_heap.allocate(1, Growth::sparse);
    EXPECT_TRUE(next.granule < run.granule || next.granule >= run.granule + 8);
    page_heap.release(next.granule, 1, 0, Growth::sparse);
    page_heap.release(run.granule, 3, 0, Growth::dense, 5);
    EXPECT_EQ(page_heap.used(), used);
    page_heap.verify();
}

TEST_F(PageHeapTest, CountsFreeMemoryThatIsStillThere)
{
    const Granules run = page_heap.allocate(8, Growth::sparse);
    EXPECT_EQ(page_heap.dirty(), 0U) << "in use is not free";
    touch(run, 3);
    page_heap.release(run.granule, 8, 3, Growth::sparse);
    EXPECT_EQ(page_heap.dirty(), 3 * kGranule);
    const Granules again = page_heap.allocate(1, Growth::sparse);
    EXPECT_EQ(again.granule, run.granule) << "memory that is still there comes first";
    EXPECT_FALSE(again.known_zero);
    EXPECT_EQ(page_heap.dirty(), 2 * kGranule);
    page_heap.release(again.granule, 1, 0,
                      Growth::sparse); // untouched this time, but dirty from before
    EXPECT_EQ(page_heap.dirty(), 3 * kGranule);
}

TEST_F(PageHeapTest, GivesAllFreeMemoryBackAtOnceWhenAsked)
{
    const Granules kept = page_heap.allocate(16, Growth::sparse);
    const Granules freed = page_heap.allocate(16, Growth::sparse);
    touch(kept, 16);
    touch(freed, 16);
    page_heap.release(freed.granule, 16, 16, Growth::sparse);
    const std::size_t purged = page_heap.purged();
    EXPECT_EQ(page_heap.purge_all(), 16 * kGranule);
    EXPECT_EQ(page_heap.purged(), purged + 16 * kGranule);
    EXPECT_EQ(page_heap.dirty(), 0U);
    EXPECT_EQ(test::resident_bytes(address_of(freed), 16 * kGranule), 0U);
    EXPECT_EQ(test::resident_bytes(address_of(kept), 16 * kGranule), 16 * kGranule);
    const Granules again = page_heap.allocate(16, Growth::sparse);
    EXPECT_TRUE(again.known_zero);
    EXPECT_TRUE(test::is_zero(address_of(again), 16 * kGranule));
    page_heap.release(again.granule, 16, 0, Growth::sparse);
    page_heap.release(kept.granule, 16, 16, Growth::sparse);
}

TEST_F(PageHeapTest, KeepsFreeMemoryForThePurgeDelay)
{
    const Granules run = page_heap.allocate(4, Growth::sparse);
    touch(run, 4);
    page_heap.release(run.granule, 4, 4, Growth::sparse);
    page_heap.purge_due(os::clock_milliseconds(), 16);
    EXPECT_EQ(page_heap.dirty(), 4 * kGranule);
    // One more than the delay: the clock may have moved on since the release.
    page_heap.purge_due(os::clock_milliseconds() + settings.purge_delay + 1, 16);
    EXPECT_EQ(page_heap.dirty(), 0U);
}

TEST_F(PageHeapTest, GivesBackABoundedPartAtATime)
{
    std::vector<Granules> runs;
    for (int i = 0; i < 12; ++i) {
        runs.push_back(page_heap.allocate(kChunkGranules, Growth::sparse)); // a chunk each
        touch(runs.back(), 1);
    }
    for (const Granules& run : runs)
        page_heap.release(run.granule, run.granules, 1, Growth::sparse);
    EXPECT_EQ(page_heap.dirty(), 12 * kGranule);
    page_heap.purge_due(os::clock_milliseconds() + settings.purge_delay + 1, 5);
    EXPECT_EQ(page_heap.dirty(), 7 * kGranule);
}

TEST_F(PageHeapTest, KeepsTheAddressOfTheRangeToItself)
{
    std::vector<Granules> runs;
    for (std::size_t i = 0; i < 2 * kChunkGranules; ++i) {
        runs.push_back(page_heap.allocate(1, Growth::sparse));
        EXPECT_NE(runs.back().granule, 0U);
    }
    for (const Granules& run : runs)
        page_heap.release(run.granule, 1, 0, Growth::sparse);
}

TEST_F(PageHeapTest, PrefersTheChunkThatFitsBest)
{
    const Granules wide = page_heap.allocate(kChunkGranules, Growth::sparse);
    const Granules narrow = page_heap.allocate(kChunkGranules, Growth::sparse);
    page_heap.release(wide.granule, 100, 0, Growth::sparse);
    page_heap.release(narrow.granule, 8, 0, Growth::sparse);
    const Granules run = page_heap.allocate(8, Growth::sparse);
    EXPECT_EQ(run.granule, narrow.granule);
    page_heap.release(run.granule, 8, 0, Growth::sparse);
    page_heap.release(wide.granule + 100, kChunkGranules - 100, 0, Growth::sparse);
    page_heap.release(narrow.granule + 8, kChunkGranules - 8, 0, Growth::sparse);
}

} // namespace

} // namespace tarn
