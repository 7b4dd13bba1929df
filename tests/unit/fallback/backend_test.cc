// SPDX-License-Identifier: MIT
//
// What every back end promises (src/fallback/fallback.h), asked of each that this build has.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "src/fallback/fallback.h"
#include "src/os/memory.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/resident.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::fill;
using test::holds;
using test::is_aligned;
using test::is_zero;

class Backend : public testing::TestWithParam<FallbackKind> {
protected:
    void SetUp() override
    {
        ASSERT_NE(fallback_backend(GetParam()), nullptr);
        errno = 4711;
    }
    void TearDown() override { EXPECT_EQ(errno, 4711) << "none of them changes errno"; }

    const FallbackBackend& backend() const { return *fallback_backend(GetParam()); }

    void* allocate(std::size_t size, std::size_t alignment = 16, Zero zero = Zero::no) const
    {
        return backend().allocate(size, alignment, zero);
    }
};

std::vector<FallbackKind> kinds()
{
    std::vector<FallbackKind> present;
    for (const FallbackKind kind : {FallbackKind::jemalloc, FallbackKind::mmap})
        if (fallback_backend(kind) != nullptr) present.push_back(kind);
    return present;
}

INSTANTIATE_TEST_SUITE_P(Of, Backend, testing::ValuesIn(kinds()), [](const auto& info) {
    return std::string(fallback_backend(info.param)->name);
});

TEST_P(Backend, AlignsAsAsked)
{
    for (std::size_t alignment = 16; alignment <= MiB(64); alignment *= 2) {
        for (const std::size_t size : {std::size_t{1}, KiB(5), MiB(1) + 1, MiB(3)}) {
            void* const block = allocate(size, alignment);
            ASSERT_NE(block, nullptr);
            EXPECT_TRUE(is_aligned(block, alignment)) << alignment;
            fill(block, size, alignment);
            EXPECT_TRUE(holds(block, size, alignment));
            backend().deallocate(block);
        }
    }
}

TEST_P(Backend, TellsTheSizeOfABlockBeforehand)
{
    test::Random random;
    for (int i = 0; i < 2000; ++i) {
        const std::size_t size = 1 + random.size_up_to(MiB(8));
        const std::size_t alignment = std::size_t{16} << random.below(14);
        const std::size_t expected = backend().size_for(size, alignment);
        EXPECT_GE(expected, size);
        void* const block = allocate(size, alignment);
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(backend().usable_size(block), expected) << size << " aligned " << alignment;
        backend().deallocate(block);
    }
}

TEST_P(Backend, LetsTheUsableSizeBeUsed)
{
    std::vector<void*> blocks;
    for (std::size_t size = 1; size < MiB(4); size = size * 3 / 2 + 1) {
        void* const block = allocate(size);
        ASSERT_NE(block, nullptr);
        std::memset(block, 0xff, backend().usable_size(block));
        blocks.push_back(block);
    }
    for (void* const block : blocks)
        backend().deallocate(block);
}

TEST_P(Backend, GivesZeroesWhereZeroesAreAskedFor)
{
    for (int round = 0; round < 3; ++round) {
        for (const std::size_t size : {KiB(3), KiB(64), MiB(1) + 17, MiB(5)}) {
            void* const block = allocate(size, 16, Zero::yes);
            ASSERT_NE(block, nullptr);
            EXPECT_TRUE(is_zero(block, size));
            std::memset(block, 0xff, backend().usable_size(block));
            backend().deallocate(block);
        }
    }
}

TEST_P(Backend, KeepsContentsWhenABlockGrowsOrShrinks)
{
    void* block = allocate(MiB(1) + 1);
    std::size_t size = MiB(1) + 1;
    fill(block, size, 7);
    for (const std::size_t next : {MiB(2), MiB(9), MiB(9) + 1, MiB(30), MiB(4), KiB(20), MiB(2)}) {
        const std::size_t expected = backend().size_for(next, 16);
        block = backend().reallocate(block, next);
        ASSERT_NE(block, nullptr);
        EXPECT_TRUE(holds(block, size, 7, std::min(size, next)));
        EXPECT_EQ(backend().usable_size(block), expected);
        EXPECT_TRUE(backend().owns(block));
        size = next;
        fill(block, size, 7);
    }
    backend().deallocate(block);
}

TEST_P(Backend, AlignsWhatItReallocatesAsMallocMust)
{
    for (const std::size_t size : {1U, 7U, 8U, 9U, 24U, 40U, 100U, 5000U}) {
        std::vector<void*> blocks;
        for (int i = 0; i < 8; ++i) {
            void* const block = backend().reallocate(allocate(MiB(1)), size);
            ASSERT_NE(block, nullptr);
            EXPECT_TRUE(is_aligned(block, 16)) << size;
            EXPECT_EQ(backend().usable_size(block), backend().size_for(size, 16)) << size;
            blocks.push_back(block);
        }
        for (void* const block : blocks)
            backend().deallocate(block);
    }
}

