// SPDX-License-Identifier: MIT
//
// The reservation itself; ranges of the test's own beside the global one.

#include "src/heap/address_range.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/chunk.h"
#include "src/heap/heap.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/resident.h"
#include "tests/unit/support/sanitizer.h"

namespace tarn {

namespace {

TEST(AddressRange, HoldsNoPointerBeforeItIsReserved)
{
    const AddressRange range;
    EXPECT_EQ(range.granule_count(), 0U);
    int on_stack = 0;
    EXPECT_FALSE(range.contains(nullptr));
    EXPECT_FALSE(range.contains(&on_stack));
    EXPECT_FALSE(range.contains(reinterpret_cast<void*>(~std::uintptr_t{0})));
}

class Range : public testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(range_.initialise({})); }
    // The reservation itself stays: it costs address space only.

    AddressRange& range() { return range_; }
    std::byte* start() const { return range_.granule_address(0); }
    std::byte* end() const { return range_.granule_address(range_.granule_count()); }

private:
    AddressRange range_;
};

TEST_F(Range, HoldsExactlyItsGranules)
{
    EXPECT_GE(range().granule_count() * kGranule, MiB(64));
    EXPECT_TRUE(test::is_aligned(start(), kChunkSize));
    EXPECT_TRUE(range().contains(start()));
    EXPECT_TRUE(range().contains(end() - 1));
    EXPECT_FALSE(range().contains(end()));
    EXPECT_FALSE(range().contains(start() - 1));
    EXPECT_FALSE(range().contains(nullptr));
    EXPECT_EQ(range().granule_of(start() + 5 * kGranule + 17), 5U);
}

TEST_F(Range, GrowsByWholeChunksThatCanBeUsed)
{
    for (std::size_t number = 0; number < 80; ++number) {
        Chunk* const chunk = range().extend();
        ASSERT_NE(chunk, nullptr);
        ASSERT_EQ(range().chunk_number(*chunk), number);
        ASSERT_EQ(&range().chunk(number), chunk);
        ASSERT_EQ(range().chunk_count(), number + 1);
        const std::size_t first = number * kChunkGranules;
        const std::size_t last = first + kChunkGranules - 1;
        EXPECT_EQ(range().descriptor(first), 0U);
        range().set_descriptor(last, 77);
        EXPECT_EQ(range().descriptor(last), 77U);
        range().slab_record(last).granule = 5;
        std::byte* const memory = range().granule_address(first);
        EXPECT_EQ(*memory, std::byte{0});
        memory[0] = memory[kChunkSize - 1] = std::byte{1};
    }
}

TEST_F(Range, TakesLittleMemoryOfItsOwn)
{
    ASSERT_NE(range().extend(), nullptr);
    EXPECT_LE(range().metadata_committed(), KiB(512));
    EXPECT_EQ(test::resident_bytes(start(), kChunkSize), 0U);
}

TEST_F(Range, FindsTheSlabOfEachBlock)
{
    ASSERT_NE(range().extend(), nullptr);
    const SizeClass shared = size_class_for(KiB(4)); // four granules
    for (std::size_t granule = 8; granule < 12; ++granule)
        EXPECT_EQ(&range().slab_at(granule, shared), &range().slab_record(8));
    const SizeClass single = size_class_for(KiB(80)); // a run of its own, anywhere
    EXPECT_EQ(&range().slab_at(9, single), &range().slab_record(9));
}

TEST_F(Range, HasHeapRecordsForAsManyThreadsAsItSays)
{
    EXPECT_TRUE(range().commit_heap(1));
    EXPECT_EQ(range().heap(1).id(), 0U);
    EXPECT_FALSE(range().commit_heap(range().max_heaps() + 1));
    EXPECT_TRUE(range().commit_heap(100));
    range().heap(100).initialise(100);
    EXPECT_EQ(range().heap(100).id(), 100U);
}

TEST_F(Range, ShrinksToWhatIsAskedAndKeepsWhatIsUsed)
{
    Chunk* const chunk = range().extend();
    ASSERT_NE(chunk, nullptr);
    std::memset(start(), 1, kChunkSize);
    const std::size_t reserved = range().reserved();
    std::byte* const old_end = end();
    range().shrink(GiB(1));
    EXPECT_LT(range().reserved(), reserved);
    EXPECT_LE(range().granule_count() * kGranule, GiB(1));
    EXPECT_FALSE(range().contains(old_end - 1));
    EXPECT_EQ(start()[kChunkSize - 1], std::byte{1});
    for (int i = 0; i < 20; ++i)
        ASSERT_NE(range().extend(), nullptr);
    std::memset(start(), 2, 20 * kChunkSize);
}

