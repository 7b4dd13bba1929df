// SPDX-License-Identifier: MIT
//
// What is measured of a resource that takes single blocks back: some blocks are allocated and
// touched, and then given back, the oldest first.

#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

/// The rival that cannot be beaten: a list of blocks that are there already.
class HandWrittenFreeList {
public:
    HandWrittenFreeList(std::size_t bytes, std::size_t count)
        : memory_(new std::byte[bytes * count])
    {
        for (std::size_t i = count; i > 0; --i)
            push(&memory_[(i - 1) * bytes]);
    }

    void* pop()
    {
        Node* const node = first_;
        if (node != nullptr) first_ = node->next;
        return node;
    }
    void push(void* block)
    {
        auto* const node = static_cast<Node*>(block);
        node->next = first_;
        first_ = node;
    }

private:
    struct Node {
        Node* next;
    };
    std::unique_ptr<std::byte[]> memory_;
    Node* first_ = nullptr;
};

/// The argument of the benchmark says how many blocks are in use at once. The time is that of one.
template <class Allocate, class Free>
void run_round_trips(benchmark::State& state, Allocate allocate, Free free)
{
    std::vector<void*> blocks(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        for (void*& place : blocks) {
            void* block = allocate();
            *static_cast<volatile std::byte*>(block) = std::byte{1};
            benchmark::DoNotOptimize(block);
            place = block;
        }
        benchmark::ClobberMemory();
        for (void* const block : blocks)
            free(block);
        benchmark::ClobberMemory();
    }
    state.counters["per_block"] = benchmark::Counter(static_cast<double>(blocks.size()),
                                                     benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}

} // namespace bench
