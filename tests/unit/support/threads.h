// SPDX-License-Identifier: MIT
//
// Threads of a test.

#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace tarn::test {

/// Runs `work(number)` in `count` threads at once and waits for their end.
template <class Work> void in_threads(std::size_t count, Work work)
{
    std::vector<std::thread> threads;
    threads.reserve(count);
    for (std::size_t number = 0; number < count; ++number)
        threads.emplace_back(work, number);
    for (std::thread& thread : threads)
        thread.join();
}

/// Runs `work` in a thread of its own and waits for its end.
template <class Work> void in_thread(Work work)
{
    std::thread(work).join();
}

} // namespace tarn::test
