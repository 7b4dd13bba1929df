// SPDX-License-Identifier: MIT
//
// Checks stand between the program and the heap. They must be there before the first allocation, so
// this test has a configure_heap() of its own.

#include "src/checks/checked_heap.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "src/checks/poison.h"
#include "src/heap/large.h"
#include "src/heap/live_blocks.h"
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

constexpr std::size_t kQuarantine = MiB(4);

// The test's own memory comes from libc, so that a report may ask for some.
std::mutex reports_mutex;
std::vector<CheckError> reports;
thread_local std::uint32_t stack = 0;
std::atomic<int> looks{0};

std::vector<CheckError> take_reports()
{
    const std::lock_guard guard(reports_mutex);
    return std::exchange(reports, {});
}

/// The only report there is.
CheckError take_report()
{
    const std::vector<CheckError> all = take_reports();
    EXPECT_EQ(all.size(), 1U);
    return all.size() == 1 ? all[0] : CheckError{};
}

std::size_t look()
{
    EXPECT_TRUE(hold_heap());
    const std::size_t damaged = check_all_blocks("now");
    release_heap();
    return damaged;
}

void* allocate_at(std::uint32_t place, std::size_t size)
{
    stack = place;
    return CoreCalls::allocate(size);
}

void free_at(std::uint32_t place, void* block)
{
    stack = place;
    CoreCalls::deallocate(foreign(block));
}

/// Has everything leave the quarantine that is in it.
void flush_quarantine()
{
    stack = 0;
    for (std::size_t bytes = 0; bytes <= 2 * kQuarantine; bytes += KiB(16))
        CoreCalls::deallocate(CoreCalls::allocate(KiB(16)));
}

std::uintptr_t address_of(const void* block)
{
    return reinterpret_cast<std::uintptr_t>(block);
}

char* bytes_of(void* block)
{
    return static_cast<char*>(foreign(block));
}

/// One place is reported once: each test has its own, so that it does not depend on the others.
std::uint32_t next_place()
{
    static std::uint32_t last = 0;
    return last += 10;
}

class CheckedHeap : public testing::Test {
protected:
    void SetUp() override { take_reports(); }
    void TearDown() override
    {
        EXPECT_TRUE(take_reports().empty());
        stack = next_place();
        EXPECT_EQ(look(), 0U);
        take_reports();
        verify_heap();
    }

    /// Of all kinds: small, shared slab, run of its own, mapping.
    static constexpr std::size_t kSizes[] = {0,       1,         16,     40,         1000,  KiB(20),
                                             KiB(40), KiB(1000), MiB(1), MiB(1) + 1, MiB(3)};
    const std::uint32_t place_ = next_place();
};

TEST_F(CheckedHeap, TheUsableSizeIsWhatWasAskedFor)
{
    for (const std::size_t size : kSizes) {
        void* const block = CoreCalls::allocate(size);
        EXPECT_EQ(CoreCalls::usable_size(block), size);
        EXPECT_TRUE(test::is_aligned(block, 16));
        std::memset(block, 1, size);
        CoreCalls::deallocate(block);
        for (std::size_t alignment = 32; alignment <= MiB(4); alignment *= 4) {
            void* const aligned = CoreCalls::allocate_aligned(size, alignment);
            EXPECT_EQ(CoreCalls::usable_size(aligned), size);
            EXPECT_TRUE(test::is_aligned(aligned, alignment));
            std::memset(aligned, 1, size);
            CoreCalls::deallocate(aligned);
        }
    }
}

TEST_F(CheckedHeap, NothingIsSaidOfNull)
{
    CoreCalls::deallocate(nullptr);
    EXPECT_EQ(CoreCalls::usable_size(nullptr), 0U);
}

TEST_F(CheckedHeap, ReportsADoubleFreeWithItsStacks)
{
    for (const std::size_t size : kSizes) {
        SCOPED_TRACE(size);
        const std::uint32_t place = next_place();
        void* const block = allocate_at(place, size);
        free_at(place + 1, block);
        free_at(place + 2, block);
        const CheckError error = take_report();
        EXPECT_EQ(error.fault, CheckFault::double_free);
        EXPECT_EQ(error.address, address_of(block));
        EXPECT_EQ(error.here, place + 2);
        EXPECT_EQ(error.block.start, address_of(block));
        EXPECT_EQ(error.block.size, size);
        EXPECT_TRUE(error.block.is_freed);
        EXPECT_EQ(error.block.allocated_at, place);
        EXPECT_EQ(error.block.freed_at, place + 1);
    }
}

