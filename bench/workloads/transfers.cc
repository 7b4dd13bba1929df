// SPDX-License-Identifier: MIT
//
// Bursts: in each round fresh threads build up a working set of mostly small and rarely large
// blocks (up to 1 MiB), drop most of it, exchange some blocks with each other through a shared
// table, keep some for the next round, and end. (The pattern of the mstress benchmark.)
//
// Decided by page faults, that is by memory reused across threads, and by sizes over 100 KiB.
//
// usage: transfers ROUNDS

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "bench/workloads/support.h"

namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kBlocksPerRound = 20000;
constexpr std::size_t kTableSize = 1000;

struct Block {
    std::size_t size;
    Block* next; // in the list of blocks kept for the next round
};

std::array<std::atomic<Block*>, kTableSize> shared_table{};

void release(Block* block)
{
    if (block == nullptr) return;
    bench::require(reinterpret_cast<unsigned char*>(block)[block->size - 1] == 0x5A,
                   "block overwritten");
    std::free(block);
}

std::size_t random_size(bench::Random& random)
{
    constexpr std::size_t kKiB = 1024;
    const std::size_t chance = random.below(10000);
    if (chance < 2) return random.between(100 * kKiB, 1024 * kKiB);
    if (chance < 50) return random.between(4 * kKiB, 64 * kKiB);
    return random.by_doubling(32, 1024);
}

Block* make(bench::Random& random)
{
    const std::size_t size = random_size(random);
    auto* const block = static_cast<Block*>(bench::allocate(size));
    block->size = size;
    block->next = nullptr;
    reinterpret_cast<unsigned char*>(block)[size - 1] = 0x5A;
    return block;
}

/// One thread's part of one round. `kept` is the list that it leaves to the next round.
void run_round(std::uint64_t seed, Block*& kept)
{
    bench::Random random(seed);
    std::vector<Block*> working;
    for (std::size_t i = 0; i < kBlocksPerRound; ++i) {
        working.push_back(make(random));
        if (random.below(2) == 0) {
            Block*& victim = working[random.below(working.size())];
            release(victim);
            victim = nullptr;
        }
        if (random.below(16) == 0) {
            Block*& mine = working[random.below(working.size())];
            mine = shared_table[random.below(kTableSize)].exchange(mine);
        }
    }
    while (kept != nullptr) {
        Block* const next = kept->next;
        release(kept);
        kept = next;
    }
    for (Block* const block : working) {
        if (block != nullptr && random.below(8) == 0) {
            block->next = kept;
            kept = block;
        } else {
            release(block);
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t rounds = bench::argument(argc, argv, 1, 60);
    std::array<Block*, kThreads> kept{};
    for (std::size_t round = 0; round < rounds; ++round) {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < kThreads; ++i)
            threads.emplace_back(run_round, round * kThreads + i + 1, std::ref(kept[i]));
        for (std::thread& thread : threads)
            thread.join();
    }
    return bench::finish(rounds);
}
