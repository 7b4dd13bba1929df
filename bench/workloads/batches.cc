// SPDX-License-Identifier: MIT
//
// Many blocks of one size at once, freed together: first in first out, last in first out, or
// every second one first. Small sizes are more frequent. (The pattern of the sh6 and sh8
// benchmarks.)
//
// Decided by what an allocator does when its thread cache is full.

#include <vector>

#include "bench/workloads/support.h"

namespace {

struct Batch {
    std::size_t size = 0;
    std::vector<void*> blocks;
};

void fill(Batch& batch, std::size_t size, std::size_t count)
{
    batch.size = size;
    for (std::size_t i = 0; i < count; ++i) {
        void* const block = bench::allocate(size);
        bench::stamp(block, size);
        batch.blocks.push_back(block);
    }
}

void release(Batch& batch, std::size_t order)
{
    const std::size_t count = batch.blocks.size();
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t at = i;
        if (order == 1) at = count - 1 - i;
        if (order == 2) at = i < count / 2 ? i * 2 : (i - count / 2) * 2 + 1;
        bench::require(bench::is_intact(batch.blocks[at], batch.size), "block overwritten");
        std::free(batch.blocks[at]);
    }
    batch.blocks.clear();
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t rounds = bench::argument(argc, argv, 1, 40000);
    constexpr std::size_t kMaxSize = 1000;
    bench::Random random(10);
    std::vector<Batch> batches(32);
    std::uint64_t total = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        Batch& batch = batches[random.below(batches.size())];
        release(batch, random.below(3));
        const std::size_t size = random.by_doubling(1, kMaxSize);
        // An even number, for the order that takes every second block.
        fill(batch, size, 2 * random.between(50, 2 * kMaxSize / (size + 8) + 400));
        total += batch.blocks.size() * size;
    }
    for (Batch& batch : batches)
        release(batch, 0);
    return bench::finish(total);
}
