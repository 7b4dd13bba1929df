// SPDX-License-Identifier: MIT
//
// Guards what several threads use at once, with 1, 2 and 4 of them. per_block is CPU time of all
// threads together for one block, object or count, so it stays as it is where they do not disturb
// each other.
//
// Expected order: thread-cached pool as malloc; what has one lock far behind; ShardedCounter ahead
// of one atomic word from two threads on; the deque and Handover ahead of a queue with a lock.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <tarn/fixed_buffer_resource.h>
#include <tarn/handover.h>
#include <tarn/heap_resource.h>
#include <tarn/sharded_counter.h>
#include <tarn/slab_resource.h>
#include <tarn/synchronized_resource.h>
#include <tarn/thread_cached_pool.h>
#include <tarn/work_stealing_deque.h>

#include "bench/resources/queues.h"
#include "bench/resources/round_trips.h"

namespace {

using bench::threads;

// --- pools, one for all threads ------------------------------------------------------------------

template <class Resource> void shared(benchmark::State& state)
{
    static Resource resource;
    bench::run_resource<std::pmr::memory_resource>(state, resource);
}

void shared_synchronized_slab(benchmark::State& state)
{
    static tarn::SlabResource slab;
    static tarn::SynchronizedResource resource(slab);
    bench::run_resource<std::pmr::memory_resource>(state, resource);
}

void malloc_and_free(benchmark::State& state)
{
    bench::run_round_trips(
        state, [] { return std::malloc(64); }, [](void* block) { std::free(block); });
}

// --- buffers that are used up --------------------------------------------------------------------

// So that all threads together do not come to the end.
constexpr std::int64_t kBlocksOfAThread = 200'000;
constexpr std::size_t kBufferBytes = std::size_t{64} << 20;

/// There already, so that nobody waits for pages.
std::span<std::byte> buffer()
{
    static const auto memory = std::make_unique<std::byte[]>(kBufferBytes);
    return {memory.get(), kBufferBytes};
}

/// `allocate` gives 64 bytes, `reset` is called by one thread before the others begin.
template <class Allocate, class Reset>
void run_buffer(benchmark::State& state, Allocate allocate, Reset reset)
{
    if (state.thread_index() == 0) reset();
    for ([[maybe_unused]] auto _ : state) {
        void* block = allocate();
        *static_cast<volatile std::byte*>(block) = std::byte{1};
        benchmark::DoNotOptimize(block);
    }
    state.counters["per_block"] = bench::per_block(1);
}

void concurrent_fixed_buffer(benchmark::State& state)
{
    static tarn::ConcurrentFixedBufferResource resource(buffer());
    run_buffer(
        state, [] { return resource.allocate(64, 16); }, [] { resource.reset(); });
}

void fixed_buffer_with_a_lock(benchmark::State& state)
{
    static tarn::FixedBufferResource resource(buffer());
    static std::mutex mutex;
    run_buffer(
        state,
        [] {
            const std::lock_guard lock(mutex);
            return resource.allocate(64, 16);
        },
        [] { resource.reset(); });
}

void cursor_by_hand(benchmark::State& state)
{
    static std::atomic<std::size_t> cursor{0};
    run_buffer(
        state, [] { return buffer().data() + cursor.fetch_add(64, std::memory_order_relaxed); },
        [] { cursor = 0; });
}

// --- counts --------------------------------------------------------------------------------------

template <class Add> void run_counts(benchmark::State& state, Add add)
{
    for ([[maybe_unused]] auto _ : state)
        for (int i = 0; i < 100; ++i)
            add();
    state.counters["per_block"] = bench::per_block(100);
}

void sharded_counter(benchmark::State& state)
{
    static tarn::ShardedCounter counter;
    run_counts(state, [] { counter.add(); });
}

void sharded_statistics(benchmark::State& state)
{
    static tarn::ShardedStatistics statistics;
    run_counts(state, [] {
        statistics.note_allocation(64);
        statistics.note_deallocation(64);
    });
}

void atomic_counter(benchmark::State& state)
{
    static std::atomic<std::uint64_t> counter{0};
    run_counts(state, [] { counter.fetch_add(1, std::memory_order_relaxed); });
}

void counter_with_a_lock(benchmark::State& state)
{
    static std::mutex mutex;
    static std::uint64_t counter = 0;
    run_counts(state, [] {
        const std::lock_guard lock(mutex);
        ++counter;
        benchmark::DoNotOptimize(counter);
    });
}

// --- jobs ----------------------------------------------------------------------------------------

constexpr std::size_t kJobs = 100'000;

/// A std::deque behind a lock, with the calls of WorkStealingDeque.
class LockedDeque {
public:
    void push(std::size_t value)
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(value);
    }
    std::optional<std::size_t> try_pop()
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty()) return std::nullopt;
        const std::size_t value = queue_.back();
        queue_.pop_back();
        return value;
    }
    std::optional<std::size_t> try_steal()
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty()) return std::nullopt;
        const std::size_t value = queue_.front();
        queue_.pop_front();
        return value;
    }

