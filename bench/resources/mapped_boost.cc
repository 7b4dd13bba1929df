// SPDX-License-Identifier: MIT
//
// Boost.Interprocess's heap in a file. It has no checksum, and its blocks can be given back.

#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/interprocess/offset_ptr.hpp>

#include "bench/resources/lists.h"

namespace {

namespace ipc = boost::interprocess;

struct Node {
    ipc::offset_ptr<Node> next;
    std::uint64_t values[7];
};
struct Root {
    ipc::offset_ptr<Node> newest;
};

void build(const bench::TemporaryFile& file)
{
    std::filesystem::remove(file.path());
    ipc::managed_mapped_file heap(ipc::create_only, file.path().c_str(), bench::kNodes * 100);
    auto* const root = heap.construct<Root>("root")();
    for (std::size_t i = 0; i < bench::kNodes; ++i) {
        auto* const node = ::new (heap.allocate(sizeof(Node))) Node{root->newest, {i}};
        root->newest = node;
    }
    heap.flush();
}

void boost_mapped_build(benchmark::State& state)
{
    const bench::TemporaryFile file;
    for ([[maybe_unused]] auto _ : state)
        build(file);
    state.counters["per_block"] = bench::per_block(bench::kNodes);
}

void boost_mapped_read(benchmark::State& state)
{
    const bench::TemporaryFile file;
    build(file);
    for ([[maybe_unused]] auto _ : state) {
        ipc::managed_mapped_file heap(ipc::open_read_only, file.path().c_str());
        std::uint64_t sum = 0;
        const Node* node = heap.find_no_lock<Root>("root").first->newest.get();
        for (; node != nullptr; node = node->next.get())
            sum += node->values[0];
        benchmark::DoNotOptimize(sum);
    }
    state.counters["per_block"] = bench::per_block(bench::kNodes);
}

/// With the calls of a resource.
struct Heap {
    void* allocate(std::size_t bytes, std::size_t /*alignment*/) { return file.allocate(bytes); }
    void deallocate(void* block, std::size_t /*bytes*/, std::size_t /*alignment*/)
    {
        file.deallocate(block);
    }
    ipc::managed_mapped_file file;
};

void boost_mapped_pair(benchmark::State& state)
{
    const bench::TemporaryFile file;
    Heap heap{{ipc::create_only, file.path().c_str(), 1 << 20}};
    bench::run_pairs(state, heap);
}

} // namespace

BENCHMARK(boost_mapped_build);
BENCHMARK(boost_mapped_read);
BENCHMARK(boost_mapped_pair);
