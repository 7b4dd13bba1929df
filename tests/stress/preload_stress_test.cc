// SPDX-License-Identifier: MIT
//
// The same under the preload, by the functions that programs call. Nothing here is linked to the
// core; its checks are reached as any program may reach them, by weak reference.

#include <atomic>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "src/include/tarn/malloc.h"
#include "tests/stress/libc_calls.h"
#include "tests/stress/mixed_use.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using Use = test::MixedUse<test::LibcCalls>;

class PreloadStress : public testing::Test {
protected:
    void SetUp() override
    {
        ASSERT_NE(tarn_verify, nullptr) << "this program must run under libtarn.so";
        test::seed(); // a child must not wait for a thread that is just choosing it
    }
    void TearDown() override
    {
        if (tarn_verify != nullptr) tarn_verify();
    }
};

TEST_F(PreloadStress, SurvivesThreadsThatShareBlocksOfAllSizes)
{
    Use use(1000, 1U << 21);
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        for (int step = 0; step < 4'000; ++step)
            use.step(random);
    });
    use.empty();
    tarn_verify();
    tarn_trim();
}

TEST_F(PreloadStress, SurvivesThreadsThatComeAndGo)
{
    Use use(1000, 20'000);
    test::in_threads(4, [&](std::size_t starter) {
        for (std::size_t generation = 0; generation < 60; ++generation) {
            std::thread([&] {
                test::Random random(starter * 1000 + generation);
                for (int step = 0; step < 200; ++step)
                    use.step(random);
            }).join();
        }
    });
}

TEST_F(PreloadStress, SurvivesOperatorsAndContainersOfManyThreads)
{
    std::vector<std::atomic<std::vector<std::string>*>> places(100);
    test::in_threads(4, [&](std::size_t thread) {
        test::Random random(thread);
        for (int step = 0; step < 2000; ++step) {
            auto words = std::make_unique<std::vector<std::string>>();
            for (std::size_t i = random.below(60); i > 0; --i)
                words->emplace_back(random.below(200), 'x');
            const std::unique_ptr<std::vector<std::string>> other(
                places[random.below(places.size())].exchange(words.release()));
            if (other == nullptr) continue;
            for (const std::string& word : *other)
                ASSERT_EQ(word.find_first_not_of('x'), std::string::npos);
        }
    });
    for (std::atomic<std::vector<std::string>*>& place : places)
        delete place.load();
}

TEST_F(PreloadStress, SurvivesForksWhileOthersAllocate)
{
    Use use(200, 1U << 20);
    std::vector<std::jthread> others;
    for (std::size_t thread = 0; thread < 3; ++thread) {
        others.emplace_back([&use, thread](const std::stop_token& stop) {
            test::Random random(thread);
            while (!stop.stop_requested())
                use.step(random);
        });
    }
    for (std::size_t round = 0; round < 50; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            tarn_verify();
            test::Random random(round);
            for (int step = 0; step < 200; ++step)
                use.step(random);
            use.empty();
            tarn_verify();
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0) << "round " << round;
    }
}

} // namespace

} // namespace tarn
