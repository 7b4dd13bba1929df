// SPDX-License-Identifier: MIT

#include "src/heap/heap_walk.h"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "src/fallback/fallback.h"
#include "src/heap/large.h"
#include "src/heap/live_blocks.h"
#include "src/heap/pressure.h"
#include "src/heap/slow_path.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using State = SlabBlock::State;

std::uintptr_t address_of(const void* block)
{
    return reinterpret_cast<std::uintptr_t>(block);
}

struct Found {
    std::array<std::set<std::uintptr_t>, 3> blocks; // by state
    std::vector<LiveBlock> large;
    std::uintptr_t end = 0; // of the last slab
    bool is_in_order = true;
    bool has_sizes = true;

    const std::set<std::uintptr_t>& of(State state) const
    {
        return blocks[static_cast<std::size_t>(state)];
    }
};

Found walk()
{
    Found found;
    EXPECT_TRUE(hold_heap());
    const bool is_complete = walk_slabs(
        [](void* context, const SlabView& slab) {
            auto& into = *static_cast<Found*>(context);
            into.is_in_order &= slab.memory.start >= into.end &&
                                slab.capacity * slab.block_size <= slab.memory.size() &&
                                slab.blocks.size() <= slab.capacity;
            into.end = slab.memory.end;
            std::uintptr_t start = slab.memory.start;
            for (const SlabBlock& block : slab.blocks) {
                into.blocks[static_cast<std::size_t>(block.state)].insert(start);
                into.has_sizes &= block.state != State::live || block.size == slab.block_size;
                start += slab.block_size;
            }
        },
        [](void* context, LiveBlock block) {
            static_cast<Found*>(context)->large.push_back(block);
        },
        &found);
    release_heap();
    EXPECT_TRUE(is_complete);
    EXPECT_TRUE(found.is_in_order);
    EXPECT_TRUE(found.has_sizes);
    return found;
}

TEST(HeapWalk, TellsBlocksInUseFromCachedAndFreeOnes)
{
    test::own_heap();
    fallback = fallback_backend(FallbackKind::mmap);
    test::Blocks blocks(600, 64);
    for (std::size_t i = 0; i < 500; ++i)
        blocks.free(i);
    Found found = walk();
    for (std::size_t i = 500; i < 600; ++i)
        EXPECT_TRUE(found.of(State::live).contains(address_of(blocks[i])));
    EXPECT_GE(found.of(State::cached).size(), test::binned(64));
    const std::size_t cached = found.of(State::cached).size();
    test::own_heap().flush();
    found = walk();
    EXPECT_LT(found.of(State::cached).size(), cached);
    EXPECT_GE(found.of(State::free).size(), 200U);
}

TEST(HeapWalk, SeesLargeBlocks)
{
    test::own_heap();
    fallback = fallback_backend(FallbackKind::mmap);
    void* const block = allocate(MiB(5));
    const Found found = walk();
    ASSERT_EQ(found.large.size(), 1U);
    EXPECT_EQ(found.large[0].start, address_of(block));
    EXPECT_EQ(found.large[0].size, MiB(5));
    deallocate(block);
}

TEST(HeapWalk, ListsMemoryByItsUse)
{
    test::own_heap();
    fallback = fallback_backend(FallbackKind::mmap);
    deallocate(allocate(MiB(5)));
    test::Blocks blocks(1, 64);
    struct Listed {
        std::uintptr_t block;
        std::array<std::size_t, 6> ranges; // by use
        bool is_pooled;
        bool has_thread;
    } listed{.block = address_of(blocks[0]), .ranges = {}, .is_pooled = false, .has_thread = false};
    ASSERT_TRUE(hold_heap());
    list_memory(
        [](void* context, MemoryRange range, MemoryUse use) {
            auto& into = *static_cast<Listed*>(context);
            ++into.ranges[static_cast<std::size_t>(use)];
            if (use == MemoryUse::pools) into.is_pooled = range.contains(into.block);
            into.has_thread |=
                use == MemoryUse::thread && range.contains(address_of(&this_thread_cache()));
        },
        &listed);
    release_heap();
    EXPECT_TRUE(listed.is_pooled);
    EXPECT_TRUE(listed.has_thread);
    EXPECT_EQ(listed.ranges[static_cast<std::size_t>(MemoryUse::pools)], 1U);
    EXPECT_GE(listed.ranges[static_cast<std::size_t>(MemoryUse::records)], 5U);
    EXPECT_GE(listed.ranges[static_cast<std::size_t>(MemoryUse::kept)], 1U);
}

TEST(PressureTest, CountsTrimsAndWhenTheFirstWas)
{
    test::own_heap();
    const Pressure before = pressure_so_far();
    trim_process();
    const Pressure first = pressure_so_far();
    trim_process();
    const Pressure second = pressure_so_far();
    EXPECT_EQ(second.trims.count, before.trims.count + 2);
    EXPECT_NE(first.trims.first_at, 0U);
    EXPECT_EQ(second.trims.first_at, first.trims.first_at);
    EXPECT_EQ(second.failures.count, before.failures.count);
}

} // namespace

} // namespace tarn
