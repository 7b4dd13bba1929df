// SPDX-License-Identifier: MIT
//
// What is measured of a resource that takes single blocks back: some blocks are allocated and
// touched, and then given back, the oldest first.

#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/resources/per_block.h"

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
    state.counters["per_block"] = per_block(blocks.size());
}

/// Blocks of 64 bytes by virtual calls, as of a container that knows only `Base`.
template <class Base> void run_resource(benchmark::State& state, Base& here)
{
    Base* volatile hidden = &here; // so that the call stays virtual
    Base* const resource = hidden;
    run_round_trips(
        state, [&] { return resource->allocate(64); },
        [&](void* block) { resource->deallocate(block, 64); });
}

/// Buffers for input and output, of the bytes that the argument says, eight in use at once.
template <class Base> void run_buffers(benchmark::State& state, Base& here)
{
    Base* volatile hidden = &here;
    Base* const resource = hidden;
    const auto bytes = static_cast<std::size_t>(state.range(0));
    std::array<void*, 8> buffers{};
    for ([[maybe_unused]] auto _ : state) {
        for (void*& place : buffers) {
            place = resource->allocate(bytes);
            *static_cast<volatile std::byte*>(place) = std::byte{1};
        }
        benchmark::ClobberMemory();
        for (void* const buffer : buffers)
            resource->deallocate(buffer, bytes);
    }
    state.counters["per_block"] = per_block(buffers.size());
}

/// As run_resource(), of a resource that is made for each turn: all its memory comes from upstream.
template <class Base, class Resource> void run_cold(benchmark::State& state)
{
    std::vector<void*> blocks(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        Resource here;
        Base* volatile hidden = &here;
        Base* const resource = hidden;
        for (void*& place : blocks) {
            place = resource->allocate(64);
            *static_cast<volatile std::byte*>(place) = std::byte{1};
        }
        benchmark::ClobberMemory();
        for (void* const block : blocks)
            resource->deallocate(block, 64);
    }
    state.counters["per_block"] = per_block(blocks.size());
}

/// The blocks in use at once: one that is warm, a few, and more than the second-level cache holds.
inline void counts(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("live")->Arg(1)->Arg(100)->Arg(30'000);
}
inline void buffer_sizes(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("bytes")->Arg(4096)->Arg(64 << 10)->Arg(512 << 10);
}
inline void cold_counts(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("live")->Arg(100)->Arg(30'000);
}

} // namespace bench
