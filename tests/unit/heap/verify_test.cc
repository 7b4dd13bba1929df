// SPDX-License-Identifier: MIT
//
// verify_heap() must notice damage. Each test does one thing that no correct program can do, in a
// process of its own, and expects the line that names it.

#include "src/heap/verify.h"

#include <cstring>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/heap_registry.h"
#include "src/heap/page_heap.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

constexpr std::size_t kSize = 96;

/// Free blocks of kSize, first to last: on a slab's list, or in the bin.
enum class Where : std::uint8_t { slab, bin };

std::vector<FreeBlock*> free_blocks(Where where)
{
    test::own_heap().trim();
    static std::vector<void*> kept;
    std::vector<void*> blocks;
    for (int i = 0; i < 60; ++i)
        blocks.push_back(allocate(kSize));
    kept.push_back(blocks.back()); // so that the slab is not empty
    blocks.pop_back();
    for (void* const block : blocks)
        deallocate(block);
    const SizeClass size_class = size_class_for(kSize);
    const FreeBlock* first = test::own_heap().bin_of(size_class).head;
    if (where == Where::slab) {
        test::own_heap().flush();
        first = test::own_state(kSize).with_room.front()->free;
    }
    std::vector<FreeBlock*> list;
    for (; first != nullptr; first = first->next)
        list.push_back(const_cast<FreeBlock*>(first));
    return list;
}

Slab& some_slab()
{
    return test::slab_of(free_blocks(Where::slab).front());
}

FreeBlock* moved_by(FreeBlock* block, std::ptrdiff_t bytes)
{
    return reinterpret_cast<FreeBlock*>(reinterpret_cast<std::byte*>(block) + bytes);
}

/// Runs in a child of its own: does the damage, and looks. A walk without an end is ended.
template <class Damage> void damage_and_verify(Damage damage)
{
    ::alarm(5);
    test::own_heap();
    verify_heap(); // all is well before
    damage();
    verify_heap();
}

#define EXPECT_FOUND(invariant, ...)                                                               \
    EXPECT_DEATH(damage_and_verify([] { __VA_ARGS__; }), "tarn: heap is damaged: " invariant)

TEST(Verify, FindsNothingInAHealthyHeap)
{
    verify_heap();
    free_blocks(Where::bin);
    verify_heap();
    free_blocks(Where::slab);
    verify_heap();
    test::in_thread([] { free_blocks(Where::bin); });
    verify_heap();
}

TEST(VerifyDeathTest, FindsALinkOutOfTheRange)
{
    EXPECT_FOUND("a free block lies in the range",
                 free_blocks(Where::slab)[1]->next =
                     reinterpret_cast<FreeBlock*>(0x4141414141414140));
    EXPECT_FOUND("a free block lies in the range",
                 free_blocks(Where::bin)[1]->next =
                     reinterpret_cast<FreeBlock*>(0x4141414141414140));
}

TEST(VerifyDeathTest, FindsALinkToABlockOfAnotherClass)
{
    EXPECT_FOUND("a free block is of the class and owner of its list",
                 free_blocks(Where::slab)[1]->next = static_cast<FreeBlock*>(allocate(500)));
    EXPECT_FOUND("a free block is of the class and owner of its list",
                 free_blocks(Where::bin)[1]->next = static_cast<FreeBlock*>(allocate(500)));
}

TEST(VerifyDeathTest, FindsALinkToABlockOfAnotherHeap)
{
    EXPECT_FOUND("a free block is of the class and owner of its list", {
        void* theirs = nullptr;
        test::in_thread([&] { theirs = allocate(kSize); });
        free_blocks(Where::bin)[1]->next = static_cast<FreeBlock*>(theirs);
    });
}

TEST(VerifyDeathTest, FindsALinkIntoTheMiddleOfABlock)
{
    EXPECT_FOUND("a free block starts at a block boundary", {
        FreeBlock* const block = free_blocks(Where::slab)[1];
        block->next = moved_by(block->next, 16);
    });
}

TEST(VerifyDeathTest, FindsALinkToABlockThatWasNeverHandedOut)
{
    EXPECT_FOUND("a free block was handed out before", {
        FreeBlock* const block = free_blocks(Where::slab)[1];
        const Slab& slab = test::slab_of(block);
        block->next = reinterpret_cast<FreeBlock*>(address_range.slab_start(slab) +
                                                   std::size_t{slab.carved} * kSize);
    });
}

