// SPDX-License-Identifier: MIT
//
// What is measured of queues from some threads to another.

#pragma once

#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/resources/per_block.h"

namespace bench {

inline constexpr std::size_t kObjectsSent = 64'000;

/// So that all who take part run, and more than the machine has processors.
inline void threads(benchmark::internal::Benchmark* benchmark)
{
    benchmark->Threads(1)->Threads(2)->Threads(4);
}

/// Arguments: threads, the receiver among them, and objects of a batch.
inline void senders(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgNames({"threads", "batch"})->MeasureProcessCPUTime();
    for (const int count : {1, 2, 4})
        for (const int batch : {1, 64})
            benchmark->Args({count, batch});
}

/// `send(queue, first, count)` sends a batch, `receive(queue)` tells how many objects it got. A
/// receiver that is alone sends, too.
template <class Queue, class Send, class Receive>
void run_senders(benchmark::State& state, Send send, Receive receive)
{
    const auto count = static_cast<std::size_t>(state.range(0)) - 1;
    const auto batch = static_cast<std::size_t>(state.range(1));
    for ([[maybe_unused]] auto _ : state) {
        Queue queue;
        std::size_t sent = 0; // by the receiver
        std::vector<std::jthread> threads;
        for (std::size_t sender = 0; sender < count; ++sender)
            threads.emplace_back([&, share = kObjectsSent / batch / count] {
                for (std::size_t i = 0; i < share; ++i)
                    send(queue, i * batch, batch);
            });
        const std::size_t all =
            count == 0 ? kObjectsSent : kObjectsSent / batch / count * count * batch;
        for (std::size_t received = 0; received < all;) {
            if (count == 0) send(queue, std::exchange(sent, sent + batch), batch);
            const std::size_t more = receive(queue);
            if (more == 0) std::this_thread::yield();
            received += more;
        }
    }
    state.counters["per_block"] = per_block(kObjectsSent);
}

/// Numbers from one thread to another, by a queue that has room for 1024.
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
    state.counters["per_block"] = per_block(kCount);
}

} // namespace bench
