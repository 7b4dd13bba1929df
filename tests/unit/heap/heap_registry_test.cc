// SPDX-License-Identifier: MIT

#include "src/heap/heap_registry.h"

#include <atomic>
#include <mutex>
#include <pthread.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/heap/emergency.h"
#include "src/heap/page_heap.h"
#include "src/heap/remote_free.h"
#include "src/heap/verify.h"
#include "src/os/process.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/sanitizer.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::own_heap;

std::size_t attached_heaps()
{
    std::size_t count = 0;
    heap_registry.for_each([&](const Heap& heap) { count += heap.state() == HeapState::attached; });
    return count;
}

class Registry : public testing::Test {
protected:
    void SetUp() override { own_heap(); }
    void TearDown() override
    {
        verify_heap();
        EXPECT_EQ(attached_heaps(), 1U) << "only this thread's heap is in use";
    }
};

TEST_F(Registry, GivesAHeapToEachThreadThatRuns)
{
    constexpr std::size_t kThreads = 20;
    std::set<Heap*> heaps;
    std::mutex mutex;
    std::atomic<std::size_t> running{0};
    test::in_threads(kThreads, [&](std::size_t) {
        {
            const std::lock_guard guard(mutex);
            EXPECT_TRUE(heaps.insert(&own_heap()).second);
        }
        ++running;
        while (running.load() < kThreads)
            std::this_thread::yield();
        EXPECT_EQ(own_heap().state(), HeapState::attached);
    });
    EXPECT_EQ(heaps.size(), kThreads);
    for (const Heap* const heap : heaps)
        EXPECT_EQ(heap->state(), HeapState::parked);
}

TEST_F(Registry, LetsANewThreadAdoptTheHeapParkedLast)
{
    std::uint32_t id = 0;
    test::in_thread([&] { id = own_heap().id(); });
    const std::size_t count = heap_registry.count();
    for (int i = 0; i < 500; ++i)
        test::in_thread([&] { EXPECT_EQ(own_heap().id(), id); });
    EXPECT_EQ(heap_registry.count(), count);
}

TEST_F(Registry, HandsOverBlocksAndOwnerIds)
{
    std::vector<void*> blocks;
    std::uint32_t id = 0;
    test::in_thread([&] {
        id = own_heap().id();
        for (std::size_t i = 0; i < 1000; ++i) {
            blocks.push_back(allocate(i));
            test::fill(blocks.back(), i, i);
        }
    });
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_EQ(test::owner_of(blocks[i]), id);
        EXPECT_TRUE(test::holds(blocks[i], i, i));
    }
    verify_heap();
    test::in_thread([&] {
        ASSERT_EQ(own_heap().id(), id);
        const std::uint64_t sent = test::own_state(500).sent;
        for (void* const block : blocks)
            deallocate(block); // as its own: no remote free
        EXPECT_EQ(test::own_state(500).sent, sent);
    });
}

TEST_F(Registry, TakesHomeWhatIsFreedToAParkedHeap)
{
    std::vector<void*> blocks;
    Heap* heap = nullptr;
    test::in_thread([&] {
        heap = &own_heap();
        for (int i = 0; i < 2000; ++i)
            blocks.push_back(allocate(KiB(1)));
    });
    const std::size_t used = page_heap.used();
    for (void* const block : blocks)
        deallocate(block);
    publish_all(this_thread_cache());
    EXPECT_EQ(heap->state(), HeapState::parked);
    heap_registry.trim_all_parked();
    EXPECT_LE(page_heap.used(), used - MiB(1));
    EXPECT_EQ(heap->state_of(size_class_for(KiB(1))).slabs, 0U);
}

TEST_F(Registry, ServesThreadsWithoutAHeapFromAParkedOne)
{
    test::in_thread([] { own_heap(); });
    void* const block = heap_registry.with_parked([](Heap& heap) -> void* {
        EXPECT_TRUE(heap.refill(size_class_for(100), 100));
        return pop(heap.cache(), index_of(size_class_for(100)));
    });
    ASSERT_NE(block, nullptr);
    EXPECT_NE(test::owner_of(block), own_heap().id());
    deallocate(block);
    publish_all(this_thread_cache());
    heap_registry.trim_all_parked();
}

TEST_F(Registry, KeepsOtherThreadsOutWhileItIsFrozen)
{
    heap_registry.freeze(&this_thread_cache());
    EXPECT_TRUE(heap_registry.is_frozen());
    EXPECT_TRUE(heap_registry.is_frozen_by(&this_thread_cache()));
    std::atomic<bool> done{false};
    std::thread other([&] {
        void* const block = allocate(100); // waits, and then gets emergency memory
        EXPECT_TRUE(emergency::owns(block));
        deallocate(block);
        done.store(true);
    });
    while (!done.load())
        std::this_thread::yield();
    heap_registry.thaw();
    EXPECT_FALSE(heap_registry.is_frozen());
    other.join();
}

