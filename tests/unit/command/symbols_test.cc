// SPDX-License-Identifier: MIT

#include "tracer/command/symbols.h"

#include <link.h>

#include <gtest/gtest.h>

/// Built with debug information, see tests/unit/meson.build. Not static: symbols of their own.
[[gnu::noinline]] std::uintptr_t symbols_test_outer();
extern "C" [[gnu::noinline]] int symbols_test_plain_c(int number);

[[gnu::always_inline]] inline std::uintptr_t symbols_test_inlined()
{
    std::uintptr_t here = 0;
    asm volatile("1: leaq 1b(%%rip), %0" : "=r"(here));
    return here;
}

std::uintptr_t symbols_test_outer()
{
    const std::uintptr_t here = symbols_test_inlined();
    asm volatile("");
    return here;
}

int symbols_test_plain_c(int number)
{
    return number + 1;
}

namespace tarn {

namespace {

/// What the program's addresses in memory are more than in its file.
std::uintptr_t own_bias()
{
    std::uintptr_t bias = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* context) {
            *static_cast<std::uintptr_t*>(context) = info->dlpi_addr;
            return 1; // the first is the program
        },
        &bias);
    return bias;
}

constexpr const char* kSelf = "/proc/self/exe";

TEST(SymbolsTest, NameAFunctionWithItsFile)
{
    Symbols symbols;
    const std::size_t self = symbols.add(kSelf, "");
    const auto address = reinterpret_cast<std::uintptr_t>(&symbols_test_plain_c);
    const std::vector<SourceFrame> frames = symbols.at(self, address - own_bias());
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].function, "symbols_test_plain_c");
    EXPECT_TRUE(frames[0].file.ends_with("symbols_test.cc")) << frames[0].file;
    EXPECT_GT(frames[0].line, 0);
}

TEST(SymbolsTest, NameWhatWasInlinedInnermostFirst)
{
    Symbols symbols;
    const std::size_t self = symbols.add(kSelf, "");
    const std::vector<SourceFrame> frames = symbols.at(self, symbols_test_outer() - own_bias());
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].function, "symbols_test_inlined()");
    EXPECT_EQ(frames[0].linkage, "_Z20symbols_test_inlinedv");
    EXPECT_EQ(frames[1].function, "symbols_test_outer()");
    EXPECT_EQ(frames[1].linkage, "_Z18symbols_test_outerv");
    EXPECT_TRUE(frames[1].file.ends_with("symbols_test.cc")) << frames[1].file;
    EXPECT_GT(frames[1].line, frames[0].line) << "where it is called, which is further down";
}

TEST(SymbolsTest, AreNoneOfAFileThatIsNotTheSameAnyMore)
{
    Symbols symbols;
    const std::size_t other = symbols.add(kSelf, "0123456789abcdef");
    const std::size_t gone = symbols.add("/nonexistent/program", "");
    const auto address = reinterpret_cast<std::uintptr_t>(&symbols_test_plain_c) - own_bias();
    EXPECT_TRUE(symbols.at(other, address).empty());
    EXPECT_TRUE(symbols.at(gone, address).empty());
    EXPECT_TRUE(symbols.at(2, address).empty()) << "no such file";
    const std::size_t self = symbols.add(kSelf, "");
    EXPECT_EQ(self, 2U) << "those that are not there have numbers, too";
    EXPECT_FALSE(symbols.at(self, address).empty());
}

TEST(SymbolsTest, KeepFilesApart)
{
    Symbols symbols;
    const std::size_t first = symbols.add(kSelf, "");
    const std::size_t second = symbols.add(kSelf, "");
    const auto address = reinterpret_cast<std::uintptr_t>(&symbols_test_plain_c) - own_bias();
    for (const std::size_t file : {first, second}) {
        const std::vector<SourceFrame> frames = symbols.at(file, address);
        ASSERT_EQ(frames.size(), 1U) << file;
        EXPECT_EQ(frames[0].function, "symbols_test_plain_c");
    }
}

TEST(SymbolsTest, HaveNoNameForWhereNoFunctionIs)
{
    Symbols symbols;
    const std::size_t self = symbols.add(kSelf, "");
    for (const SourceFrame& frame : symbols.at(self, 0x7fffffffffff))
        EXPECT_EQ(frame.function, "");
}

} // namespace

} // namespace tarn
