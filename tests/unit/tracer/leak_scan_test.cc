// SPDX-License-Identifier: MIT

#include "tracer/leak_scan.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "src/os/memory.h"
#include "src/os/stack.h"

namespace tarn {

namespace {

/// A heap of blocks of 100 bytes, 128 apart, in memory of its own: what is in them and where
/// pointers to them lie is all that decides.
constexpr std::size_t kBlock = 100;
constexpr std::size_t kDistance = 128;
constexpr std::size_t kCount = 1000;

std::byte* memory = nullptr;
std::vector<std::size_t> live;

/// The only roots, in memory of their own: what is linked with the tracer it takes for itself.
std::span<std::uintptr_t> roots;

std::uintptr_t block(std::size_t number)
{
    return reinterpret_cast<std::uintptr_t>(memory) + number * kDistance;
}

/// Not inlined: the tests themselves are to have no such address on their stack.
[[gnu::noinline]] void write_pointer(std::size_t into, std::size_t word, std::size_t to,
                                     std::size_t offset = 0)
{
    reinterpret_cast<std::uintptr_t*>(memory + into * kDistance)[word] = block(to) + offset;
}

[[gnu::noinline]] void set_root(std::size_t root, std::size_t to, std::size_t offset = 0)
{
    roots[root] = block(to) + offset;
}

HeapView heap{
    .hold = [] { return true; },
    .release = [] {},
    .for_each_live =
        [](BlockVisitor visit, void* context) {
            for (const std::size_t number : live)
                visit(context, {block(number), kBlock});
            return true;
        },
    .own_memory =
        [](std::span<MemoryRange> ranges) {
            ranges[0] = {block(0), block(kCount)};
            return std::size_t{1};
        },
    .totals = [] { return HeapTotals{}; },
};

std::array<int, kCount> reach; // of each block; -1: not found
std::array<std::size_t, kCount> indirect;

const char* problem = nullptr; // that is expected

/// Below it the stack is full of what the test has done.
std::uintptr_t stack_point = 0;

void scan_here()
{
    LeakScan scan;
    ASSERT_EQ(scan.run(heap, {.stack_point = stack_point, .registers = {}}), problem);
    reach.fill(-1);
    for (const FoundBlock& found : scan.blocks()) {
        const std::size_t number = (found.start - block(0)) / kDistance;
        reach[number] = static_cast<int>(found.reach);
        indirect[number] = found.reach == Reach::lost ? scan.lost_with(found).bytes : 0;
    }
}

class LeakScanTest : public testing::Test {
protected:
    void SetUp() override
    {
        problem = nullptr;
        memory = static_cast<std::byte*>(os::map(kCount * kDistance, os::kPageSize));
        ASSERT_NE(memory, nullptr);
        live.clear();
        void* const page = os::map(os::kPageSize, os::kPageSize);
        ASSERT_NE(page, nullptr);
        roots = {static_cast<std::uintptr_t*>(page), 8};
    }
    void TearDown() override
    {
        os::unmap(memory, kCount * kDistance);
        os::unmap(roots.data(), os::kPageSize);
    }

    static Reach of(std::size_t number) { return static_cast<Reach>(reach[number]); }
    static void scan()
    {
        stack_point = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        ASSERT_TRUE(os::call_on_own_stack(kScanStack, scan_here));
    }
};

TEST_F(LeakScanTest, FollowsPointersToTheStartOfBlocks)
{
    live = {1, 2, 3, 4};
    set_root(0, 1);
    write_pointer(1, 3, 2);
    write_pointer(2, 0, 3);
    scan();
    EXPECT_EQ(of(1), Reach::reachable);
    EXPECT_EQ(of(2), Reach::reachable);
    EXPECT_EQ(of(3), Reach::reachable);
    EXPECT_EQ(of(4), Reach::lost);
}

TEST_F(LeakScanTest, CallsPossibleWhatOnlyItsMiddleIsKnownOf)
{
    live = {1, 2, 3, 4};
    set_root(0, 1, 40);
    write_pointer(1, 0, 2); // by way of one that is possibly lost
    set_root(1, 3, 1);
    set_root(2, 3); // known by its start after all
    write_pointer(3, 5, 4, kBlock - 1);
    scan();
    EXPECT_EQ(of(1), Reach::possible);
    EXPECT_EQ(of(2), Reach::possible);
    EXPECT_EQ(of(3), Reach::reachable);
    EXPECT_EQ(of(4), Reach::possible);
}

TEST_F(LeakScanTest, KnowsWhereABlockEnds)
{
    live = {1};
    set_root(0, 1, kBlock);
    scan();
    EXPECT_EQ(of(1), Reach::lost);
}

TEST_F(LeakScanTest, FindsWhatIsLostWithABlock)
{
    live = {1, 2, 3, 4};
    write_pointer(2, 0, 1); // 3 -> 2 -> 1; 1 is looked at first
    write_pointer(3, 11, 2);
    scan();
    EXPECT_EQ(of(3), Reach::lost);
    EXPECT_EQ(of(2), Reach::indirect);
    EXPECT_EQ(of(1), Reach::indirect);
    EXPECT_EQ(indirect[3], 2 * kBlock);
    EXPECT_EQ(of(4), Reach::lost);
    EXPECT_EQ(indirect[4], 0U);
}

TEST_F(LeakScanTest, CountsARingOnce)
{
    live = {1, 2, 3};
    write_pointer(1, 0, 2);
    write_pointer(2, 0, 3);
    write_pointer(3, 0, 1);
    scan();
    EXPECT_EQ(of(1), Reach::lost);
    EXPECT_EQ(of(2), Reach::indirect);
    EXPECT_EQ(of(3), Reach::indirect);
    EXPECT_EQ(indirect[1], 2 * kBlock);
}

TEST_F(LeakScanTest, IgnoresAPointerOfABlockToItself)
{
    live = {1};
    write_pointer(1, 0, 1);
    scan();
    EXPECT_EQ(of(1), Reach::lost);
    EXPECT_EQ(indirect[1], 0U);
}

TEST_F(LeakScanTest, FollowsAListThatIsLongerThanAnyStack)
{
    for (std::size_t i = 0; i < kCount; ++i) {
        live.push_back(i);
        if (i > 0) write_pointer(i - 1, 0, i);
    }
    set_root(0, 0);
    scan();
    EXPECT_TRUE(std::ranges::all_of(
        reach, [](int found) { return found == static_cast<int>(Reach::reachable); }));
}

TEST_F(LeakScanTest, SaysWhenAThreadDoesNotComeOutOfMalloc)
{
    const HeapView before = heap;
    heap.hold = [] { return false; };
    problem = "a thread that does not come out of malloc";
    live = {1};
    scan();
    heap = before;
}

TEST_F(LeakScanTest, FindsNothingInAnEmptyHeap)
{
    scan();
    EXPECT_TRUE(std::ranges::all_of(reach, [](int found) { return found == -1; }));
}

} // namespace

} // namespace tarn
