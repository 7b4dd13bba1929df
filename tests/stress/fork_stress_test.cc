// SPDX-License-Identifier: MIT
//
// fork() while other threads are anywhere inside the heap. The child has their heaps in whatever
// state they were in, and must be able to use everything, and to fork again.

#include <atomic>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/large.h"
#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "src/os/process.h"
#include "tests/stress/mixed_use.h"
#include "tests/stress/scale.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"

namespace tarn {

namespace {

using test::scaled;
using Use = test::MixedUse<test::CoreCalls>;

/// What the child does; its exit status is 0 unless something ends it.
void use_heap_in_child(Use& use, std::size_t round, int generations)
{
    verify_heap();
    test::Random random(round);
    for (int step = 0; step < 300; ++step)
        use.step(random);
    use.empty();
    verify_heap();
    trim_process();
    verify_heap();
    if (generations == 0) return;
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
        use_heap_in_child(use, round + 1, generations - 1);
        ::_exit(0);
    }
    int status = 0;
    if (::waitpid(grandchild, &status, 0) != grandchild || status != 0) ::_exit(2);
}

void fork_while_others_allocate(std::size_t most, int rounds)
{
    Use use(200, most);
    std::vector<std::jthread> others;
    for (std::size_t thread = 0; thread < 3; ++thread) {
        others.emplace_back([&use, thread](const std::stop_token& stop) {
            test::Random random(thread);
            while (!stop.stop_requested())
                use.step(random);
        });
    }
    for (int round = 0; round < rounds; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            use_heap_in_child(use, static_cast<std::size_t>(round), round % 5 == 0 ? 2 : 0);
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0) << "round " << round;
    }
}

class ForkStress : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        test::own_heap();
        test::seed(); // a child must not wait for a thread that is just choosing it
    }
    void TearDown() override { verify_heap(); }
};

TEST_F(ForkStress, SurvivesForksBetweenSmallBlocks)
{
    fork_while_others_allocate(1000, scaled(150));
}

TEST_F(ForkStress, SurvivesForksInsideEachFallback)
{
    deallocate(allocate(1)); // the settings are final then
    for (const FallbackKind kind : {FallbackKind::jemalloc, FallbackKind::mmap}) {
        if (fallback_backend(kind) == nullptr) continue;                        // not in this build
        if (settings.checks != nullptr && kind != FallbackKind::mmap) continue; // not with checks
        fallback = fallback_backend(kind);
        fork_while_others_allocate(MiB(2), scaled(30));
    }
}

TEST_F(ForkStress, SurvivesForksWhileThreadsComeAndGo)
{
    Use use(500, KiB(10));
    std::atomic<bool> stop{false};
    std::jthread starter([&] {
        for (std::size_t stream = 0; !stop.load(); ++stream) {
            std::thread([&] {
                test::Random random(stream);
                for (int step = 0; step < 100; ++step)
                    use.step(random);
            }).join();
        }
    });
    for (int round = 0; round < scaled(100); ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            use_heap_in_child(use, static_cast<std::size_t>(round), 0);
            ::_exit(0);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0) << "round " << round;
    }
    stop.store(true);
}

} // namespace

} // namespace tarn
