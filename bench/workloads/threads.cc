// SPDX-License-Identifier: MIT
//
// Many threads that do little each, in two tests:
//
//   short   threads come and go, four at a time, each living for a few thousand allocations
//   crowd   128 threads are alive at once, each with a small map; all wait for each other between
//           the rounds. What a thread costs in memory is multiplied by their number.
//
// usage: threads short|crowd ROUNDS

#include <barrier>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/workloads/support.h"

namespace {

/// Builds and changes a small map; gives back a number that depends on its contents.
std::size_t work(bench::Random& random, std::map<std::size_t, std::string>& map, std::size_t steps)
{
    for (std::size_t i = 0; i < steps; ++i) {
        const std::size_t key = random.below(300);
        if (random.below(3) == 0)
            map.erase(key);
        else
            map[key].append(random.between(1, 40), 'x');
    }
    return map.size();
}

void run_short(std::size_t rounds)
{
    constexpr std::size_t kAtOnce = 4;
    for (std::size_t round = 0; round < rounds; ++round) {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < kAtOnce; ++i)
            threads.emplace_back([seed = round * kAtOnce + i + 1] {
                bench::Random random(seed);
                std::map<std::size_t, std::string> map;
                bench::require(work(random, map, 1500) > 0, "map is empty");
            });
        for (std::thread& thread : threads)
            thread.join();
    }
}

void run_crowd(std::size_t rounds)
{
    constexpr std::size_t kThreads = 128;
    std::barrier barrier(static_cast<std::ptrdiff_t>(kThreads));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i)
        threads.emplace_back([&barrier, rounds, i] {
            bench::Random random(i + 1);
            std::map<std::size_t, std::string> map;
            for (std::size_t round = 0; round < rounds; ++round) {
                bench::require(work(random, map, 600) > 0, "map is empty");
                barrier.arrive_and_wait();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view mode = argc > 1 ? argv[1] : "";
    const std::size_t rounds = bench::argument(argc, argv, 2, 100);
    if (mode == "short") {
        run_short(rounds);
    } else if (mode == "crowd") {
        run_crowd(rounds);
    } else {
        std::fputs("usage: threads short|crowd ROUNDS\n", stderr);
        return 2;
    }
    return bench::finish(rounds);
}
