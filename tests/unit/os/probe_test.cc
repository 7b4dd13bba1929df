// SPDX-License-Identifier: MIT

#include "src/os/probe.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "src/os/memory.h"

namespace tarn::os {

namespace {

std::uintptr_t address_of(const void* pointer)
{
    return reinterpret_cast<std::uintptr_t>(pointer);
}

TEST(Probe, CopiesWhatIsReadable)
{
    const char text[] = "readable";
    char copy[sizeof(text)] = {};
    EXPECT_TRUE(read_memory(address_of(text), copy, sizeof(text)));
    EXPECT_STREQ(copy, text);
}

TEST(Probe, SaysNoWhereNothingIsReadable)
{
    char copy[32];
    errno = 4711;
    EXPECT_FALSE(read_memory(0, copy, 8));
    EXPECT_FALSE(read_memory(8, copy, 8));
    EXPECT_FALSE(read_memory(~std::uintptr_t{0} - 15, copy, 16));
    EXPECT_FALSE(read_memory(std::uintptr_t{1} << 63, copy, 16)); // no address of this machine
    void* const reserved = reserve(kPageSize, kPageSize);
    EXPECT_FALSE(read_memory(address_of(reserved), copy, 8));
    unmap(reserved, kPageSize);
    EXPECT_FALSE(read_memory(address_of(reserved), copy, 8));
    EXPECT_EQ(errno, 4711);
}

TEST(Probe, SaysNoWhenOnlyAPartIsReadable)
{
    auto* const pages = static_cast<char*>(reserve(2 * kPageSize, kPageSize));
    ASSERT_TRUE(commit(pages, kPageSize));
    char copy[32];
    EXPECT_TRUE(read_memory(address_of(pages + kPageSize - 32), copy, 32));
    EXPECT_FALSE(read_memory(address_of(pages + kPageSize - 16), copy, 32));
    unmap(pages, 2 * kPageSize);
}

TEST(Probe, FindsTheBreakArea)
{
    errno = 4711;
    const BreakArea before = break_area();
    EXPECT_EQ(errno, 4711);
    EXPECT_NE(before.start, 0U);
    EXPECT_EQ(before.end, address_of(::sbrk(0)));
    EXPECT_LE(before.start, before.end);
    ASSERT_NE(::sbrk(8192), reinterpret_cast<void*>(-1));
    const BreakArea after = break_area();
    EXPECT_EQ(after.start, before.start);
    EXPECT_EQ(after.end, before.end + 8192);
}

TEST(Probe, AsksAndSetsLimitsAsLibcDoes)
{
    rlimit expected{};
    rlimit seen{};
    ASSERT_EQ(::getrlimit(RLIMIT_CORE, &expected), 0);
    EXPECT_EQ(process_limit(0, RLIMIT_CORE, nullptr, &seen), 0);
    EXPECT_EQ(seen.rlim_cur, expected.rlim_cur);
    EXPECT_EQ(seen.rlim_max, expected.rlim_max);
    expected.rlim_cur = 0;
    EXPECT_EQ(process_limit(0, RLIMIT_CORE, &expected, nullptr), 0);
    EXPECT_EQ(::getrlimit(RLIMIT_CORE, &seen), 0);
    EXPECT_EQ(seen.rlim_cur, 0U);
}

TEST(Probe, ReportsAnUnknownLimitByErrno)
{
    rlimit seen{};
    errno = 0;
    EXPECT_EQ(process_limit(0, 4711, nullptr, &seen), -1);
    EXPECT_EQ(errno, EINVAL);
}

} // namespace

} // namespace tarn::os
