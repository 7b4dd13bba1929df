// SPDX-License-Identifier: MIT

#include "src/os/loaded_code.h"

#include <cstdint>
#include <gnu/libc-version.h>
#include <string>

#include <gtest/gtest.h>

namespace tarn::os {

namespace {

void of_this_program() {}

TEST(LoadedCode, OfALibraryHasItsNameAndThatOfTheFunction)
{
    const auto address = reinterpret_cast<std::uintptr_t>(&::gnu_get_libc_version);
    const LoadedCode code = loaded_code_at(address + 1);
    ASSERT_NE(code.module, nullptr);
    EXPECT_NE(std::string(code.module).find("libc.so"), std::string::npos) << code.module;
    ASSERT_NE(code.function, nullptr);
    EXPECT_STREQ(code.function, "gnu_get_libc_version");
    EXPECT_EQ(loaded_code_at(address + 5).offset, code.offset + 4);
}

TEST(LoadedCode, OfThisProgramIsWhereItsFileHasIt)
{
    const auto address = reinterpret_cast<std::uintptr_t>(&of_this_program);
    const LoadedCode code = loaded_code_at(address);
    ASSERT_NE(code.module, nullptr);
    EXPECT_NE(std::string(code.module).find("loaded_code_test"), std::string::npos) << code.module;
    EXPECT_EQ(code.function, nullptr) << "nobody exports it";
    EXPECT_EQ(code.offset % 4096, address % 4096);
    EXPECT_LT(code.offset, std::uintptr_t{1} << 30);
}

TEST(LoadedCode, IsNothingWhereThereIsNone)
{
    const int local = 0;
    EXPECT_EQ(loaded_code_at(reinterpret_cast<std::uintptr_t>(&local)).module, nullptr);
}

} // namespace

} // namespace tarn::os
