// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/resource.h>

#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

namespace tarn::test {

/// Four threads allocate `count` blocks each, of `size_of(number, thread)` bytes; whichever comes
/// by gives a block back, and all are at the end. Each keeps its contents, and the resource counts
/// it.
template <class SizeOf>
void give_back_in_other_threads(Resource& resource, std::size_t count, SizeOf size_of)
{
    constexpr std::size_t kThreads = 4;
    std::mutex mutex;
    std::vector<std::pair<unsigned char*, std::size_t>> shared;
    in_threads(kThreads, [&](std::size_t thread) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t bytes = size_of(i, thread);
            auto* const block = static_cast<unsigned char*>(resource.allocate(bytes));
            fill(block, bytes, bytes);
            const std::lock_guard lock(mutex);
            shared.emplace_back(block, bytes);
            if (i % 3 == 0) continue;
            std::swap(shared.back(), shared[i * 31 % shared.size()]);
            const auto [other, size] = shared.back();
            shared.pop_back();
            EXPECT_TRUE(holds(other, size, size));
            resource.deallocate(other, size);
        }
    });
    for (const auto& [block, bytes] : shared)
        resource.deallocate(block, bytes);
    EXPECT_EQ(resource.statistics().in_use, 0U);
    EXPECT_EQ(resource.statistics().allocations, kThreads * count);
    EXPECT_EQ(resource.statistics().deallocations, kThreads * count);
}

} // namespace tarn::test
