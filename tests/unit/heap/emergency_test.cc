// SPDX-License-Identifier: MIT

#include "src/heap/emergency.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/resize.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

TEST(Emergency, OwnsNothingBeforeItIsNeeded)
{
    int on_stack = 0;
    EXPECT_FALSE(emergency::owns(&on_stack));
    EXPECT_FALSE(emergency::owns(nullptr));
    EXPECT_EQ(emergency::used(), 0U);
}

TEST(Emergency, GivesZeroedAlignedBlocksOfEverySize)
{
    for (std::size_t alignment = 1; alignment <= MiB(4); alignment *= 4) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, std::size_t{17}, KiB(3), KiB(300), MiB(3)}) {
            void* const block = emergency::allocate(size, alignment);
            ASSERT_NE(block, nullptr);
            EXPECT_TRUE(test::is_aligned(block, alignment));
            EXPECT_TRUE(test::is_aligned(block, kMinAlignment));
            EXPECT_TRUE(emergency::owns(block));
            EXPECT_GE(emergency::usable_size(block), size);
            EXPECT_TRUE(test::is_zero(block, emergency::usable_size(block)));
            std::memset(block, 0xff, emergency::usable_size(block));
        }
    }
    EXPECT_FALSE(emergency::owns(nullptr));
}

TEST(Emergency, RefusesWhatIsTooMuchForIt)
{
    EXPECT_EQ(emergency::allocate(GiB(1), 16), nullptr);
    EXPECT_EQ(emergency::allocate(~std::size_t{0}, 16), nullptr);
    EXPECT_EQ(emergency::allocate(~std::size_t{0} - 40, 16), nullptr);
    EXPECT_EQ(emergency::allocate(1, GiB(1)), nullptr);
    EXPECT_EQ(emergency::allocate(1, std::size_t{1} << 63), nullptr);
}

TEST(Emergency, ABlockThatIsReleasedTakesNoOtherWithIt)
{
    // Most of what an aligned block takes lies in front of it: its end is nearer to the next
    // block's than its length says.
    test::Random random;
    struct Held {
        void* block;
        std::size_t size;
        std::uint64_t tag;
    };
    std::vector<Held> held;
    for (int i = 0; i < 4000; ++i) {
        if (!held.empty() && random.one_in(2)) {
            // Mostly one of the last.
            const std::size_t back = random.below(std::min<std::size_t>(held.size(), 3));
            const Held gone = held[held.size() - 1 - back];
            held.erase(held.end() - 1 - static_cast<std::ptrdiff_t>(back));
            ASSERT_TRUE(test::holds(gone.block, gone.size, gone.tag)) << "step " << i;
            emergency::release(gone.block);
        } else {
            const std::size_t size = random.between(1, 3000);
            void* const block = emergency::allocate(size, std::size_t{16} << random.below(12));
            ASSERT_NE(block, nullptr);
            ASSERT_TRUE(test::is_zero(block, size)) << "step " << i;
            held.push_back({block, size, random.next()});
            test::fill(block, size, held.back().tag);
        }
    }
    for (const Held& each : held)
        EXPECT_TRUE(test::holds(each.block, each.size, each.tag));
}

TEST(Emergency, ServesManyThreadsAtOnce)
{
    std::mutex mutex;
    std::set<void*> seen;
    test::in_threads(8, [&](std::size_t thread) {
        for (std::size_t i = 0; i < 2000; ++i) {
            const std::size_t size = 8 + i % 1000;
            void* const block = emergency::allocate(size, 16);
            ASSERT_NE(block, nullptr) << "there is memory enough";
            test::fill(block, size, thread);
            {
                const std::lock_guard guard(mutex);
                ASSERT_TRUE(seen.insert(block).second);
            }
            ASSERT_TRUE(test::holds(block, size, thread));
        }
    });
}

/// As if a signal handler had interrupted this thread inside a slow path.
class InsideASlowPath {
public:
    InsideASlowPath() { this_thread_cache().busy = true; }
    InsideASlowPath(const InsideASlowPath&) = delete;
    InsideASlowPath& operator=(const InsideASlowPath&) = delete;
    ~InsideASlowPath() { this_thread_cache().busy = false; }
};

TEST(Emergency, ServesSignalHandlersThatInterruptASlowPath)
{
    test::own_heap().flush();
    void* const large = allocate(MiB(2));
    void* const pooled = allocate(KiB(5));
    test::own_heap().flush();
    {
        const InsideASlowPath inside;
        void* const small = allocate(KiB(5));
        EXPECT_TRUE(emergency::owns(small));
        EXPECT_GE(usable_size(small), KiB(5));
        test::fill(small, KiB(5), 1);
        void* const zeroed = allocate_zeroed(KiB(50));
        EXPECT_TRUE(emergency::owns(zeroed));
        EXPECT_TRUE(test::is_zero(zeroed, KiB(50)));
        void* const grown = reallocate(small, KiB(300));
        EXPECT_TRUE(emergency::owns(grown));
        EXPECT_TRUE(test::holds(grown, KiB(5), 1));
        void* const big = allocate_aligned(MiB(3), KiB(64));
        EXPECT_TRUE(emergency::owns(big));
        EXPECT_TRUE(test::is_aligned(big, KiB(64)));
        for (void* const block : {small, zeroed, grown, big, pooled, large})
            deallocate(block);
    }
    EXPECT_GE(usable_size(large), MiB(2)) << "it stayed: the fallback might have been locked";
    verify_heap();
    test::own_heap().collect_remote();
    verify_heap();
    deallocate(large);
}

TEST(Emergency, BlocksMayBeResizedOnceItIsOver)
{
    void* block = nullptr;
    {
        const InsideASlowPath inside;
        block = allocate(KiB(700));
        ASSERT_TRUE(emergency::owns(block));
        test::fill(block, KiB(700), 2);
    }
    void* const moved = reallocate(block, MiB(2));
    EXPECT_FALSE(emergency::owns(moved));
    EXPECT_TRUE(test::holds(moved, KiB(700), 2));
    deallocate(moved);
}

} // namespace

} // namespace tarn
