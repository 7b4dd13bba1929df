// SPDX-License-Identifier: MIT
//
// Two or more threads. The time is the CPU time of the whole process: what the other thread pays
// counts as well.
//
//   producer_consumer/S   one thread allocates, another frees; a ring between them. Per block.
//   thread/idle           creates and joins a thread that does nothing: the baseline
//   thread/50_mallocs     the same, but the thread allocates 50 blocks and frees them
//   thread/50_over_idle   the difference of the two, taken in turn within one loop, since it is far
//                         smaller than the noise of either

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <pthread.h>
#include <sched.h>

#include <benchmark/benchmark.h>

#include "bench/malloc/cases.h"

namespace bench {
namespace {

/// One producer, one consumer. Blocks travel in chunks, so that the ring's own cost stays small
/// beside the allocator's, and a thread that must wait sleeps instead of burning CPU time.
class Ring {
public:
    static constexpr std::size_t kChunkLength = 256;
    using Chunk = std::array<void*, kChunkLength>;

    /// The chunk to fill next, or nullptr once the ring is closed.
    Chunk* wait_for_room()
    {
        const std::uint32_t at = produced_.load(std::memory_order_relaxed);
        for (;;) {
            const std::uint32_t consumed = consumed_.load(std::memory_order_acquire);
            if (is_closed_.load(std::memory_order_acquire)) return nullptr;
            if (at - consumed < kChunks) return &chunks_[at % kChunks];
            consumed_.wait(consumed, std::memory_order_acquire);
        }
    }
    void publish()
    {
        produced_.fetch_add(1, std::memory_order_release);
        produced_.notify_one();
    }

    Chunk& wait_for_chunk()
    {
        const std::uint32_t at = consumed_.load(std::memory_order_relaxed);
        produced_.wait(at, std::memory_order_acquire);
        return chunks_[at % kChunks];
    }
    void consume()
    {
        consumed_.fetch_add(1, std::memory_order_release);
        consumed_.notify_one();
    }

    bool is_empty() const { return consumed_.load() == produced_.load(); }
    /// The producer stops at its next chunk. Consume what is there: that wakes it if it waits.
    void close() { is_closed_.store(true, std::memory_order_release); }

private:
    static constexpr std::uint32_t kChunks = 16;

    alignas(64) std::atomic<std::uint32_t> produced_{0};
    alignas(64) std::atomic<std::uint32_t> consumed_{0};
    alignas(64) std::atomic<bool> is_closed_{false};
    std::array<Chunk, kChunks> chunks_{};
};

struct Producer {
    Ring ring;
    std::size_t size; // 0: mixed small sizes
};

void* produce(void* argument)
{
    auto* const producer = static_cast<Producer*>(argument);
    Random random(7);
    for (;;) {
        Ring::Chunk* const chunk = producer->ring.wait_for_room();
        if (chunk == nullptr) return nullptr;
        for (void*& block : *chunk) {
            const std::size_t size = producer->size;
            block = std::malloc(size != 0 ? size : mixed_small_size(random));
            keep(block);
            touch(block);
        }
        producer->ring.publish();
    }
}

void free_chunk(Ring& ring)
{
    for (void* const block : ring.wait_for_chunk())
        std::free(block);
    ring.consume();
}

void drain(Ring& ring)
{
    while (!ring.is_empty())
        free_chunk(ring);
}

void run_producer_consumer(benchmark::State& state, std::size_t size)
{
    Producer producer{.ring = {}, .size = size};
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, produce, &producer) != 0) std::abort();
    for ([[maybe_unused]] auto _ : state)
        free_chunk(producer.ring);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(Ring::kChunkLength));

    producer.ring.close();
    drain(producer.ring);
    pthread_join(thread, nullptr);
    drain(producer.ring);
}

void* do_nothing(void* /*argument*/)
{
    return nullptr;
}

void* allocate_fifty(void* /*argument*/)
{
    std::array<void*, 50> blocks{};
    Random random(8);
    for (void*& block : blocks) {
        block = std::malloc(mixed_small_size(random));
        keep(block);
        touch(block);
    }
    for (void* const block : blocks)
        std::free(block);
    return nullptr;
}

/// Keeps this thread and the ones it creates on one processor. On two, whether the new thread or
/// its creator wins the race to the join decides the CPU time more than anything that malloc does.
class OneProcessor {
public:
    OneProcessor()
    {
        pthread_getaffinity_np(pthread_self(), sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    }
    ~OneProcessor() { pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;

private:
    cpu_set_t before_{};
};

void create_and_join(void* (*body)(void*))
{
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, body, nullptr) != 0) std::abort();
    pthread_join(thread, nullptr);
}

void run_thread(benchmark::State& state, void* (*body)(void*))
{
    const OneProcessor one_processor;
    for ([[maybe_unused]] auto _ : state)
        create_and_join(body);
    state.SetItemsProcessed(state.iterations());
}

double process_cpu_seconds()
{
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void run_thread_over_idle(benchmark::State& state)
{
    const OneProcessor one_processor;
    double difference = 0;
    for ([[maybe_unused]] auto _ : state) {
        const double start = process_cpu_seconds();
        create_and_join(do_nothing);
        const double middle = process_cpu_seconds();
        create_and_join(allocate_fifty);
        difference += process_cpu_seconds() - middle - (middle - start);
        // The sum is what counts: a single difference is mostly noise and often negative.
        state.SetIterationTime(0);
    }
    state.counters["nanoseconds"] = difference * 1e9 / static_cast<double>(state.iterations());
}

} // namespace

void register_thread_cases()
{
    benchmark::RegisterBenchmark("producer_consumer/64", run_producer_consumer, std::size_t{64})
        ->MeasureProcessCPUTime();
    benchmark::RegisterBenchmark("producer_consumer/mixed", run_producer_consumer, std::size_t{0})
        ->MeasureProcessCPUTime();
    benchmark::RegisterBenchmark("thread/idle", run_thread, do_nothing)->MeasureProcessCPUTime();
    benchmark::RegisterBenchmark("thread/50_mallocs", run_thread, allocate_fifty)
        ->MeasureProcessCPUTime();
    // Its time is a counter, which Google Benchmark cannot use to choose the number of rounds.
    benchmark::RegisterBenchmark("thread/50_over_idle", run_thread_over_idle)
        ->UseManualTime()
        ->Iterations(2000);
}

} // namespace bench