TEST_F(Range, IsNotShrunkBelowWhatItHasMadeUsable)
{
    for (int i = 0; i < 20; ++i)
        ASSERT_NE(range().extend(), nullptr);
    std::memset(start(), 1, 20 * kChunkSize);
    range().shrink(0);
    EXPECT_GE(range().granule_count(), 20 * kChunkGranules);
    EXPECT_EQ(start()[20 * kChunkSize - 1], std::byte{1});
    std::size_t more = 0;
    while (more < 1000 && range().extend() != nullptr)
        ++more;
    EXPECT_LT(more, 1000U) << "the range has an end";
}

/// The pages of the process that are mapped, as addresses where that changes: start, end, start ...
std::vector<std::uintptr_t> mapped_edges()
{
    std::vector<std::uintptr_t> edges;
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/maps", "r"),
                                                     std::fclose);
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
    while (std::fscanf(file.get(), "%lx-%lx%*[^\n]", &start, &end) == 2) {
        if (!edges.empty() && edges.back() == start) {
            edges.back() = end;
        } else {
            edges.push_back(start);
            edges.push_back(end);
        }
    }
    return edges;
}

std::size_t mapped_bytes()
{
    const std::vector<std::uintptr_t> edges = mapped_edges();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < edges.size(); i += 2)
        bytes += edges[i + 1] - edges[i];
    return bytes;
}

TEST_F(Range, KnowsWhatItHasGivenBack)
{
    ASSERT_NE(range().extend(), nullptr);
    mapped_bytes(); // whatever the streams take
    for (const std::size_t size : {GiB(64), GiB(16), GiB(4), MiB(512)}) {
        const std::size_t reserved = range().reserved();
        const std::size_t mapped = mapped_bytes();
        range().shrink(size);
        ASSERT_LE(range().reserved(), reserved) << "shrunk to " << (size >> 20) << " MiB";
        ASSERT_EQ(reserved - range().reserved(), mapped - mapped_bytes())
            << "shrunk to " << (size >> 20) << " MiB";
    }
}

TEST_F(Range, ShrinksTwiceWithoutTouchingWhatOthersHaveMappedMeanwhile)
{
    ASSERT_NE(range().extend(), nullptr);
    const auto reservation = reinterpret_cast<std::uintptr_t>(start());
    const std::uintptr_t reservation_end = reservation + range().reserved();
    range().shrink(GiB(64));
    // A page of somebody else's at the end of each hole that this has left.
    std::vector<void*> others;
    for (const std::uintptr_t edge : mapped_edges()) {
        const std::uintptr_t place = edge - os::kPageSize;
        if (place < reservation || place >= reservation_end) continue;
        // Fails where it is mapped still.
        void* const other = ::mmap(reinterpret_cast<void*>(place), os::kPageSize, PROT_READ,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (other != MAP_FAILED) others.push_back(other);
    }
    ASSERT_FALSE(others.empty());
    range().shrink(GiB(16));
    for (void* const other : others) {
        unsigned char resident = 0;
        EXPECT_EQ(::mincore(other, os::kPageSize, &resident), 0)
            << other << ": somebody else's memory is gone";
        ::munmap(other, os::kPageSize);
    }
}

/// Whether a range can be reserved and used where the process may have `limit` bytes.
bool lives_within(std::size_t limit)
{
    rlimit64 as{};
    as.rlim_cur = as.rlim_max = limit;
    if (::setrlimit64(RLIMIT_AS, &as) != 0) return false;
    static AddressRange range;
    return range.initialise({}) && range.granule_count() * kGranule <= limit / 4 &&
           range.extend() != nullptr;
}

TEST(AddressRangeDeathTest, LivesWithASmallAddressSpace)
{
    if (test::kSanitized) GTEST_SKIP() << "the sanitizer itself does not";
    for (const std::size_t limit : {GiB(8), GiB(1), MiB(400)})
        EXPECT_EXIT(::_exit(lives_within(limit) ? 0 : 1), testing::ExitedWithCode(0), "");
}

} // namespace

} // namespace tarn