TEST_F(CheckedHeap, ReportsTheSameOnce)
{
    for (int i = 0; i < 3; ++i) {
        void* const block = allocate_at(place_, 100);
        free_at(place_ + 1, block);
        free_at(place_ + 2, block);
    }
    take_report();
    void* const block = allocate_at(place_, 100);
    free_at(place_ + 1, block);
    free_at(place_ + 3, block);
    EXPECT_EQ(take_report().here, place_ + 3) << "elsewhere is another one";
}

TEST_F(CheckedHeap, ReportsADoubleFreeOfAnotherThread)
{
    void* const block = allocate_at(place_, 100);
    test::in_thread([&] { free_at(place_ + 1, block); });
    free_at(place_ + 2, block);
    const CheckError error = take_report();
    EXPECT_EQ(error.fault, CheckFault::double_free);
    EXPECT_NE(error.block.freed_by, error.noticed_by);
    EXPECT_EQ(error.block.allocated_by, error.noticed_by);
}

TEST_F(CheckedHeap, OfManyThreadsThatFreeABlockOneIsRight)
{
    void* const block = allocate_at(place_, 100);
    std::atomic<std::uint32_t> next{place_ + 1};
    test::in_threads(4, [&](std::size_t) { free_at(next++, block); });
    EXPECT_EQ(take_reports().size(), 3U);
}

TEST_F(CheckedHeap, ReportsWhatIsNoBlock)
{
    char local[64];
    static char fixed[64];
    void* const block = allocate_at(place_, 100);
    void* const mid = allocate_at(place_, KiB(200));
    void* const large = allocate_at(place_, MiB(3));
    std::uint32_t place = place_;
    for (void* const wrong :
         {static_cast<void*>(local), static_cast<void*>(fixed),
          static_cast<void*>(bytes_of(block) + 8), static_cast<void*>(bytes_of(block) - 16),
          static_cast<void*>(bytes_of(mid) + KiB(100)),
          static_cast<void*>(bytes_of(large) + KiB(4))}) {
        free_at(++place, wrong);
        const CheckError error = take_report();
        EXPECT_EQ(error.fault, CheckFault::invalid_free);
        EXPECT_EQ(error.address, address_of(wrong));
        const bool is_in_block = wrong != local && wrong != fixed;
        EXPECT_EQ(error.block.start != 0, is_in_block);
    }
    for (void* const each : {block, mid, large})
        CoreCalls::deallocate(each);
}

TEST_F(CheckedHeap, ReportsAnOverflowWhenTheBlockIsFreed)
{
    for (const std::size_t size : kSizes) {
        SCOPED_TRACE(size);
        const std::uint32_t place = next_place();
        void* const block = allocate_at(place, size);
        bytes_of(block)[size] = 0;
        free_at(place + 1, block);
        CheckError error = take_report();
        EXPECT_EQ(error.fault, CheckFault::overflow);
        EXPECT_EQ(error.changed, address_of(block) + size);
        EXPECT_EQ(error.changed_size, 1U);
        EXPECT_EQ(error.occasion, nullptr);
        EXPECT_FALSE(error.block.is_freed);
        EXPECT_EQ(error.block.allocated_at, place);
        EXPECT_EQ(error.here, place + 1);
    }
    flush_quarantine();
    EXPECT_TRUE(take_reports().empty()) << "found once more in quarantine, and not told again";
}

TEST_F(CheckedHeap, ReportsAnUnderflowByLooking)
{
    void* const before = allocate_at(place_, 40);
    void* const block = allocate_at(place_ + 1, 40);
    bytes_of(block)[-1] = 0;
    EXPECT_EQ(look(), 1U);
    const CheckError error = take_report();
    EXPECT_EQ(error.fault, CheckFault::underflow);
    EXPECT_EQ(error.changed, address_of(block) - 1);
    EXPECT_STREQ(error.occasion, "now");
    EXPECT_EQ(error.before.start, address_of(before));
    EXPECT_EQ(look(), 1U);
    EXPECT_TRUE(take_reports().empty()) << "the same one";
    bytes_of(block)[-1] = static_cast<char>(error.expected);
    EXPECT_EQ(look(), 0U);
    CoreCalls::deallocate(block);
    CoreCalls::deallocate(before);
}

