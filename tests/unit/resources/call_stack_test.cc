// SPDX-License-Identifier: MIT
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/call_stack.h>

namespace tarn {

namespace {

__attribute__((noinline)) CallStack deep(int calls, std::size_t depth)
{
    if (calls == 0) return CallStack::here(depth);
    CallStack stack = deep(calls - 1, depth);
    asm volatile("" : : "r"(&stack) : "memory"); // no tail call
    return stack;
}

__attribute__((noinline)) CallStack inner(const void*& from)
{
    from = __builtin_return_address(0);
    CallStack stack = CallStack::here(4, from);
    asm volatile("" : : "r"(&stack) : "memory");
    return stack;
}

} // namespace

TEST(CallStacks, HaveTheCallsTheyAreAskedFor)
{
    EXPECT_TRUE(CallStack().calls().empty());
    EXPECT_TRUE(deep(3, 0).calls().empty());
    EXPECT_EQ(deep(30, 5).calls().size(), 5U);
    EXPECT_EQ(deep(30, 100).calls().size(), CallStack::kMost);
    const CallStack one = deep(30, 8);
    EXPECT_EQ(one.calls()[3], one.calls()[4]) << "one function calls itself";
}

TEST(CallStacks, BeginWithTheCallTheyAreToBeginWith)
{
    const void* from = nullptr;
    const CallStack stack = inner(from);
    ASSERT_EQ(stack.calls().size(), 4U);
    EXPECT_EQ(stack.calls()[0], from);
}

TEST(CallStacks, AreEqualIfTheirCallsAre)
{
    std::vector<CallStack> stacks;
    const volatile int count = 2; // the compiler is to write one call, not two
    for (int i = 0; i < count; ++i)
        stacks.push_back(deep(4, 16));
    EXPECT_EQ(stacks[0], stacks[1]);
    EXPECT_NE(stacks[0], deep(5, 16));
}

// Of main's callers, in libc, the loader knows the name; of what is in the program only where.
TEST(CallStacks, AreTextThatAddr2lineTakes)
{
    const CallStack stack = deep(1, 3);
    std::ostringstream text;
    text << stack;
    EXPECT_EQ(text.str(), stack.text());
    std::istringstream lines(text.str());
    std::string line;
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(std::getline(lines, line));
        EXPECT_TRUE(line.starts_with("    #" + std::to_string(i) + " ")) << line;
        EXPECT_NE(line.find("call_stack_test+0x"), std::string::npos) << line;
    }
    EXPECT_FALSE(std::getline(lines, line));
}

} // namespace tarn
