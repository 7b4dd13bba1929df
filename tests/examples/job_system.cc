// SPDX-License-Identifier: MIT
//
// Jobs that make jobs: a sort that splits its work until the parts are small, on all threads.
//
// With malloc there is one queue of std::function for all, under a lock. With the library each
// thread has a deque, from which the others steal when theirs are empty, and a pool for the jobs
// that it makes; the thread that ran a job hands it back in batches.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <tarn/handover.h>
#include <tarn/object_pool.h>
#include <tarn/work_stealing_deque.h>

#include "tests/examples/compare.h"

namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kNumbers = 400'000;
constexpr std::size_t kSmall = 24; // sorted at once

using Numbers = std::span<std::uint32_t>;

/// Runs `work(thread)` on all threads.
template <class Work> void on_all_threads(Work work)
{
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i)
        threads.emplace_back(work, i);
}

/// Sorts what is small; else puts the smaller numbers in front and lets `later` sort both parts.
template <class Later> void sort_part(Numbers numbers, Later later)
{
    if (numbers.size() <= kSmall) {
        std::ranges::sort(numbers);
        return;
    }
    const std::uint32_t a = numbers.front();
    const std::uint32_t b = numbers[numbers.size() / 2];
    const std::uint32_t c = numbers.back();
    const std::uint32_t pivot = std::max(std::min(a, b), std::min(std::max(a, b), c));
    const auto middle = std::partition(numbers.begin(), numbers.end(),
                                       [&](std::uint32_t number) { return number < pivot; });
    const auto rest = std::partition(middle, numbers.end(),
                                     [&](std::uint32_t number) { return number == pivot; });
    later(Numbers(numbers.begin(), middle));
    later(Numbers(rest, numbers.end()));
}

// --- with malloc
// ----------------------------------------------------------------------------------

class LockedQueue {
public:
    using Job = std::function<void()>;

    void run(Numbers numbers)
    {
        submit(numbers);
        on_all_threads([&](std::size_t /*thread*/) {
            while (open_.load(std::memory_order_acquire) != 0) {
                if (const Job job = next()) {
                    job();
                    open_.fetch_sub(1, std::memory_order_release);
                } else {
                    std::this_thread::yield();
                }
            }
        });
    }

private:
    void submit(Numbers numbers)
    {
        open_.fetch_add(1, std::memory_order_relaxed);
        Job job = [this, numbers] { sort_part(numbers, [this](Numbers part) { submit(part); }); };
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    Job next()
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.empty()) return nullptr;
        Job job = std::move(jobs_.back()); // the newest, as an owner of a deque does
        jobs_.pop_back();
        return job;
    }

    std::mutex mutex_;
    std::deque<Job> jobs_;
    std::atomic<std::size_t> open_{0};
};

// --- with the library
// -----------------------------------------------------------------------------

class StealingJobs {
public:
    void run(Numbers numbers)
    {
        submit(0, numbers);
        on_all_threads([&](std::size_t thread) {
            while (open_.load(std::memory_order_acquire) != 0) {
                if (const auto job = next(thread))
                    run(thread, *job);
                else
                    std::this_thread::yield();
            }
        });
        for (std::size_t thread = 0; thread < kThreads; ++thread) // nothing runs any more
            for (Worker& worker : workers_)
                send_home(thread, worker);
    }

private:
    struct Job {
        Numbers numbers;
        std::size_t maker; // the thread whose pool it is from
    };
    using Pool = tarn::ObjectPool<Job>;
    using Returns = tarn::Handover<Pool::Handle>;

    struct Worker {
        Pool pool;       // outlives what is on its way home
        Returns returns; // jobs of this pool that others ran
        tarn::WorkStealingDeque<Job*> jobs;
        Returns::Batch ran[kThreads]; // of each other pool, not yet sent
    };
    static constexpr std::size_t kBatch = 64;

    void submit(std::size_t thread, Numbers numbers)
    {
        open_.fetch_add(1, std::memory_order_relaxed);
        Worker& worker = workers_[thread];
        worker.jobs.push(worker.pool.create(Job{numbers, thread}));
    }

    std::optional<Job*> next(std::size_t thread)
    {
        if (const auto job = workers_[thread].jobs.try_pop()) return job;
        while (workers_[thread].returns.try_receive()) { // into the pool; there is time for it now
        }
        for (std::size_t i = 1; i < kThreads; ++i)
            if (const auto job = workers_[(thread + i) % kThreads].jobs.try_steal()) return job;
        return std::nullopt;
    }

    void run(std::size_t thread, Job* job)
    {
        sort_part(job->numbers, [&](Numbers part) { submit(thread, part); });
        Worker& maker = workers_[job->maker];
        if (job->maker == thread) {
            maker.pool.destroy(job);
        } else {
            auto& batch = workers_[thread].ran[job->maker];
            batch.push_back(Pool::Handle(job, Pool::Deleter(maker.pool)));
            if (batch.size() == kBatch) send_home(job->maker, workers_[thread]);
        }
        open_.fetch_sub(1, std::memory_order_release);
    }

    void send_home(std::size_t maker, Worker& from)
    {
        workers_[maker].returns.send(std::move(from.ran[maker]));
        from.ran[maker] = Returns::Batch();
    }

    Worker workers_[kThreads];
    std::atomic<std::size_t> open_{0};
};

} // namespace

int main()
{
    std::vector<std::uint32_t> numbers(kNumbers);
    std::mt19937 random;
    std::ranges::generate(numbers, [&] { return static_cast<std::uint32_t>(random()); });
    LockedQueue queue;
    StealingJobs jobs;
    const auto sorted_by = [&](auto& system) {
        std::vector<std::uint32_t> sorted = numbers;
        system.run(sorted);
        return sorted;
    };
    auto sorted = numbers;
    std::ranges::sort(sorted);
    if (sorted_by(queue) != sorted) return 1;
    return example::compare(
        "job_system", "WorkStealingDeque, ObjectPool and Handover",
        [&] { return sorted_by(queue); }, [&] { return sorted_by(jobs); });
}
