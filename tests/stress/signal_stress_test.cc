// SPDX-License-Identifier: MIT
//
// A crash handler that allocates and frees, at any moment of what it interrupts, and then ends the
// process. It must neither wait for a lock that its own thread holds nor be given memory that is
// in use. (A handler that returns into malloc is another matter: it may not call malloc at all.)

#include <array>
#include <atomic>
#include <csignal>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "tests/stress/mixed_use.h"
#include "tests/stress/scale.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"

namespace tarn {

namespace {

using Blocks = test::TaggedBlocks<test::CoreCalls>;

/// Exit statuses of a process that a signal has interrupted.
enum Outcome : int { all_well = 0, block_was_damaged = 3, no_memory = 4 };

/// Blocks of each kind that the handler finds and frees.
std::array<void*, 4> given{};
test::Random handler_random;

void expect_in_handler(bool holds, Outcome otherwise)
{
    if (!holds) ::_exit(otherwise);
}

void handle(int)
{
    // One that hangs is ended.
    std::signal(SIGALRM, SIG_DFL);
    ::alarm(30);
    std::array<void*, 24> own{};
    for (void*& block : own) {
        block = Blocks::make(handler_random, handler_random.one_in(3) ? MiB(2) : 2000);
        expect_in_handler(block != nullptr, no_memory);
    }
    for (void* const block : given) {
        usable_size(block);
        deallocate(block);
    }
    for (void*& block : own) {
        expect_in_handler(Blocks::is_intact(block), block_was_damaged);
        if (!handler_random.one_in(2)) continue;
        block = Blocks::resize(block, handler_random, MiB(2));
        expect_in_handler(block != nullptr, no_memory);
    }
    for (void* const block : own) {
        expect_in_handler(Blocks::is_intact(block), block_was_damaged);
        deallocate(block);
    }
    ::_exit(all_well);
}

/// Runs `step` in a process of its own until a signal comes; returns its exit status.
template <class Step> int interrupted(Step step, long microseconds)
{
    const pid_t child = ::fork();
    if (child == 0) {
        struct sigaction action = {};
        action.sa_handler = handle;
        action.sa_flags = SA_NODEFER; // so that alarm() gets through
        ::sigaction(SIGALRM, &action, nullptr);
        const itimerval once{{0, 0}, {0, microseconds}};
        ::setitimer(ITIMER_REAL, &once, nullptr);
        for (;;)
            step();
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
}

class SignalStress : public testing::TestWithParam<FallbackKind> {
protected:
    void SetUp() override
    {
        if (fallback_backend(GetParam()) == nullptr) GTEST_SKIP() << "not in this build";
        test::own_heap();
        if (settings.checks == nullptr) fallback = fallback_backend(GetParam()); // else mmap
        given = {allocate(10), allocate(KiB(200)), allocate(MiB(2)),
                 reallocate(allocate(MiB(2)), MiB(3))};
    }
    void TearDown() override
    {
        for (void* const block : given)
            deallocate(block);
        given = {}; // a test that is skipped has none
        verify_heap();
    }

    template <class Step> static void interrupt_again_and_again(Step step)
    {
        test::Random random;
        for (int round = 0; round < test::scaled(250); ++round) {
            const auto microseconds = static_cast<long>(random.between(50, 3000));
            ASSERT_EQ(interrupted(step, microseconds), all_well) << "round " << round;
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Over, SignalStress,
                         testing::Values(FallbackKind::jemalloc, FallbackKind::mmap));

TEST_P(SignalStress, SurvivesHandlersThatInterruptSmallBlocks)
{
    test::Random random(1);
    test::MixedUse<test::CoreCalls> use(3000, 500);
    interrupt_again_and_again([&] { use.step(random); });
}

TEST_P(SignalStress, SurvivesHandlersThatInterruptTheFallback)
{
    test::Random random(2);
    interrupt_again_and_again([&] {
        void* block = allocate(MiB(1) + 1 + random.below(MiB(1)));
        for (int i = 0; i < 3; ++i)
            block = reallocate(block, MiB(1) + 1 + random.below(MiB(3)));
        deallocate(block);
    });
}

TEST_P(SignalStress, SurvivesHandlersThatInterruptTrimming)
{
    test::Random random(3);
    test::MixedUse<test::CoreCalls> use(300, KiB(100));
    interrupt_again_and_again([&] {
        for (int i = 0; i < 30; ++i)
            use.step(random);
        trim_process();
    });
}

} // namespace

} // namespace tarn
