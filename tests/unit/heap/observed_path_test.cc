// SPDX-License-Identifier: MIT
//
// Where every block is observed, what is remembered of it tells whether it is in use: a second free
// is seen wherever the block lies and whoever freed it first.

#include "src/heap/observed_path.h"

#include <atomic>
#include <cerrno>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/bad_free.h"
#include "src/heap/observed.h"
#include "src/heap/pooled_notes.h"
#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::CoreCalls;

std::atomic<std::uint64_t> allocated{0};
std::atomic<std::uint64_t> freed{0};
const void* removed = nullptr;
std::vector<std::pair<const void*, BadFree>> told_of;

std::uint32_t next_trace = 1;

constexpr Observer kCounter{
    .allocated =
        [](std::size_t, std::size_t, std::uint32_t) {
            ++allocated;
            return BlockOrigin{.born = 0, .trace = next_trace}; // born: as it may be
        },
    .freed = [](const BlockNote&) { ++freed; },
    .resized = [](const BlockNote&, std::size_t) {},
    .thread_leaves = [] {},
    .removed = [](const void* block) { removed = block; },
};

class ObservedPath : public testing::Test {
protected:
    void SetUp() override
    {
        test::own_heap();
        told_of.clear();
        ASSERT_TRUE(observes_pools());
    }
    void TearDown() override { verify_heap(); }
};

TEST_F(ObservedPath, TellsOfASecondFree)
{
    // Of the largest the slab goes with its only block.
    for (const std::size_t size : {0U, 1U, 100U, 5000U, 30000U}) {
        told_of.clear();
        void* const block = CoreCalls::allocate(size);
        void* const other = CoreCalls::allocate(size);
        CoreCalls::deallocate(block);
        CoreCalls::deallocate(other);
        const std::uint64_t before = freed;
        CoreCalls::deallocate(block);
        EXPECT_EQ(freed, before) << size;
        ASSERT_EQ(told_of.size(), 1U) << size;
        EXPECT_EQ(told_of[0], std::pair(static_cast<const void*>(block), BadFree::double_free));
        verify_heap();
    }
}

TEST_F(ObservedPath, TellsWhichBlockIsFreed)
{
    for (const std::size_t size : {10U, 30000U}) {
        void* const block = CoreCalls::allocate(size);
        CoreCalls::deallocate(CoreCalls::allocate(size));
        EXPECT_NE(removed, block);
        CoreCalls::deallocate(block);
        EXPECT_EQ(removed, block);
    }
}

TEST_F(ObservedPath, TellsOfASecondFreeInAnotherThread)
{
    void* const block = CoreCalls::allocate(64);
    test::in_thread([&] { CoreCalls::deallocate(block); });
    CoreCalls::deallocate(block);
    ASSERT_EQ(told_of.size(), 1U);
    EXPECT_EQ(told_of[0].second, BadFree::double_free);
}

TEST_F(ObservedPath, TellsOfMemoryThatIsNoBlocks)
{
    auto* const block = static_cast<std::byte*>(CoreCalls::allocate(100));
    CoreCalls::deallocate(block + 16);
    ASSERT_EQ(told_of.size(), 1U);
    EXPECT_EQ(told_of[0], std::pair(static_cast<const void*>(block + 16), BadFree::no_block));
    CoreCalls::deallocate(block);
    EXPECT_EQ(told_of.size(), 1U);
}

TEST_F(ObservedPath, HonoursAlignmentsAndKeepsErrno)
{
    for (std::size_t alignment = 16; alignment <= kMaxPooledSize; alignment *= 2) {
        const std::uint64_t before = allocated;
        errno = 7;
        void* const block = CoreCalls::allocate_aligned(40, alignment);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0U);
        EXPECT_EQ(allocated, before + 1);
        EXPECT_EQ(note_of(block).size, 40U);
        CoreCalls::deallocate(block);
        EXPECT_EQ(errno, 7);
    }
    EXPECT_TRUE(told_of.empty());
}

TEST_F(ObservedPath, TakesABlockOfUnknownTraceForOneInUse)
{
    next_trace = 0;
    const std::uint64_t before = freed;
    CoreCalls::deallocate(CoreCalls::allocate(0));
    CoreCalls::deallocate(CoreCalls::allocate(100));
    next_trace = 1;
    EXPECT_EQ(freed, before);
    EXPECT_TRUE(told_of.empty());
}

TEST(PooledNotes, KnowWhetherTheyHaveAll)
{
    PooledNotes notes; // without addresses
    EXPECT_TRUE(notes.has_all());
    EXPECT_EQ(notes.make({.size_class = SizeClass{1}, .first = 5, .offset = 0, .index = 0}),
              nullptr);
    EXPECT_FALSE(notes.has_all());
}

TEST_F(ObservedPath, LeavesLargeBlocksToOthers)
{
    const std::uint64_t before = freed;
    void* const large = CoreCalls::allocate(2 * kMaxPooledSize);
    CoreCalls::deallocate(large);
    EXPECT_EQ(freed, before + 1);
    EXPECT_TRUE(told_of.empty());
}

} // namespace

void configure_heap()
{
    settings.observer = &kCounter;
    settings.bad_free = [](const void* address, BadFree what) {
        told_of.emplace_back(address, what);
    };
}

} // namespace tarn
