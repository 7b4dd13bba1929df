// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/batches.h>

namespace tarn {

static_assert(std::forward_iterator<Batches<int>::Iterator>);

RC_GTEST_PROP(Batches, HaveAllObjectsInOrder, (std::vector<int> objects, std::uint8_t size))
{
    std::vector<int> seen;
    std::vector<std::size_t> sizes;
    for (const std::span<int> batch : Batches(objects, size)) {
        seen.insert(seen.end(), batch.begin(), batch.end());
        sizes.push_back(batch.size());
    }
    RC_ASSERT(seen == objects);
    RC_ASSERT(sizes.size() == Batches(objects, size).size());
    const std::size_t wanted = std::max<std::size_t>(size, 1);
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
        RC_ASSERT(sizes[i] == wanted);
    if (sizes.empty()) return;
    RC_ASSERT(sizes.back() > 0U);
    RC_ASSERT(sizes.back() <= wanted);
}

TEST(Batches, ChangeWhatLiesInAnArena)
{
    ArenaResource arena;
    const std::span<int> numbers = arena.make_array<int>(1000);
    int batch_number = 0;
    for (const std::span<int> batch : Batches(numbers, 300)) {
        for (int& number : batch)
            number = batch_number;
        ++batch_number;
    }
    EXPECT_EQ(batch_number, 4);
    EXPECT_EQ(std::accumulate(numbers.begin(), numbers.end(), 0), 300 + 2 * 300 + 3 * 100);
}

TEST(Batches, OfConstantsAndOfHugeSizes)
{
    const std::array<int, 3> numbers{1, 2, 3};
    const Batches<const int> batches(numbers, SIZE_MAX);
    ASSERT_EQ(batches.size(), 1U);
    EXPECT_EQ((*batches.begin()).size(), 3U);
    EXPECT_EQ(std::next(batches.begin()), batches.end());
}

} // namespace tarn
