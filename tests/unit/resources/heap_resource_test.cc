// SPDX-License-Identifier: MIT
#include <atomic>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/heap_resource.h>
#include <tarn/page_resource.h>
#include <tarn/synchronized_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/resources/wandering_blocks.h"
#include "tests/unit/support/threads.h"

namespace tarn {

using test::Counted;

RC_GTEST_PROP(HeapProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    HeapOptions options =
        *rc::gen::element(HeapOptions(), HeapOptions::small(), HeapOptions::busy());
    options.checked = checked;
    HeapResource heap(options, &upstream);
    test::run_against_model(heap, *test::any_steps(),
                            {.reset = [&] { heap.reset(); }, .knows_its_blocks = false});
    RC_ASSERT(heap.statistics().in_use == 0U);
    RC_ASSERT(heap.statistics().deallocations == heap.statistics().allocations);
    heap.trim();
    RC_ASSERT(upstream.statistics().in_use == (checked ? heap.statistics().reserved : 0U));
}

namespace {

// Each size from 1 byte to 1 MiB, some of them strictly aligned.
void allocate_some(HeapResource& heap)
{
    for (std::size_t bytes = 1; bytes <= MiB(1); bytes = bytes * 3 / 2 + 1)
        static_cast<void>(heap.allocate(bytes, std::size_t{1} << bytes % 17));
}

} // namespace

TEST(Heap, ItsEndGivesEverythingBackThatIsInUse)
{
    Counted upstream; // its end sees what is left
    HeapResource heap({}, &upstream);
    allocate_some(heap);
    EXPECT_GT(heap.statistics().in_use, MiB(2));
}

TEST(Heap, ItsEndGivesEverythingBackOfAllThreads)
{
    Counted upstream;
    SynchronizedResource shared(upstream);
    auto heap = std::make_unique<HeapResource>(HeapOptions(), &shared);
    std::atomic<int> ready{0};
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            allocate_some(*heap);
            ++ready;
            while (!is_over)
                std::this_thread::yield();
        });
    while (ready != 3)
        std::this_thread::yield();
    EXPECT_EQ(heap->threads(), 3U);
    heap.reset(); // the threads live on
    EXPECT_EQ(upstream.statistics().in_use, 0U);
    is_over = true;
    for (std::thread& thread : threads)
        thread.join();
}

TEST(Heap, EndsWhileItsThreadsEnd)
{
    for (int turn = 0; turn < 30; ++turn) {
        auto heap = std::make_unique<HeapResource>();
        std::atomic<int> ready{0};
        std::atomic<bool> is_over{false};
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&] {
                heap->deallocate(heap->allocate(64), 64); // which the thread keeps
                static_cast<void>(heap->allocate(64));
                ++ready;
                while (!is_over)
                    std::this_thread::yield();
            });
        while (ready != 3)
            std::this_thread::yield();
        is_over = true;
        heap.reset();
        for (std::thread& thread : threads)
            thread.join();
    }
}

TEST(Heap, ResetGivesEverythingBackAndStartsAgain)
{
    Counted upstream;
    HeapResource heap({}, &upstream);
    allocate_some(heap);
    const ResourceStatistics before = heap.statistics();
    heap.reset();
    EXPECT_EQ(upstream.statistics().in_use, 0U);
    const ResourceStatistics after = heap.statistics();
    EXPECT_EQ(after.allocations, before.allocations);
    EXPECT_EQ(after.deallocations, before.allocations);
    EXPECT_EQ(after.in_use, 0U);
    EXPECT_EQ(after.reserved, 0U);
    EXPECT_EQ(after.peak_in_use, before.peak_in_use);
    EXPECT_EQ(after.peak_reserved, before.peak_reserved);
    allocate_some(heap);
    EXPECT_EQ(heap.statistics().allocations, 2 * before.allocations);
    EXPECT_EQ(heap.statistics().in_use, before.in_use);
}

