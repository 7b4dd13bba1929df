// SPDX-License-Identifier: MIT
//
// Where canaries are all that is wanted, blocks go a shorter way: it finds the same misuse, and
// meets the other way wherever a block has to change over.

#include "src/checks/canary_heap.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/budget.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::CoreCalls;
using test::foreign;

std::mutex reports_mutex;
std::vector<CheckError> reports;
/// One place is reported once: here each is another.
std::atomic<std::uint32_t> places{0};

std::vector<CheckError> take_reports()
{
    const std::lock_guard guard(reports_mutex);
    return std::exchange(reports, {});
}

CheckFault only_fault()
{
    const std::vector<CheckError> all = take_reports();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? CheckFault::impossible_size : all[0].fault;
}

char* bytes_of(void* block)
{
    return static_cast<char*>(foreign(block));
}

class CanaryHeap : public testing::Test {
protected:
    void TearDown() override
    {
        EXPECT_TRUE(take_reports().empty());
        verify_heap();
    }
    /// Of the short way, its last one, and beyond.
    static constexpr std::size_t kSizes[] = {0,       1,           15,          40,    1000,
                                             KiB(20), MiB(1) - 17, MiB(1) - 16, MiB(2)};
};

TEST_F(CanaryHeap, EachByteBesideABlockIsLookedAt)
{
    for (const std::size_t size : kSizes) {
        void* block = CoreCalls::allocate(size);
        EXPECT_EQ(CoreCalls::usable_size(block), size);
        std::memset(block, 'x', size);
        bytes_of(block)[size] = 'x';
        CoreCalls::deallocate(block);
        EXPECT_EQ(only_fault(), CheckFault::overflow) << size;

        block = CoreCalls::allocate(size);
        bytes_of(block)[-1] = 'x';
        CoreCalls::deallocate(block);
        EXPECT_EQ(only_fault(), CheckFault::underflow) << size;
    }
}

TEST_F(CanaryHeap, ABlockIsFreedOnceAndByItsOwnFunction)
{
    for (const std::size_t size : kSizes) {
        void* const block = CoreCalls::allocate(size);
        CoreCalls::deallocate(block);
        if (size < MiB(1) - 16) { // the addresses of larger ones are another's at once
            CoreCalls::deallocate(foreign(block));
            EXPECT_EQ(only_fault(), CheckFault::double_free) << size;
        }
        void* const made = CoreCalls::allocate(size);
        tarn::deallocate(made, BlockKind::single);
        EXPECT_EQ(only_fault(), CheckFault::wrong_kind) << size;
    }
}

TEST_F(CanaryHeap, ResizedInPlaceOrElsewhereABlockKeepsItsBytesAndHasCanaries)
{
    for (const std::size_t before : kSizes) {
        for (const std::size_t after : kSizes) {
            if (after == 0) continue;
            auto* block = static_cast<char*>(CoreCalls::allocate(before));
            test::fill(block, before, 7);
            block = static_cast<char*>(CoreCalls::reallocate(block, after));
            EXPECT_TRUE(test::holds(block, std::min(before, after), 7));
            EXPECT_EQ(CoreCalls::usable_size(block), after);
            bytes_of(block)[after] = 'x';
            CoreCalls::deallocate(block);
            EXPECT_EQ(only_fault(), CheckFault::overflow) << before << " to " << after;
        }
    }
}

TEST_F(CanaryHeap, WhatStaysInItsRoomStaysWhereItIs)
{
    void* const block = CoreCalls::allocate(40);
    EXPECT_EQ(CoreCalls::reallocate(block, 45), block);
    EXPECT_EQ(CoreCalls::reallocate(block, 34), block);
    void* const moved = CoreCalls::reallocate(block, 100);
    EXPECT_NE(moved, block);
    CoreCalls::deallocate(moved);
}

TEST_F(CanaryHeap, AWriteBesideABlockIsSeenWhenItIsResized)
{
    for (const std::size_t after : {42U, 400U}) {
        void* block = CoreCalls::allocate(40);
        bytes_of(block)[40] = 'x';
        block = CoreCalls::reallocate(block, after);
        EXPECT_EQ(only_fault(), CheckFault::overflow) << after;
        CoreCalls::deallocate(block);
    }
}