TEST_F(CheckedHeap, ReportsAWriteToAFreedBlock)
{
    void* const block = allocate_at(place_, 40);
    free_at(place_ + 1, block);
    const char before = std::exchange(bytes_of(block)[8], '\0');
    EXPECT_EQ(look(), 1U);
    const CheckError error = take_report();
    EXPECT_EQ(error.fault, CheckFault::use_after_free);
    EXPECT_EQ(error.block.freed_at, place_ + 1);
    EXPECT_EQ(error.changed, address_of(block) + 8);
    bytes_of(block)[8] = before;
}

TEST_F(CheckedHeap, ReportsAWriteToAFreedBlockBeforeItIsUsedAgain)
{
    void* const block = allocate_at(place_, 40);
    free_at(place_ + 1, block);
    bytes_of(block)[8] = 0;
    flush_quarantine();
    const CheckError error = take_report();
    EXPECT_EQ(error.fault, CheckFault::use_after_free);
    EXPECT_STREQ(error.occasion, "when it was to be reused");
}

TEST_F(CheckedHeap, KeepsFreedBlocksBack)
{
    void* const block = CoreCalls::allocate(40);
    CoreCalls::deallocate(block);
    for (std::size_t bytes = 0; bytes < kQuarantine / 2; bytes += 64) {
        void* const other = CoreCalls::allocate(40);
        EXPECT_NE(other, block);
        CoreCalls::deallocate(other);
    }
}

TEST_F(CheckedHeap, FillsBlocks)
{
    for (const std::size_t size : {std::size_t{40}, std::size_t{1000}, KiB(20), KiB(60)}) {
        auto* const block = static_cast<unsigned char*>(CoreCalls::allocate(size));
        for (std::size_t i = 0; i < size; ++i)
            ASSERT_EQ(block[i], 0xA5);
        CoreCalls::deallocate(block);
        std::uint64_t word = 0;
        std::memcpy(&word, foreign(block), sizeof(word));
        EXPECT_EQ(poison::block_of(word), address_of(block));
        EXPECT_EQ(describe_address(poison::block_of(word)).size, size);
    }
}

TEST_F(CheckedHeap, ZeroesWhatIsToBeZero)
{
    for (const std::size_t size : kSizes) {
        for (int i = 0; i < 5; ++i) {
            void* const block = CoreCalls::allocate_zeroed(size);
            EXPECT_TRUE(test::is_zero(block, size)) << size;
            test::fill(block, size, 7);
            CoreCalls::deallocate(block);
            flush_quarantine();
        }
    }
}

TEST_F(CheckedHeap, KeepsContentsWhenABlockIsResized)
{
    for (const std::size_t before : kSizes) {
        for (const std::size_t after : kSizes) {
            if (after == 0) continue;
            void* const block = CoreCalls::allocate(before);
            test::fill(block, before, 3);
            void* const resized = CoreCalls::reallocate(block, after);
            EXPECT_TRUE(test::holds(resized, before, 3, std::min(before, after)));
            EXPECT_EQ(CoreCalls::usable_size(resized), after);
            CoreCalls::deallocate(resized);
        }
    }
}

TEST_F(CheckedHeap, ReportsAResizeOfWhatWasFreed)
{
    void* const block = allocate_at(place_, 40);
    free_at(place_ + 1, block);
    stack = place_ + 2;
    CoreCalls::deallocate(CoreCalls::reallocate(foreign(block), 80));
    EXPECT_EQ(take_report().fault, CheckFault::resize_freed);
}

