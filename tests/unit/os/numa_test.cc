// SPDX-License-Identifier: MIT

#include "src/os/numa.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "src/os/memory.h"

namespace tarn::os {

TEST(Numa, HasAtLeastOneNode)
{
    EXPECT_GE(numa_nodes(), 1U);
    EXPECT_LE(numa_nodes(), 64U);
}

// What the system answers depends on the machine; that it is asked must do no harm.
TEST(Numa, LeavesPagesUsableAndErrnoAsItWas)
{
    errno = 0;
    auto* const pages = static_cast<char*>(map(4 * kPageSize, kPageSize));
    ASSERT_NE(pages, nullptr);
    bind_pages(pages, 4 * kPageSize, NumaPolicy::local, 0);
    bind_pages(pages, 4 * kPageSize, NumaPolicy::node, numa_nodes() - 1);
    bind_pages(pages, 4 * kPageSize, NumaPolicy::interleave, 0);
    EXPECT_FALSE(bind_pages(pages + 1, kPageSize, NumaPolicy::node, 0)) << "not a page";
    pages[0] = pages[4 * kPageSize - 1] = 'x';
    EXPECT_EQ(errno, 0);
    unmap(pages, 4 * kPageSize);
}

} // namespace tarn::os
