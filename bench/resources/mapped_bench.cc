// SPDX-License-Identifier: MIT
//
// Guards MappedArena: a list of nodes that is written to a file once and read again. per_block is
// the time of one node, with its part of opening, checking and closing.
//
// Expected order: to open without a look at the bytes < with one < to read the nodes one by one and
// allocate each; to build costs the pages of the file, whoever builds.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <tarn/mapped_arena.h>
#include <tarn/offset_ptr.h>

#include "bench/resources/lists.h"

namespace {

using bench::kNodes;
using bench::TemporaryFile;

struct Node {
    tarn::OffsetPtr<Node> next;
    std::uint64_t values[7];
};

void build(const TemporaryFile& file)
{
    const auto arena = tarn::MappedArena::create(file.path());
    Node* newest = nullptr;
    for (std::size_t i = 0; i < kNodes; ++i) {
        auto* const node = arena->make<Node>();
        node->next = newest;
        node->values[0] = i;
        newest = node;
    }
    arena->set_root(newest);
    arena->close();
}

void mapped_build(benchmark::State& state)
{
    const TemporaryFile file;
    for ([[maybe_unused]] auto _ : state)
        build(file);
    state.counters["per_block"] = bench::per_block(kNodes);
}

void run_read(benchmark::State& state, bool verify)
{
    const TemporaryFile file;
    build(file);
    for ([[maybe_unused]] auto _ : state) {
        const auto arena = tarn::MappedArena::open(file.path(), {.verify = verify});
        std::uint64_t sum = 0;
        for (const Node* node = arena->root<const Node>(); node != nullptr; node = node->next.get())
            sum += node->values[0];
        benchmark::DoNotOptimize(sum);
    }
    state.counters["per_block"] = bench::per_block(kNodes);
}

void mapped_read(benchmark::State& state)
{
    run_read(state, false);
}
void mapped_read_and_verify(benchmark::State& state)
{
    run_read(state, true);
}

// What a program without it has: a file of values, from which its nodes are made again.
struct PlainNode {
    std::unique_ptr<PlainNode> next;
    std::uint64_t values[7];
};

/// The newest first goes before what is there, which must not end by recursion.
void destroy(std::unique_ptr<PlainNode> node)
{
    while (node != nullptr)
        node = std::move(node->next);
}

void write_plain(const TemporaryFile& file)
{
    std::unique_ptr<PlainNode> newest;
    for (std::size_t i = 0; i < kNodes; ++i)
        newest = std::make_unique<PlainNode>(PlainNode{std::move(newest), {i}});
    std::FILE* const out = std::fopen(file.path().c_str(), "wb");
    for (const PlainNode* node = newest.get(); node != nullptr; node = node->next.get())
        std::fwrite(node->values, sizeof node->values, 1, out);
    std::fclose(out);
    destroy(std::move(newest));
}

void malloc_build(benchmark::State& state)
{
    const TemporaryFile file;
    for ([[maybe_unused]] auto _ : state)
        write_plain(file);
    state.counters["per_block"] = bench::per_block(kNodes);
}

void malloc_read(benchmark::State& state)
{
    const TemporaryFile file;
    write_plain(file);
    for ([[maybe_unused]] auto _ : state) {
        std::FILE* const in = std::fopen(file.path().c_str(), "rb");
        std::unique_ptr<PlainNode> newest;
        std::uint64_t sum = 0;
        for (auto node = std::make_unique<PlainNode>();
             std::fread(node->values, sizeof node->values, 1, in) == 1;
             node = std::make_unique<PlainNode>()) {
            sum += node->values[0];
            node->next = std::move(newest);
            newest = std::move(node);
        }
        std::fclose(in);
        benchmark::DoNotOptimize(sum);
        destroy(std::move(newest));
    }
    state.counters["per_block"] = bench::per_block(kNodes);
}

// The block allocated last goes back, so that the file does not grow.
void mapped_pair(benchmark::State& state)
{
    const TemporaryFile file;
    const auto arena = tarn::MappedArena::create(file.path());
    bench::run_pairs(state, *arena);
}

void malloc_pair(benchmark::State& state)
{
    bench::run_pairs(state, *tarn::malloc_resource());
}

} // namespace

BENCHMARK(mapped_build);
BENCHMARK(malloc_build);
BENCHMARK(mapped_read);
BENCHMARK(mapped_read_and_verify);
BENCHMARK(malloc_read);
BENCHMARK(mapped_pair);
BENCHMARK(malloc_pair);
BENCHMARK_MAIN();
