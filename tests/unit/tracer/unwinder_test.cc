// SPDX-License-Identifier: MIT

#include "tracer/unwinder.h"

#include <array>
#include <execinfo.h>
#include <vector>

#include <gtest/gtest.h>

#include "tracer/arena.h"
#include "tracer/call_frame.h"

namespace tarn {

namespace {

volatile int after_call = 0;

class Unwinder : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(arena.initialise()); }
};

[[gnu::noinline]] void expect_callers_as_by_backtrace()
{
    std::array<void*, 64> buffer;
    const auto size = static_cast<std::size_t>(::backtrace(buffer.data(), buffer.size()));
    RegisterValues registers = current_registers();
    bool is_interrupted = true;
    std::size_t i = 1; // the first is in here
    Caller caller = Caller::none;
    while ((caller = step_out(registers, is_interrupted)) == Caller::found) {
        ASSERT_LT(i, size);
        EXPECT_FALSE(is_interrupted);
        ASSERT_EQ(registers[kReturnAddress], reinterpret_cast<std::uintptr_t>(buffer[i])) << i;
        if (i == 1) {
            EXPECT_EQ(registers[kReturnAddress],
                      reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)));
        }
        const UnwindRule rule = rule_cache.find(registers[kReturnAddress]);
        EXPECT_LE(rule.kind(), UnwindRule::Kind::outermost) << "all of these are simple";
        EXPECT_EQ(rule.module(), module_table.find(registers[kReturnAddress] - 1));
        ++i;
    }
    EXPECT_EQ(i, size);
    EXPECT_EQ(caller, Caller::none) << "the program has a beginning";
}

TEST_F(Unwinder, StepsOutToTheBeginningOfTheProgram)
{
    expect_callers_as_by_backtrace();
    after_call = 1;
}

TEST_F(Unwinder, KnowsNothingOfWhatIsNoCode)
{
    RegisterValues registers = current_registers();
    registers[kReturnAddress] = 1000;
    bool is_interrupted = false;
    EXPECT_EQ(step_out(registers, is_interrupted), Caller::unknown);
    EXPECT_EQ(rule_cache.find(1000).kind(), UnwindRule::Kind::unknown);
    EXPECT_EQ(rule_cache.find(1000).module(), kNoModule);
}

TEST_F(Unwinder, GivesTheSameRuleWhenItHasForgottenAll)
{
    const auto here = reinterpret_cast<std::uintptr_t>(&expect_callers_as_by_backtrace) + 1;
    const std::uint64_t epoch = rule_cache.epoch();
    for (int i = 0; i < 3; ++i) {
        const UnwindRule rule = rule_cache.find(here);
        EXPECT_EQ(rule.kind(), UnwindRule::Kind::from_stack);
        EXPECT_EQ(rule.cfa, 8) << "nothing is pushed yet but the return address";
        EXPECT_EQ(rule.saved_rbp, 0);
        rule_cache.clear();
    }
    EXPECT_EQ(rule_cache.epoch(), epoch + 3);
}

TEST_F(Unwinder, KeepsModuleAndKindOfARuleApart)
{
    UnwindRule rule;
    EXPECT_EQ(rule.kind(), UnwindRule::Kind::none);
    rule.set(UnwindRule::Kind::unknown, kMostModules - 1);
    EXPECT_EQ(rule.kind(), UnwindRule::Kind::unknown);
    EXPECT_EQ(rule.module(), kMostModules - 1);
    EXPECT_FALSE(rule.leads_as(rule)) << "there is no way";
    UnwindRule other;
    rule.set(UnwindRule::Kind::from_stack, 1);
    other.set(UnwindRule::Kind::from_stack, 2);
    EXPECT_TRUE(rule.leads_as(other)) << "the module makes no difference";
    other.cfa = 8;
    EXPECT_FALSE(rule.leads_as(other));
}

} // namespace

} // namespace tarn