TEST_F(CanaryHeap, WhatNewGaveIsNotResizedInItsRoomEither)
{
    cpp_form = {.is_new = true, .is_array = false, .size = 0, .alignment = 0};
    void* const block = CoreCalls::allocate(40);
    cpp_form = {};
    void* const moved = CoreCalls::reallocate(block, 42);
    EXPECT_EQ(only_fault(), CheckFault::wrong_kind);
    CoreCalls::deallocate(moved);
}

TEST_F(CanaryHeap, AResizeOfWhatWasFreedIsReported)
{
    void* const block = CoreCalls::allocate(40);
    CoreCalls::deallocate(block);
    void* const fresh = CoreCalls::reallocate(foreign(block), 42);
    EXPECT_EQ(only_fault(), CheckFault::resize_freed);
    EXPECT_EQ(CoreCalls::usable_size(fresh), 42U) << "whoever goes on has a block";
    CoreCalls::deallocate(fresh);
}

TEST_F(CanaryHeap, WhatASignalHandlerFreesInsideASlowPathIsFreedByTheNext)
{
    void* const block = CoreCalls::allocate(100);
    this_thread_cache().busy = true;
    CoreCalls::deallocate(block);
    void* const emergency = CoreCalls::allocate(100);
    this_thread_cache().busy = false;
    CoreCalls::deallocate(CoreCalls::allocate(1000));
    CoreCalls::deallocate(foreign(block));
    EXPECT_EQ(only_fault(), CheckFault::double_free);
    EXPECT_EQ(CoreCalls::allocate(100), block) << "its memory is used again";
    CoreCalls::deallocate(block);
    CoreCalls::deallocate(emergency);
}

TEST_F(CanaryHeap, WithoutMemoryItSaysSo)
{
    budget.set(budget.used() + MiB(4), [](std::size_t, std::size_t) {});
    std::vector<void*> blocks;
    errno = 0;
    while (void* const block = CoreCalls::allocate(KiB(10)))
        blocks.push_back(block);
    EXPECT_EQ(errno, ENOMEM);
    budget.set(0, nullptr);
    for (void* const block : blocks)
        CoreCalls::deallocate(block);
}

TEST_F(CanaryHeap, OfManyThreadsThatFreeABlockOneIsRight)
{
    for (int round = 0; round < 20; ++round) {
        void* const block = foreign(CoreCalls::allocate(40));
        test::in_threads(3, [block](std::size_t) { CoreCalls::deallocate(block); });
        EXPECT_EQ(take_reports().size(), 2U);
    }
    std::vector<void*> blocks(1000);
    for (void*& block : blocks)
        block = CoreCalls::allocate(40);
    std::sort(blocks.begin(), blocks.end());
    EXPECT_EQ(std::adjacent_find(blocks.begin(), blocks.end()), blocks.end())
        << "or it would have gone to the heap twice";
    for (void* const block : blocks)
        CoreCalls::deallocate(block);
}

TEST(CanaryHeapSettings, OnlyCanariesGoTheShortWay)
{
    EXPECT_TRUE(wants_canaries_alone({.canaries = true}));
    EXPECT_FALSE(wants_canaries_alone({}));
    EXPECT_FALSE(wants_canaries_alone({.canaries = true, .fills_allocated = true}));
    EXPECT_FALSE(wants_canaries_alone({.canaries = true, .fills_freed = true}));
    EXPECT_FALSE(wants_canaries_alone({.canaries = true, .keeps_stacks = true}));
    EXPECT_FALSE(wants_canaries_alone({.canaries = true, .quarantine = 1}));
    EXPECT_FALSE(wants_canaries_alone({.canaries = true, .uses_pools = false}));
    EXPECT_FALSE(wants_canaries_alone({.canaries = true, .check_every = 1}));
    EXPECT_FALSE(wants_canaries_alone(
        {.canaries = true, .guards = {.choice = {.kind = GuardChoice::Kind::all}}}));
}

} // namespace

/// In place of the weak one.
void configure_heap()
{
    fallback = fallback_backend(FallbackKind::mmap);
    settings.checks =
        start_checks({.canaries = true}, {.current_stack = [] { return ++places; },
                                          .site_of = nullptr,
                                          .report =
                                              [](const CheckError& error) {
                                                  const std::lock_guard guard(reports_mutex);
                                                  reports.push_back(error);
                                              }});
}

} // namespace tarn
