// SPDX-License-Identifier: MIT
//
// A server whose threads hand over their work: each thread replaces blocks of 8 to 1000 bytes at
// random, then starts a successor, leaves it all its blocks and ends. So most blocks are freed
// by another thread than the one that allocated them, and that one is gone. (The pattern of the
// larson benchmark.)
//
// Decided by remote frees and by what becomes of the memory of ended threads.
//
// usage: successors GENERATIONS

#include <array>
#include <thread>
#include <vector>

#include "bench/workloads/support.h"

namespace {

constexpr std::size_t kChains = 4;
constexpr std::size_t kBlocks = 2000;
constexpr std::size_t kReplacementsPerLife = 60000;

struct Chain {
    explicit Chain(std::uint64_t seed) : random(seed), blocks(kBlocks), sizes(kBlocks) {}
    bench::Random random;
    std::vector<void*> blocks;
    std::vector<std::uint32_t> sizes;
};

void replace_one(Chain& chain)
{
    const std::size_t at = chain.random.below(kBlocks);
    if (chain.blocks[at] != nullptr) {
        bench::require(bench::is_intact(chain.blocks[at], chain.sizes[at]), "block overwritten");
        std::free(chain.blocks[at]);
    }
    const std::size_t size = chain.random.between(8, 1000);
    chain.blocks[at] = bench::allocate(size);
    chain.sizes[at] = static_cast<std::uint32_t>(size);
    bench::stamp(chain.blocks[at], size);
}

void live(Chain& chain)
{
    for (std::size_t i = 0; i < kReplacementsPerLife; ++i)
        replace_one(chain);
}

/// One chain of lives, each in a thread of its own.
void run_chain(Chain& chain, std::size_t generations)
{
    for (std::size_t i = 0; i < generations; ++i)
        std::thread(live, std::ref(chain)).join();
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t generations = bench::argument(argc, argv, 1, 100);
    std::vector<Chain> chains;
    for (std::size_t i = 0; i < kChains; ++i)
        chains.emplace_back(i + 1);
    std::vector<std::thread> threads;
    for (Chain& chain : chains)
        threads.emplace_back(run_chain, std::ref(chain), generations);
    for (std::thread& thread : threads)
        thread.join();
    std::uint64_t checksum = 0;
    for (const Chain& chain : chains) {
        for (std::size_t i = 0; i < kBlocks; ++i) {
            checksum = checksum * 31 + chain.sizes[i];
            std::free(chain.blocks[i]);
        }
    }
    return bench::finish(checksum);
}
