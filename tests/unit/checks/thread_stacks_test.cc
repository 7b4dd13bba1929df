// SPDX-License-Identifier: MIT

#include "src/checks/thread_stacks.h"

#include <thread>

#include <gtest/gtest.h>

namespace tarn {

namespace {

std::uintptr_t address_of(const void* place)
{
    return reinterpret_cast<std::uintptr_t>(place);
}

/// As much around an address as a mapping may have.
MemoryRange around(std::uintptr_t address)
{
    constexpr std::uintptr_t kMuch = 1 << 16;
    return {address - kMuch, address + kMuch};
}

TEST(ThreadStacks, AreKnownUntilTheThreadEnds)
{
    static ThreadStacks stacks;
    const char local = 0;
    const std::uintptr_t here = address_of(&local);
    EXPECT_EQ(stacks.owner_of(here, around(here)), kNoThread);
    stacks.add(7);
    EXPECT_EQ(stacks.owner_of(here, around(here)), 7U);
    EXPECT_EQ(stacks.owner_of(here, {here + 1, here + 2}), kNoThread) << "another mapping";
    stacks.remove(7);
    EXPECT_EQ(stacks.owner_of(here, around(here)), kNoThread);
    stacks.add(100'000);
    stacks.remove(100'000);
    EXPECT_EQ(stacks.owner_of(here, around(here)), kNoThread) << "more than there is room for";
}

TEST(ThreadStacks, EndAboveTheThreadsDescriptor)
{
    static ThreadStacks stacks;
    std::thread([] {
        const char local = 0;
        const std::uintptr_t here = address_of(&local);
        const std::uintptr_t descriptor = address_of(__builtin_thread_pointer());
        const MemoryRange joined{here - (1 << 14), descriptor + (1 << 20)};
        stacks.add(3);
        EXPECT_EQ(stacks.owner_of(here, joined), 3U);
        EXPECT_EQ(stacks.owner_of(descriptor, joined), 3U);
        EXPECT_EQ(stacks.owner_of(descriptor + (1 << 16), joined), kNoThread)
            << "mapped above it by somebody else";
    }).join();
}

} // namespace

} // namespace tarn