TEST_F(CheckedHeap, ResizesNothingThatIsNoBlock)
{
    char local[64] = {};
    stack = place_;
    errno = 0;
    EXPECT_EQ(CoreCalls::reallocate(foreign(local), 80), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    EXPECT_EQ(take_report().fault, CheckFault::resize_invalid);
}

TEST_F(CheckedHeap, LeavesABlockAloneThatCannotBeResized)
{
    void* const block = CoreCalls::allocate(40);
    test::fill(block, 40, 5);
    stack = place_;
    EXPECT_EQ(CoreCalls::reallocate(block, SIZE_MAX - 10), nullptr);
    EXPECT_EQ(take_report().fault, CheckFault::impossible_size);
    EXPECT_EQ(CoreCalls::reallocate(block, SIZE_MAX / 2 - 4096), nullptr);
    EXPECT_TRUE(test::holds(block, 40, 5));
    CoreCalls::deallocate(block);
}

TEST_F(CheckedHeap, ComparesTheKinds)
{
    void* const block = allocate_at(place_, 40);
    stack = place_ + 1;
    deallocate(foreign(block), BlockKind::single);
    const CheckError error = take_report();
    EXPECT_EQ(error.fault, CheckFault::wrong_kind);
    EXPECT_EQ(error.block.kind, BlockKind::malloc);
    EXPECT_EQ(error.kind, BlockKind::single);
    free_at(place_ + 2, block);
    EXPECT_EQ(take_report().fault, CheckFault::double_free) << "it was freed all the same";
}

TEST_F(CheckedHeap, KeepsErrno)
{
    errno = 42;
    for (const std::size_t size : kSizes) {
        void* const block = allocate_at(place_, size);
        bytes_of(block)[size] ^= 1;
        free_at(place_ + 1, block);
        free_at(place_ + 2, block);
    }
    EXPECT_EQ(errno, 42);
    flush_quarantine();
    take_reports();
}

/// A signal handler that has interrupted malloc, or a thread that must not wait for a fork.
TEST_F(CheckedHeap, KnowsBlocksWhereNoSlowPathMayBeTaken)
{
    for (const std::size_t size : kSizes) {
        if (size == 0) continue;
        void* const block = CoreCalls::allocate(size);
        test::fill(block, size, 9);
        this_thread_cache().busy = true;
        EXPECT_EQ(CoreCalls::usable_size(block), size);
        void* const resized = CoreCalls::reallocate(block, size + 50);
        this_thread_cache().busy = false;
        ASSERT_NE(resized, nullptr);
        EXPECT_TRUE(test::holds(resized, size, 9));
        CoreCalls::deallocate(resized);
    }
}

TEST_F(CheckedHeap, RetiresBlocksLaterThatWereFreedWhereNoSlowPathMayBeTaken)
{
    for (const std::size_t size : kSizes) {
        void* const block = allocate_at(place_, size);
        void* const other = allocate_at(place_, size);
        this_thread_cache().busy = true;
        CoreCalls::deallocate(foreign(block));
        CoreCalls::deallocate(foreign(block)); // nobody can be told
        CoreCalls::deallocate(foreign(other));
        this_thread_cache().busy = false;
        EXPECT_TRUE(describe_address(address_of(block)).is_freed);
        free_at(place_ + 1, allocate_at(place_, 10));
        EXPECT_EQ(describe_address(address_of(block)).freed_at, 0U);
        EXPECT_EQ(describe_address(address_of(other)).size, size);
        free_at(next_place(), block);
        EXPECT_EQ(take_report().fault, CheckFault::double_free);
        flush_quarantine();
    }
}

TEST_F(CheckedHeap, CountsCalls)
{
    looks = 0;
    for (int i = 0; i < 500; ++i)
        CoreCalls::deallocate(CoreCalls::allocate(10));
    EXPECT_EQ(looks, 1) << "one in a thousand calls";
}

TEST_F(CheckedHeap, OnlyBlocksInUseAreLive)
{
    const auto count = [] {
        std::size_t blocks = 0;
        EXPECT_TRUE(hold_heap());
        for_each_live_block(
            [](void* context, LiveBlock block) {
                EXPECT_TRUE(test::is_aligned(reinterpret_cast<void*>(block.start), 16));
                *static_cast<std::size_t*>(context) += block.size == 777;
            },
            &blocks);
        release_heap();
        return blocks;
    };
    const std::size_t before = count();
    void* const block = CoreCalls::allocate(777);
    EXPECT_EQ(count(), before + 1);
    CoreCalls::deallocate(block);
    EXPECT_EQ(count(), before) << "it is in quarantine";
}

} // namespace

/// In place of the weak one.
void configure_heap()
{
    fallback = fallback_backend(FallbackKind::mmap);
    settings.checks = start_checks({.canaries = true,
                                    .fills_allocated = true,
                                    .fills_freed = true,
                                    .keeps_stacks = true,
                                    .quarantine = kQuarantine,
                                    .check_every = 1000,
                                    .look_is_due = [] { ++looks; }},
                                   {.current_stack = [] { return stack; },
                                    .site_of = nullptr,
                                    .report =
                                        [](const CheckError& error) {
                                            const std::lock_guard guard(reports_mutex);
                                            reports.push_back(error);
                                        }});
}

} // namespace tarn
