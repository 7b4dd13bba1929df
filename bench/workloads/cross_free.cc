// SPDX-License-Identifier: MIT
//
// Blocks allocated in one thread and freed in another, always: two threads make batches of 120
// blocks, two others free them. (The pattern of xmalloc-test and of most pipelines.)
//
// Decided by the cost of a remote free alone.
//
// usage: cross_free BATCHES SMALLEST LARGEST

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/workloads/support.h"

namespace {

constexpr std::size_t kProducers = 2;
constexpr std::size_t kMaxWaiting = 64; // batches in the queue: bounds the memory

struct Batch {
    std::array<void*, 120> blocks;
    std::array<std::uint32_t, 120> sizes;
};

/// The queue between the two sides; a null batch tells one consumer to stop.
class Queue {
public:
    void put(std::unique_ptr<Batch> batch)
    {
        std::unique_lock lock(mutex_);
        has_room_.wait(lock, [this] { return batches_.size() < kMaxWaiting; });
        batches_.push_back(std::move(batch));
        has_batch_.notify_one();
    }
    std::unique_ptr<Batch> take()
    {
        std::unique_lock lock(mutex_);
        has_batch_.wait(lock, [this] { return !batches_.empty(); });
        std::unique_ptr<Batch> batch = std::move(batches_.back());
        batches_.pop_back();
        has_room_.notify_one();
        return batch;
    }

private:
    std::mutex mutex_;
    std::condition_variable has_room_;
    std::condition_variable has_batch_;
    std::vector<std::unique_ptr<Batch>> batches_; // guarded by mutex_
};

struct Sizes {
    std::size_t smallest;
    std::size_t largest;
};

void produce(Queue& queue, std::size_t count, std::uint64_t seed, Sizes sizes)
{
    bench::Random random(seed);
    for (std::size_t i = 0; i < count; ++i) {
        auto batch = std::make_unique<Batch>();
        for (std::size_t at = 0; at < batch->blocks.size(); ++at) {
            const std::size_t size = random.between(sizes.smallest, sizes.largest);
            batch->blocks[at] = bench::allocate(size);
            batch->sizes[at] = static_cast<std::uint32_t>(size);
            bench::stamp(batch->blocks[at], size);
        }
        queue.put(std::move(batch));
    }
}

void consume(Queue& queue)
{
    while (const std::unique_ptr<Batch> batch = queue.take()) {
        for (std::size_t at = 0; at < batch->blocks.size(); ++at) {
            bench::require(bench::is_intact(batch->blocks[at], batch->sizes[at]),
                           "block overwritten");
            std::free(batch->blocks[at]);
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t batches = bench::argument(argc, argv, 1, 40000);
    const Sizes sizes{bench::argument(argc, argv, 2, 16), bench::argument(argc, argv, 3, 128)};
    Queue queue;
    std::vector<std::thread> producers;
    std::vector<std::thread> consumers;
    for (std::size_t i = 0; i < kProducers; ++i) {
        consumers.emplace_back(consume, std::ref(queue));
        producers.emplace_back(produce, std::ref(queue), batches / kProducers, i + 1, sizes);
    }
    for (std::thread& producer : producers)
        producer.join();
    for (std::size_t i = 0; i < kProducers; ++i)
        queue.put(nullptr);
    for (std::thread& consumer : consumers)
        consumer.join();
    return bench::finish(batches);
}
