// SPDX-License-Identifier: MIT
//
// Guards the rings. Bytes per second are of what goes in and out again.
//
// Expected order: mirrored ring with spans <= ring with spans < ring with copies < std::deque; and
// SpscRing some times as fast as a queue with a lock.

#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include <benchmark/benchmark.h>

#include <tarn/ring_buffer.h>
#include <tarn/spsc_ring.h>

#include "bench/resources/queues.h"

namespace {

using bench::hand_over;

// Not a divisor of the capacity, so that messages wrap.
std::array<std::byte, 1000> message;

template <class Ring> void copies(benchmark::State& state)
{
    Ring ring;
    const auto bytes = std::span(message).first(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        ring.write(bytes);
        ring.read(bytes);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// Written in place, and looked at there.
void spans(benchmark::State& state)
{
    tarn::MirroredRing ring;
    const auto count = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        std::memcpy(ring.writable().data(), message.data(), count);
        ring.commit(count);
        const std::byte* first = ring.readable().data();
        benchmark::DoNotOptimize(first);
        ring.consume(count);
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void deque_of_bytes(benchmark::State& state)
{
    std::deque<std::byte> queue;
    const auto bytes = std::span(message).first(static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        queue.insert(queue.end(), bytes.begin(), bytes.end());
        std::copy_n(queue.begin(), bytes.size(), bytes.begin());
        queue.erase(queue.begin(), queue.begin() + state.range(0));
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// A std::deque behind a lock, with the calls of SpscRing.
class LockedQueue {
public:
    explicit LockedQueue(std::size_t capacity) : capacity_(capacity) {}
    bool try_push(std::size_t value)
    {
        const std::lock_guard lock(mutex_);
        if (queue_.size() == capacity_) return false;
        queue_.push_back(value);
        return true;
    }
    std::optional<std::size_t> try_pop()
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty()) return std::nullopt;
        const std::size_t value = queue_.front();
        queue_.pop_front();
        return value;
    }

private:
    std::mutex mutex_;
    std::size_t capacity_;
    std::deque<std::size_t> queue_;
};

} // namespace

BENCHMARK_TEMPLATE(copies, tarn::RingBuffer)->Arg(16)->Arg(1000);
BENCHMARK_TEMPLATE(copies, tarn::MirroredRing)->Arg(16)->Arg(1000);
BENCHMARK(spans)->Arg(16)->Arg(1000);
BENCHMARK(deque_of_bytes)->Arg(16)->Arg(1000);
BENCHMARK_TEMPLATE(hand_over, tarn::SpscRing<std::size_t>)
    ->Name("hand_over<tarn::SpscRing>")
    ->MeasureProcessCPUTime();
BENCHMARK_TEMPLATE(hand_over, LockedQueue)->Name("hand_over<LockedQueue>")->MeasureProcessCPUTime();
BENCHMARK_MAIN();
