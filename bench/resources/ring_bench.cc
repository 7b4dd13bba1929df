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

namespace {

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

/// From one thread to another.
template <class Queue> void hand_over(benchmark::State& state)
{
    constexpr std::size_t kCount = 100'000;
    for ([[maybe_unused]] auto _ : state) {
        Queue queue(1024);
        std::thread producer([&] {
            for (std::size_t i = 0; i < kCount;)
                if (queue.try_push(i))
                    ++i;
                else
                    std::this_thread::yield();
        });
        for (std::size_t i = 0; i < kCount;)
            if (queue.try_pop().has_value())
                ++i;
            else
                std::this_thread::yield();
        producer.join();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
}

} // namespace

BENCHMARK_TEMPLATE(copies, tarn::RingBuffer)->Arg(16)->Arg(1000);
BENCHMARK_TEMPLATE(copies, tarn::MirroredRing)->Arg(16)->Arg(1000);
BENCHMARK(spans)->Arg(16)->Arg(1000);
BENCHMARK(deque_of_bytes)->Arg(16)->Arg(1000);
BENCHMARK_TEMPLATE(hand_over, tarn::SpscRing<std::size_t>)->UseRealTime();
BENCHMARK_TEMPLATE(hand_over, LockedQueue)->UseRealTime();
BENCHMARK_MAIN();