TEST_F(Registry, LetsWaitingThreadsGoOnWhenItThaws)
{
    for (int i = 0; i < 20; ++i) {
        heap_registry.freeze(&this_thread_cache());
        std::thread other([] { deallocate(allocate(100)); });
        heap_registry.thaw();
        other.join();
    }
}

TEST_F(Registry, WaitsForThreadsInsideWhenItFreezes)
{
    std::vector<std::jthread> others;
    for (std::uint64_t stream = 0; stream < 3; ++stream) {
        others.emplace_back([stream](const std::stop_token& stop) {
            test::Random random(stream);
            while (!stop.stop_requested()) {
                const test::Blocks blocks(20, random.size_up_to(KiB(100)));
            }
        });
    }
    for (int i = 0; i < 50; ++i) {
        heap_registry.freeze(&this_thread_cache());
        // Nobody is in the middle of a change: all that is shared can be checked.
        heap_registry.thaw();
        page_heap.verify();
    }
}

/// In the child of a fork: 0 when everything that a child may do works.
int use_heaps_in_child(const std::vector<void*>& of_parent)
{
    if (attached_heaps() != 1) return 1;
    for (std::size_t i = 0; i < of_parent.size(); ++i) {
        if (!test::holds(of_parent[i], i, i)) return 2;
        deallocate(of_parent[i]);
    }
    verify_heap();
    for (std::size_t i = 0; i < 1000; ++i)
        deallocate(allocate(i * 100));
    verify_heap();
    return 0;
}

TEST_F(Registry, LetsAForkedChildUseTheHeapsOfThreadsThatAreGone)
{
    std::vector<void*> blocks;
    std::atomic<bool> ready{false};
    const std::jthread other([&](const std::stop_token& stop) {
        for (std::size_t i = 0; i < 1000; ++i) {
            blocks.push_back(allocate(i));
            test::fill(blocks.back(), i, i);
        }
        ready.store(true);
        while (!stop.stop_requested())
            deallocate(allocate(KiB(4)));
        for (void* const block : blocks)
            deallocate(block);
    });
    while (!ready.load())
        std::this_thread::yield();
    for (int i = 0; i < 20; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(use_heaps_in_child(blocks));
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
        ASSERT_EQ(WEXITSTATUS(status), 0);
    }
}

/// Allocates when it is destroyed, which may be the first time that its thread does.
struct AllocatesLate {
    static void run(void* rounds_left)
    {
        const auto left = reinterpret_cast<std::uintptr_t>(rounds_left);
        void* const block = allocate(left * 100);
        test::fill(block, left * 100, left);
        EXPECT_TRUE(test::holds(block, left * 100, left));
        deallocate(block);
        if (left > 1) ::pthread_setspecific(key, reinterpret_cast<void*>(left - 1));
    }
    static inline pthread_key_t key{};
};

TEST_F(Registry, ServesDestructorsOfEveryRound)
{
    ASSERT_EQ(::pthread_key_create(&AllocatesLate::key, AllocatesLate::run), 0);
    const std::size_t count = heap_registry.count();
    for (int i = 0; i < 50; ++i) {
        test::in_thread([] {
            own_heap();
            // The thread sanitizer lets go of a thread before the last round.
            const std::uintptr_t rounds = PTHREAD_DESTRUCTOR_ITERATIONS - test::kSanitized;
            ::pthread_setspecific(AllocatesLate::key, reinterpret_cast<void*>(rounds));
        });
    }
    EXPECT_LE(heap_registry.count(), count + 1);
    ::pthread_key_delete(AllocatesLate::key);
}

TEST_F(Registry, GetsTheHeapOfAThreadBackThatFirstAllocatesInADestructor)
{
    ASSERT_EQ(::pthread_key_create(&AllocatesLate::key, AllocatesLate::run), 0);
    const std::size_t count = heap_registry.count();
    for (int i = 0; i < 50; ++i)
        test::in_thread(
            [] { ::pthread_setspecific(AllocatesLate::key, reinterpret_cast<void*>(1)); });
    EXPECT_LE(heap_registry.count(), count + 1);
    EXPECT_EQ(attached_heaps(), 1U);
    ::pthread_key_delete(AllocatesLate::key);
}

} // namespace

} // namespace tarn