TEST_P(Backend, LeavesABlockAloneThatCannotGrow)
{
    void* const block = allocate(MiB(2));
    fill(block, MiB(2), 3);
    EXPECT_EQ(backend().reallocate(block, std::size_t{1} << 62), nullptr);
    EXPECT_EQ(backend().reallocate(block, std::size_t{1} << 47), nullptr);
    EXPECT_TRUE(holds(block, MiB(2), 3));
    EXPECT_TRUE(backend().owns(block));
    EXPECT_EQ(backend().usable_size(block), backend().size_for(MiB(2), 16));
    backend().deallocate(block);
}

TEST_P(Backend, RefusesWhatCannotBe)
{
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(allocate(std::size_t{1} << 47), nullptr);
    EXPECT_EQ(allocate(MiB(1), std::size_t{1} << 47), nullptr);
    EXPECT_EQ(backend().size_for(kMost, 16), 0U);
}

TEST_P(Backend, OwnsItsBlocksAndNothingElse)
{
    void* const block = allocate(MiB(3));
    EXPECT_TRUE(backend().owns(block));
    int on_stack = 0;
    static int in_data = 0;
    void* const foreign = os::map(MiB(1), KiB(4));
    void* const of_libc = std::malloc(MiB(4));
    EXPECT_FALSE(backend().owns(nullptr));
    EXPECT_FALSE(backend().owns(&on_stack));
    EXPECT_FALSE(backend().owns(&in_data));
    EXPECT_FALSE(backend().owns(foreign));
    EXPECT_FALSE(backend().owns(of_libc));
    EXPECT_FALSE(backend().owns(reinterpret_cast<void*>(~std::uintptr_t{0})));
    for (const FallbackKind kind : kinds()) {
        if (kind == GetParam()) continue;
        void* const other = fallback_backend(kind)->allocate(MiB(3), 16, Zero::no);
        EXPECT_FALSE(backend().owns(other));
        fallback_backend(kind)->deallocate(other);
    }
    std::free(of_libc);
    os::unmap(foreign, MiB(1));
    backend().deallocate(block);
}

TEST_P(Backend, CountsWhatItHasMapped)
{
    backend().purge();
    const std::size_t before = backend().mapped();
    std::vector<void*> blocks;
    for (int i = 0; i < 8; ++i)
        blocks.push_back(allocate(MiB(16)));
    EXPECT_GE(backend().mapped(), MiB(128));
    for (void* const block : blocks)
        backend().deallocate(block);
    EXPECT_LE(before, backend().mapped() + MiB(16));
    EXPECT_LE(backend().dirty(), backend().mapped());
}

TEST_P(Backend, GivesMemoryBackWhenPurged)
{
    std::vector<void*> blocks;
    const auto resident = [&] {
        std::size_t bytes = 0;
        for (void* const block : blocks)
            bytes += test::resident_bytes(block, MiB(4));
        return bytes;
    };
    for (int i = 0; i < 16; ++i) {
        blocks.push_back(allocate(MiB(4)));
        std::memset(blocks.back(), 1, MiB(4));
    }
    EXPECT_GE(resident(), MiB(63)); // blocks need not begin with a page
    for (void* const block : blocks)
        backend().deallocate(block);
    backend().purge();
    EXPECT_EQ(backend().dirty(), 0U);
    EXPECT_EQ(resident(), 0U);
    EXPECT_TRUE(is_zero(blocks.front() = allocate(MiB(64), 16, Zero::yes), MiB(64)));
    backend().deallocate(blocks.front());
}

TEST_P(Backend, MayBeUsedByManyThreadsAtOnce)
{
    struct Block {
        void* address = nullptr;
        std::size_t size = 0;
    };
    std::vector<Block> shared(64);
    std::vector<std::mutex> locks(shared.size());
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        for (int i = 0; i < 1500; ++i) {
            const std::size_t slot = random.below(shared.size());
            const std::lock_guard guard(locks[slot]);
            Block& block = shared[slot];
            if (block.address == nullptr) {
                block.size = 1 + random.size_up_to(MiB(2));
                block.address = allocate(block.size);
            } else if (random.one_in(3)) {
                const std::size_t size = 1 + random.size_up_to(MiB(2));
                void* const moved = backend().reallocate(block.address, size);
                ASSERT_TRUE(holds(moved, block.size, slot, std::min(size, block.size)));
                block = {moved, size};
            } else {
                ASSERT_TRUE(holds(block.address, block.size, slot));
                ASSERT_TRUE(backend().owns(block.address));
                backend().deallocate(block.address);
                block = {};
                continue;
            }
            fill(block.address, block.size, slot);
        }
    });
    for (std::size_t slot = 0; slot < shared.size(); ++slot) {
        if (shared[slot].address == nullptr) continue;
        EXPECT_TRUE(holds(shared[slot].address, shared[slot].size, slot));
        backend().deallocate(shared[slot].address);
    }
}

TEST(Backends, AreFoundByTheirKind)
{
    EXPECT_STREQ(fallback_backend(FallbackKind::mmap)->name, "mmap");
    const FallbackBackend* const jemalloc = fallback_backend(FallbackKind::jemalloc);
    if (jemalloc != nullptr) { // a build without it has the system alone
        EXPECT_STREQ(jemalloc->name, "jemalloc");
    }
}

} // namespace

} // namespace tarn
