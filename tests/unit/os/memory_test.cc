// SPDX-License-Identifier: MIT

#include "src/os/memory.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/mappings.h"
#include "tests/unit/support/resident.h"

namespace tarn::os {

namespace {

using test::is_aligned;
using test::is_zero;
using test::resident_bytes;

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

/// Address space of this process in bytes.
std::size_t address_space()
{
    std::ifstream file("/proc/self/statm");
    std::size_t pages = 0;
    file >> pages;
    return pages * kPageSize;
}

class ErrnoIsKept : public testing::Test {
protected:
    void SetUp() override { errno = 4711; }
    void TearDown() override { EXPECT_EQ(errno, 4711); }
};

using Memory = ErrnoIsKept;

TEST_F(Memory, IsReservedAlignedAndWithoutPages)
{
    for (const std::size_t alignment : {KiB(4), KiB(64), kHugePageSize, GiB(1)}) {
        for (const std::size_t size : {KiB(4), MiB(3), GiB(8)}) {
            void* const range = reserve(size, alignment);
            ASSERT_NE(range, nullptr);
            EXPECT_TRUE(is_aligned(range, alignment));
            EXPECT_EQ(resident_bytes(range, KiB(4)), 0U);
            unmap(range, size);
        }
    }
}

TEST_F(Memory, TakesNoMoreAddressSpaceThanAsked)
{
    address_space(); // what the stream itself takes
    const std::size_t before = address_space();
    void* const reserved = reserve(MiB(16), kHugePageSize);
    EXPECT_EQ(address_space(), before + MiB(16));
    void* const mapped = map(MiB(4), MiB(1));
    EXPECT_EQ(address_space(), before + MiB(20));
    unmap(reserved, MiB(16));
    unmap(mapped, MiB(4));
    EXPECT_EQ(address_space(), before);
    errno = 4711; // the streams set it
}

TEST_F(Memory, IsReadableOnlyOnceItIsCommitted)
{
    auto* const range = static_cast<char*>(reserve(KiB(64), KiB(4)));
    ASSERT_NE(range, nullptr);
    ASSERT_TRUE(commit(range, KiB(16)));
    EXPECT_TRUE(is_zero(range, KiB(16)));
    std::memset(range, 1, KiB(16));
    EXPECT_DEATH(std::memset(range + KiB(16), 1, 1), "");
    EXPECT_TRUE(commit(range + KiB(16), KiB(48)));
    EXPECT_TRUE(is_zero(range + KiB(16), KiB(48)));
    EXPECT_EQ(range[KiB(16) - 1], 1);
    unmap(range, KiB(64));
}

/// Written pages of several anonymous mappings, which forbid() would leave apart.
TEST_F(Memory, IsOneMappingAgainWhenItIsRestored)
{
    constexpr std::size_t kPieces = 100;
    auto* const range = static_cast<char*>(reserve(kPieces * KiB(8), KiB(4)));
    ASSERT_NE(range, nullptr);
    const std::size_t before = test::count_mappings();
    for (std::size_t i = 0; i < kPieces; ++i) {
        ASSERT_TRUE(commit(range + i * KiB(8), KiB(4)));
        range[i * KiB(8)] = 1;
    }
    EXPECT_GE(test::count_mappings(), before + 2 * kPieces - 2);
    errno = 4711; // the streams set it
    for (std::size_t i = 0; i < kPieces; ++i)
        ASSERT_TRUE(restore(range + i * KiB(8), KiB(4)));
    EXPECT_EQ(errno, 4711);
    EXPECT_LE(test::count_mappings(), before + 2);
    EXPECT_DEATH(range[0] = 1, "");
    EXPECT_EQ(resident_bytes(range, KiB(4)), 0U);
    ASSERT_TRUE(commit(range, KiB(4)));
    EXPECT_EQ(range[0], 0);
    unmap(range, kPieces * KiB(8));
    errno = 4711;
}

TEST_F(Memory, RefusesWhatTheAddressSpaceCannotHold)
{
    EXPECT_EQ(reserve(kMost, KiB(4)), nullptr);
    EXPECT_EQ(reserve(kMost - KiB(4) + 1, MiB(2)), nullptr);
    EXPECT_EQ(reserve(std::size_t{1} << 60, MiB(2)), nullptr);
    EXPECT_EQ(map(std::size_t{1} << 60, KiB(4)), nullptr);
    EXPECT_EQ(map(kMost & ~(KiB(4) - 1), MiB(1)), nullptr);
}

TEST_F(Memory, CommitFailsWhereNothingIsReserved)
{
    void* const gone = reserve(MiB(1), KiB(4));
    unmap(gone, MiB(1));
    EXPECT_FALSE(commit(gone, MiB(1)));
}

TEST_F(Memory, IsZeroAndWithoutPagesAfterAPurge)
{
    void* const memory = map(MiB(1), KiB(4));
    ASSERT_NE(memory, nullptr);
    std::memset(memory, 1, MiB(1));
    EXPECT_EQ(resident_bytes(memory, MiB(1)), MiB(1));
    purge(memory, KiB(512));
    EXPECT_EQ(resident_bytes(memory, MiB(1)), KiB(512));
    EXPECT_TRUE(is_zero(memory, KiB(512)));
    EXPECT_EQ(static_cast<char*>(memory)[KiB(512)], 1);
    unmap(memory, MiB(1));
}

TEST_F(Memory, IsZeroAfterAPurgeAlsoWhereItIsLocked)
{
    void* const memory = map(KiB(16), KiB(4));
    ASSERT_EQ(::mlock(memory, KiB(16)), 0);
    std::memset(memory, 1, KiB(16));
    purge(memory, KiB(16));
    EXPECT_TRUE(is_zero(memory, KiB(16)));
    unmap(memory, KiB(16));
}

TEST_F(Memory, IsThereAndZeroOncePopulated)
{
    auto* const memory = static_cast<unsigned char*>(map(KiB(64), kPageSize));
    ASSERT_NE(memory, nullptr);
    populate(memory + KiB(16), KiB(16));
    EXPECT_EQ(test::resident_bytes(memory, KiB(64)), test::can_populate() ? KiB(16) : 0U);
    EXPECT_TRUE(test::is_zero(memory, KiB(64)));
    populate(nullptr, kPageSize); // not mapped: nothing happens
    unmap(memory, KiB(64));
}

TEST_F(Memory, IsMappedZeroedAndAligned)
{
    for (const std::size_t alignment : {KiB(4), KiB(16), MiB(8)}) {
        void* const memory = map(KiB(48), alignment);
        ASSERT_NE(memory, nullptr);
        EXPECT_TRUE(is_aligned(memory, alignment));
        EXPECT_TRUE(is_zero(memory, KiB(48)));
        std::memset(memory, 1, KiB(48));
        unmap(memory, KiB(48));
    }
}

TEST_F(Memory, KeepsItsContentsWhenItIsRemapped)
{
    void* memory = map(MiB(2), KiB(4));
    ASSERT_NE(memory, nullptr);
    test::fill(memory, MiB(2), 1);
    void* const barrier = map(KiB(4), KiB(4)); // likely in the way of growing in place
    memory = remap(memory, MiB(2), MiB(64));
    ASSERT_NE(memory, nullptr);
    EXPECT_TRUE(test::holds(memory, MiB(2), 1));
    EXPECT_TRUE(is_zero(static_cast<char*>(memory) + MiB(2), MiB(62)));
    memory = remap(memory, MiB(64), KiB(4));
    ASSERT_NE(memory, nullptr);
    EXPECT_TRUE(test::holds(memory, MiB(2), 1, KiB(4)));
    unmap(memory, KiB(4));
    unmap(barrier, KiB(4));
}

TEST_F(Memory, StaysWhatItWasWhenARemapFails)
{
    void* const memory = map(KiB(64), KiB(4));
    test::fill(memory, KiB(64), 2);
    EXPECT_EQ(remap(memory, KiB(64), std::size_t{1} << 60), nullptr);
    EXPECT_TRUE(test::holds(memory, KiB(64), 2));
    unmap(memory, KiB(64));
}

TEST_F(Memory, IsAsItWasWhereThereAreNoHugePages)
{
    void* const range = reserve(kHugePageSize, kHugePageSize);
    ASSERT_NE(range, nullptr);
    ASSERT_TRUE(commit(range, kHugePageSize));
    // With or without huge pages reserved by the machine's owner: the range can be used.
    commit_huge(range, kHugePageSize);
    ASSERT_TRUE(commit(range, kHugePageSize)) << "the range is not mapped any more";
    EXPECT_TRUE(is_zero(range, kHugePageSize));
    std::memset(range, 1, kHugePageSize);
    unmap(range, kHugePageSize);
}

TEST_F(Memory, KeepsItsContentsWhateverIsAdvised)
{
    auto* const range = static_cast<char*>(map(kHugePageSize, kHugePageSize));
    ASSERT_NE(range, nullptr);
    advise_huge_pages(range, kHugePageSize, HugePages::wanted);
    test::fill(range, kHugePageSize, 5);
    advise_huge_pages(range, kHugePageSize, HugePages::never);
    EXPECT_TRUE(test::holds(range, kHugePageSize, 5));
    unmap(range, kHugePageSize);
}

TEST_F(Memory, KnowsTheLimitOfTheAddressSpace)
{
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_AS, &limit), 0);
    EXPECT_EQ(address_space_limit(), limit.rlim_cur);
    EXPECT_EXIT(
        {
            limit.rlim_cur = GiB(200);
            ::setrlimit(RLIMIT_AS, &limit);
            ::_exit(address_space_limit() == GiB(200) ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

TEST_F(Memory, OfTheProcessIsCountedByTheKernel)
{
    const ProcessMemory before = process_memory();
    EXPECT_GT(before.resident, KiB(100));
    EXPECT_GE(before.peak_resident, before.resident);
    void* const memory = map(MiB(32), KiB(4));
    std::memset(memory, 1, MiB(32));
    const ProcessMemory after = process_memory();
    // The kernel's counters may lag behind by some pages of each processor.
    EXPECT_GT(after.resident, before.resident + MiB(30));
    EXPECT_GE(after.peak_resident, after.resident);
    EXPECT_GT(after.minor_faults, before.minor_faults);
    unmap(memory, MiB(32));
}

} // namespace

} // namespace tarn::os
