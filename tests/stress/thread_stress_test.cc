// SPDX-License-Identifier: MIT
//
// Threads that use the heap at once, that come and go, and that hand each other their blocks.

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/heap_registry.h"
#include "src/heap/large.h"
#include "src/heap/page_heap.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "tests/stress/mixed_use.h"
#include "tests/stress/scale.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::scaled;
using Use = test::MixedUse<test::CoreCalls>;

struct Variant {
    const char* name;
    std::size_t purge_delay; // milliseconds
    FallbackKind fallback;
};

/// Every test once with memory kept for a while and once with memory given back at once, which
/// makes threads meet in the page heap; and over each fallback.
class ThreadStress : public testing::TestWithParam<Variant> {
protected:
    void SetUp() override
    {
        test::own_heap();
        settings.purge_delay = GetParam().purge_delay;
        // It may not be in this build, and checks go with mmap only.
        if (fallback_backend(GetParam().fallback) != nullptr && settings.checks == nullptr)
            fallback = fallback_backend(GetParam().fallback);
    }
    void TearDown() override
    {
        verify_heap();
        trim_process();
        verify_heap();
        if (settings.checks != nullptr) return; // some blocks are in quarantine
        EXPECT_EQ(page_heap.used(), 0U) << "every block is free";
        EXPECT_EQ(large_counters.live.load(), 0U);
    }
};

INSTANTIATE_TEST_SUITE_P(With, ThreadStress,
                         testing::Values(Variant{"memory_kept", 1000, FallbackKind::jemalloc},
                                         Variant{"memory_given_back", 0, FallbackKind::mmap}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(ThreadStress, SurvivesMixedUseOfSmallBlocks)
{
    Use use(2000, 500);
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        for (int step = scaled(100'000); step > 0; --step)
            use.step(random);
    });
}

TEST_P(ThreadStress, SurvivesMixedUseOfAllSizes)
{
    Use use(500, MiB(2));
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        for (int step = scaled(4'000); step > 0; --step)
            use.step(random);
    });
}

TEST_P(ThreadStress, SurvivesThreadsThatComeAndGo)
{
    Use use(1000, KiB(100));
    const std::size_t heaps = heap_registry.count();
    test::in_threads(4, [&](std::size_t starter) {
        for (int generation = scaled(100); generation > 0; --generation) {
            std::thread([&] {
                test::Random random(starter * 1000 + static_cast<std::size_t>(generation));
                for (int step = 300; step > 0; --step)
                    use.step(random);
            }).join();
        }
    });
    EXPECT_LE(heap_registry.count(), heaps + 8) << "heaps of ended threads are used again";
}

TEST_P(ThreadStress, SurvivesTrimmingByAnyThread)
{
    Use use(500, KiB(300));
    std::atomic<int> running{3};
    std::jthread trimmer([&] {
        while (running.load() > 0)
            trim_process();
    });
    test::in_threads(3, [&](std::size_t thread) {
        test::Random random(thread);
        for (int step = scaled(10'000); step > 0; --step)
            use.step(random);
        --running;
    });
}

TEST_P(ThreadStress, DoesNotGrowOverManyShortThreads)
{
    // Each leaves some of its blocks to those that come after it.
    Use use(300, KiB(4));
    const auto run_threads = [&](int count) {
        for (int i = 0; i < count; ++i) {
            test::in_thread([&] {
                test::Random random(static_cast<std::size_t>(i));
                for (int step = 0; step < 50; ++step)
                    use.step(random);
            });
        }
    };
    run_threads(scaled(500));
    const std::size_t used = page_heap.used();
    run_threads(scaled(1500));
    EXPECT_LE(page_heap.used(), used * 2 + MiB(1));
}

TEST_P(ThreadStress, BringsAllBlocksOfAProducerHome)
{
    // One thread allocates, the others only free: the blocks must not pile up.
    using Blocks = test::TaggedBlocks<test::CoreCalls>;
    std::vector<std::atomic<void*>> places(256);
    std::atomic<bool> done{false};
    std::size_t most_used = 0;
    std::thread producer([&] {
        test::Random random(9);
        for (int left = scaled(100'000); left > 0; --left) {
            std::atomic<void*>& place = places[random.below(places.size())];
            while (place.load(std::memory_order_relaxed) != nullptr)
                std::this_thread::yield();
            place.store(Blocks::make(random, 1000));
            most_used = std::max(most_used, page_heap.used());
        }
        done.store(true);
    });
    test::in_threads(2, [&](std::size_t thread) {
        test::Random random(thread);
        while (!done.load(std::memory_order_relaxed)) {
            void* const block = places[random.below(places.size())].exchange(nullptr);
            if (block == nullptr) {
                std::this_thread::yield();
                continue;
            }
            ASSERT_TRUE(Blocks::is_intact(block));
            deallocate(block);
        }
    });
    producer.join();
    for (std::atomic<void*>& place : places)
        deallocate(place.exchange(nullptr));
    EXPECT_LE(most_used, MiB(16)) << "of at most 256 KiB that were live";
}

} // namespace

} // namespace tarn