TEST(VerifyDeathTest, FindsAListWithoutAnEnd)
{
    EXPECT_FOUND("a slab's free list is as long as its count", {
        const auto blocks = free_blocks(Where::slab);
        blocks.back()->next = blocks.front();
    });
}

TEST(VerifyDeathTest, FindsABlockFreedTwice)
{
    // Popped first, so that the bin has room for all of them.
    EXPECT_FOUND("a bin holds as many blocks as its account says", {
        free_blocks(Where::bin);
        void* const block = allocate(kSize);
        allocate(kSize);
        deallocate(block);
        deallocate(block);
    });
    EXPECT_FOUND("a bin holds as many blocks as its account says", {
        free_blocks(Where::bin);
        void* const first = allocate(kSize);
        void* const second = allocate(kSize);
        allocate(kSize);
        deallocate(first);
        deallocate(second);
        deallocate(first);
    });
}

TEST(VerifyDeathTest, FindsALostBlock)
{
    EXPECT_FOUND("a slab's free list is as long as its count", {
        FreeBlock* const block = free_blocks(Where::slab)[1];
        block->next = block->next->next;
    });
    EXPECT_FOUND("a bin holds as many blocks as its account says", {
        FreeBlock* const block = free_blocks(Where::bin)[1];
        block->next = block->next->next;
    });
}

TEST(VerifyDeathTest, FindsAnAccountThatIsWrong)
{
    EXPECT_FOUND("a bin holds as many blocks as its account says", {
        free_blocks(Where::bin);
        this_thread_cache().bins[index_of(size_class_for(kSize))].account -= kRoomUnit;
    });
}

TEST(VerifyDeathTest, FindsCountsOfASlabThatAreWrong)
{
    EXPECT_FOUND("a slab's free list is as long as its count", --some_slab().free_count);
    EXPECT_FOUND("a slab's counts are in order", {
        Slab& slab = some_slab();
        slab.carved = static_cast<std::uint16_t>(slab.capacity + 1);
    });
    EXPECT_FOUND("the slabs' free blocks add up", {
        Slab& slab = some_slab();
        slab.free = slab.free->next;
        --slab.free_count;
    });
}

TEST(VerifyDeathTest, FindsABrokenListOfSlabs)
{
    EXPECT_FOUND("the list of slabs is linked both ways", some_slab().listed = false);
    EXPECT_FOUND("the list of slabs is linked both ways", {
        Slab& slab = some_slab();
        slab.previous = &slab;
    });
    EXPECT_FOUND("a slab is in the list of its class",
                 some_slab().size_class = size_class_for(500));
    EXPECT_FOUND("a listed slab has room", {
        Slab& slab = some_slab();
        slab.free = nullptr;
        slab.carved = slab.capacity;
    });
}

TEST(VerifyDeathTest, FindsADescriptorThatIsWrong)
{
    EXPECT_FOUND("a free block is of the class and owner of its list",
                 address_range.set_descriptor(some_slab().granule, 0));
    EXPECT_FOUND("a free granule has no owner",
                 address_range.set_descriptor(address_range.chunk_count() * kChunkGranules - 1,
                                              1U << kOwnerShift));
}

TEST(VerifyDeathTest, FindsABrokenChunk)
{
    EXPECT_FOUND("a chunk is in the list of its longest free run",
                 --address_range.chunk(0).longest);
    EXPECT_FOUND("a free granule has no owner", {
        const Slab& slab = some_slab();
        Chunk& chunk = address_range.chunk(slab.granule / kChunkGranules);
        chunk.free = chunk.free | GranuleSet::range(slab.granule % kChunkGranules, 1);
        chunk.longest = static_cast<std::uint8_t>(chunk.free.longest_run());
    });
    EXPECT_FOUND("the list of chunks is linked both ways", {
        Chunk& chunk = address_range.chunk(0);
        chunk.previous = &chunk;
    });
}

TEST(VerifyDeathTest, FindsDamageInTheHeapOfAThreadThatHasEnded)
{
    EXPECT_FOUND("a free block lies in the range", test::in_thread([] {
                     free_blocks(Where::slab)[1]->next = reinterpret_cast<FreeBlock*>(0x10);
                 }));
}

} // namespace

} // namespace tarn