TEST(Heap, AnyThreadAllocatesAndAnyOtherGivesBack)
{
    HeapResource heap({.batch = 512});
    test::give_back_in_other_threads(heap, 2000, [](std::size_t i, std::size_t thread) {
        return 16 + (i * 379 + thread) % 20'000; // large ones, too
    });
}

TEST(Heap, ThreadsGoOnAfterAReset)
{
    HeapResource heap;
    for (int turn = 0; turn < 20; ++turn) {
        static_cast<void>(heap.allocate(64)); // this thread's part of the heap is an old one then
        test::in_threads(3, [&](std::size_t) { allocate_some(heap); });
        heap.reset();
        EXPECT_EQ(heap.statistics().reserved, 0U);
    }
}

TEST(Heap, HeapsAreApart)
{
    HeapResource one;
    HeapResource other;
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t bytes = 1; bytes < KiB(100); bytes = bytes * 2 + 1) {
        blocks.emplace_back(one.allocate(bytes), bytes);
        EXPECT_TRUE(one.owns(blocks.back().first));
        EXPECT_FALSE(other.owns(blocks.back().first));
        static_cast<void>(other.allocate(bytes));
    }
    other.reset();
    for (const auto& [block, bytes] : blocks)
        one.deallocate(block, bytes);
    EXPECT_EQ(one.statistics().in_use, 0U);
}

TEST(Heap, TakesEvenChunksFromUpstream)
{
    Counted upstream;
    HeapResource heap({}, &upstream);
    static_cast<void>(heap.allocate(64));
    EXPECT_EQ(upstream.sizes, std::vector<std::size_t>{KiB(64)});
    EXPECT_EQ(heap.statistics().reserved, KiB(64));
}

TEST(Heap, TrimGivesChunksBack)
{
    Counted upstream;
    HeapResource heap({}, &upstream);
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i)
        blocks.push_back(heap.allocate(KiB(1)));
    for (void* const block : blocks)
        heap.deallocate(block, KiB(1));
    EXPECT_GT(heap.trim(), KiB(900));
    EXPECT_EQ(upstream.statistics().in_use, 0U);
}

TEST(Heap, LivesOnPages)
{
    HeapResource heap({}, page_resource());
    std::pmr::vector<std::pmr::string> names(&heap);
    for (int i = 0; i < 1000; ++i)
        names.emplace_back(static_cast<std::size_t>(i), 'x');
    EXPECT_TRUE(heap.owns(names[999].data()));
    EXPECT_EQ(heap.upstream(), page_resource());
}

TEST(Heap, RefusesWhatUpstreamRefuses)
{
    HeapResource heap({}, std::pmr::null_memory_resource());
    EXPECT_EQ(heap.try_allocate(64), nullptr);
    EXPECT_EQ(heap.try_allocate(KiB(64)), nullptr);
    EXPECT_THROW(static_cast<void>(heap.allocate(64)), std::bad_alloc);
    EXPECT_EQ(heap.statistics().failures, 3U);
}

TEST(Heap, RefusesOptionsThatMakeNoSense)
{
    EXPECT_THROW(HeapResource({.largest = KiB(64)}), std::invalid_argument);
    EXPECT_THROW(HeapResource({.chunk = 0}), std::invalid_argument);
    EXPECT_THROW(HeapResource({.chunk = KiB(1)}), std::invalid_argument);
}

TEST(HeapChecked, ReportsMisuseOfAnyThread)
{
    const test::ThrowingMisuseHandler misuse;
    HeapResource heap({.checked = true});
    void* const block = heap.allocate(100);
    EXPECT_EQ(misuse.of([&] { heap.deallocate(block, 90); }), Misuse::wrong_size);
    test::in_thread([&] { heap.deallocate(block, 100); });
    EXPECT_EQ(misuse.of([&] { heap.deallocate(block, 100); }), Misuse::double_free);
    EXPECT_FALSE(heap.owns(block));
    void* const other = heap.allocate(100);
    heap.reset();
    EXPECT_EQ(misuse.of([&] { heap.deallocate(other, 100); }), Misuse::not_owned);
}

} // namespace tarn
