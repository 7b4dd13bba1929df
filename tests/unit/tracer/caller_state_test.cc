// SPDX-License-Identifier: MIT

#include "tracer/caller_state.h"

#include <gtest/gtest.h>

#include "tests/unit/support/threads.h"

namespace tarn {

TEST(KnownCaller, IsTheInnermostOfItsThread)
{
    EXPECT_EQ(KnownCaller::get(), nullptr);
    {
        CallerState outside{};
        outside.stack_point = 1;
        const KnownCaller outer(outside);
        outside.stack_point = 5; // it has a copy
        ASSERT_NE(KnownCaller::get(), nullptr);
        EXPECT_EQ(KnownCaller::get()->stack_point, 1U);
        {
            CallerState inside{};
            inside.stack_point = 2;
            const KnownCaller inner(inside);
            EXPECT_EQ(KnownCaller::get()->stack_point, 2U);
            test::in_thread([] { EXPECT_EQ(KnownCaller::get(), nullptr); });
        }
        EXPECT_EQ(KnownCaller::get()->stack_point, 1U);
    }
    EXPECT_EQ(KnownCaller::get(), nullptr);
}

#if defined(__x86_64__)

TEST(InterruptedCaller, IsWhereTheSignalCame)
{
    ucontext_t context{};
    greg_t* const registers = context.uc_mcontext.gregs;
    registers[REG_RSP] = 0x10000;
    registers[REG_RBX] = 11;
    registers[REG_R15] = 12;
    registers[REG_RAX] = 13;
    registers[REG_R11] = 14;
    const auto has = [](const CallerState& caller, std::uintptr_t value) {
        for (const std::uintptr_t one : caller.registers)
            if (one == value) return true;
        return false;
    };
    const CallerState anywhere = interrupted_caller(context, false);
    EXPECT_EQ(anywhere.stack_point, 0x10000U - 128) << "what lies below is in use, too";
    for (const std::uintptr_t value : {11U, 12U, 13U, 14U})
        EXPECT_TRUE(has(anywhere, value)) << value;
    const CallerState in_call = interrupted_caller(context, true);
    EXPECT_TRUE(has(in_call, 11));
    EXPECT_TRUE(has(in_call, 12));
    EXPECT_FALSE(has(in_call, 13)) << "a call does not preserve them";
    EXPECT_FALSE(has(in_call, 14));
}

#endif

} // namespace tarn