private:
    std::mutex mutex_;
    std::deque<std::size_t> queue_;
};

void work(std::size_t job)
{
    for (int i = 0; i < 20; ++i)
        benchmark::DoNotOptimize(job += job >> 3);
}

/// The owner puts ten jobs in, and takes what is left of them; the others steal.
template <class Deque> void jobs(benchmark::State& state)
{
    for ([[maybe_unused]] auto _ : state) {
        Deque deque;
        std::atomic<std::size_t> done{0};
        std::vector<std::jthread> thieves;
        for (std::int64_t i = 1; i < state.range(0); ++i)
            thieves.emplace_back([&] {
                while (done.load(std::memory_order_relaxed) < kJobs) {
                    if (const auto job = deque.try_steal()) {
                        work(*job);
                        done.fetch_add(1, std::memory_order_relaxed);
                    } else {
                        std::this_thread::yield();
                    }
                }
            });
        for (std::size_t i = 0; i < kJobs; i += 10) {
            for (std::size_t job = i; job < i + 10; ++job)
                deque.push(job);
            std::size_t taken = 0;
            for (; const auto job = deque.try_pop(); ++taken)
                work(*job);
            done.fetch_add(taken, std::memory_order_relaxed);
        }
    }
    state.counters["per_block"] = bench::per_block(kJobs);
}

// --- objects that change their owner -------------------------------------------------------------

struct Packet {
    std::size_t number;
    std::byte bytes[56];
};

/// By batches of the size of the second argument.
void handover(benchmark::State& state)
{
    using Queue = tarn::Handover<Packet>;
    bench::run_senders<Queue>(
        state,
        [](Queue& queue, std::size_t first, std::size_t count) {
            Queue::Batch batch;
            batch.reserve(count);
            for (std::size_t i = 0; i < count; ++i)
                batch.emplace_back(first + i);
            queue.send(std::move(batch));
        },
        [](Queue& queue) {
            std::size_t count = 0;
            if (auto batch = queue.try_receive())
                for (const Packet& packet : *batch) {
                    benchmark::DoNotOptimize(packet.number);
                    ++count;
                }
            return count;
        });
}

struct LockedQueue {
    std::mutex mutex;
    std::deque<std::vector<Packet>> batches;
};

void queue_with_a_lock(benchmark::State& state)
{
    bench::run_senders<LockedQueue>(
        state,
        [](LockedQueue& queue, std::size_t first, std::size_t count) {
            std::vector<Packet> batch;
            batch.reserve(count);
            for (std::size_t i = 0; i < count; ++i)
                batch.emplace_back(first + i);
            const std::lock_guard lock(queue.mutex);
            queue.batches.push_back(std::move(batch));
        },
        [](LockedQueue& queue) {
            std::unique_lock lock(queue.mutex);
            if (queue.batches.empty()) return std::size_t{0};
            const std::vector<Packet> batch = std::move(queue.batches.front());
            queue.batches.pop_front();
            lock.unlock();
            for (const Packet& packet : batch)
                benchmark::DoNotOptimize(packet.number);
            return batch.size();
        });
}

void pools(benchmark::internal::Benchmark* benchmark)
{
    threads(benchmark->ArgName("live")->Arg(100));
}

void buffers(benchmark::internal::Benchmark* benchmark)
{
    threads(benchmark->Iterations(kBlocksOfAThread));
}

/// Threads that the benchmark itself makes.
void own_threads(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("threads")->Arg(1)->Arg(2)->Arg(4)->MeasureProcessCPUTime();
}

} // namespace

BENCHMARK_TEMPLATE(shared, tarn::ThreadCachedPool)->Apply(pools);
BENCHMARK_TEMPLATE(shared, tarn::HeapResource)->Apply(pools);
BENCHMARK(shared_synchronized_slab)->Apply(pools);
BENCHMARK_TEMPLATE(shared, std::pmr::synchronized_pool_resource)->Apply(pools);
BENCHMARK(malloc_and_free)->Apply(pools);
BENCHMARK(concurrent_fixed_buffer)->Apply(buffers);
BENCHMARK(fixed_buffer_with_a_lock)->Apply(buffers);
BENCHMARK(cursor_by_hand)->Apply(buffers);
BENCHMARK(sharded_counter)->Apply(threads);
BENCHMARK(atomic_counter)->Apply(threads);
BENCHMARK(counter_with_a_lock)->Apply(threads);
BENCHMARK(sharded_statistics)->Apply(threads);
BENCHMARK_TEMPLATE(jobs, tarn::WorkStealingDeque<std::size_t>)->Apply(own_threads);
BENCHMARK_TEMPLATE(jobs, LockedDeque)->Apply(own_threads);
BENCHMARK(handover)->Apply(bench::senders);
BENCHMARK(queue_with_a_lock)->Apply(bench::senders);
BENCHMARK_MAIN();
