// SPDX-License-Identifier: MIT

#include "tracer/unwinder.h"

#include <algorithm>
#include <array>
#include <execinfo.h>
#include <sys/mman.h>
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

#if defined(__x86_64__)

TEST_F(Unwinder, GoesByTheFramePointerWhereACallReturnsAndNoTableSaysHow)
{
    using Code = std::vector<unsigned char>;
    // As an assembler writes them: call to a symbol, by a register, by memory in each form there
    // is.
    const std::vector<Code> calls{
        {0xE8, 1, 2, 3, 4},             // call f
        {0xFF, 0xD0},                   // call *%rax
        {0x41, 0xFF, 0xD3},             // call *%r11
        {0xFF, 0x10},                   // call *(%rax)
        {0xFF, 0x14, 0x24},             // call *(%rsp)
        {0xFF, 0x14, 0xC5, 1, 2, 3, 4}, // call *N(,%rax,8)
        {0xFF, 0x15, 1, 2, 3, 4},       // call *f(%rip)
        {0xFF, 0x50, 0x18},             // call *24(%rax)
        {0xFF, 0x54, 0x24, 0x18},       // call *24(%rsp)
        {0xFF, 0x90, 1, 2, 3, 4},       // call *N(%rax)
        {0xFF, 0x94, 0x24, 1, 2, 3, 4}, // call *N(%rsp)
    };
    const std::vector<Code> others{
        {0x90, 0x90},                   // nop
        {0xE9, 1, 2, 3, 4},             // jmp f
        {0xFF, 0xE0},                   // jmp *%rax
        {0xFF, 0x25, 1, 2, 3, 4},       // jmp *f(%rip)
        {0xFF, 0x50},                   // the first two bytes of call *24(%rax)
        {0xFF, 0x15, 1, 2, 3},          // of call *f(%rip) but one
        {0xFF, 0x14, 0x24, 1},          // call *(%rsp), and one more
        {0xFF, 0x90, 1, 2, 3, 4, 0x90}, // call *N(%rax), and one more
    };
    constexpr std::size_t kSize = 4096;
    auto* const page = static_cast<unsigned char*>(
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(page, MAP_FAILED);
    unsigned char* end = page;
    const auto kind_behind = [&end](const Code& code) {
        end += 32;
        std::ranges::copy(code, end - code.size());
        return rule_cache.find(reinterpret_cast<std::uintptr_t>(end)).kind();
    };
    using Kind = UnwindRule::Kind;
    for (const Unwind how : {Unwind::automatic, Unwind::fp}) {
        set_unwinding(how);
        for (const Code& code : calls)
            EXPECT_EQ(kind_behind(code), Kind::by_pointer) << testing::PrintToString(code);
        for (const Code& code : others)
            EXPECT_EQ(kind_behind(code), Kind::unknown) << testing::PrintToString(code);
    }
    set_unwinding(Unwind::cfi);
    EXPECT_EQ(kind_behind(calls[0]), Kind::unknown);
    set_unwinding(Unwind::automatic);

    // A frame as it is on the stack of such code; further inside than the stack pointer there is
    // none.
    kind_behind(calls[0]);
    auto where = reinterpret_cast<std::uintptr_t>(end);
    std::array<std::uintptr_t, 2> frame{7, where};
    const auto address = reinterpret_cast<std::uintptr_t>(frame.data());
    bool is_interrupted = false;
    const auto step_from = [&](std::uintptr_t stack_pointer, RegisterValues& registers) {
        registers[kReturnAddress] = where;
        registers[kFramePointer] = address;
        registers[kStackPointer] = stack_pointer;
        bool was_interrupted = is_interrupted;
        return step_out(registers, was_interrupted) == Caller::found && !was_interrupted;
    };
    RegisterValues registers{};
    EXPECT_TRUE(step_from(address, registers));
    EXPECT_EQ(registers[kFramePointer], 7U);
    EXPECT_EQ(registers[kReturnAddress], where);
    EXPECT_EQ(registers[kStackPointer], address + sizeof frame);
    EXPECT_FALSE(step_from(address + 8, registers));
    for (const std::uintptr_t none : {std::uintptr_t{0}, std::uintptr_t{1}, ~std::uintptr_t{0}}) {
        frame[1] = none;
        EXPECT_FALSE(step_from(address, registers)) << none;
    }
    frame[1] = where;
    set_unwinding(Unwind::cfi);
    EXPECT_FALSE(step_from(address, registers));
    set_unwinding(Unwind::automatic);

    // A bad pointer that was called has made no frame: wherever it led to, it was not code.
    is_interrupted = true;
    EXPECT_FALSE(step_from(address, registers));
    ASSERT_EQ(::mprotect(page, kSize, PROT_READ | PROT_EXEC), 0);
    EXPECT_TRUE(step_from(address, registers));
    where = 16;
    EXPECT_FALSE(step_from(address, registers));

    // Code, from which interpreters call without a call.
    EXPECT_EQ(rule_cache.find(reinterpret_cast<std::uintptr_t>(page) + 3000).kind(),
              Kind::by_pointer);
    ::munmap(page, kSize);
}

#endif

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
