// SPDX-License-Identifier: MIT
//
// That the code does what the instruction did: tests/guard/guard_leaves_vectors_as_they_are.py.

#include "src/checks/displaced_code.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uintptr_t kRax = 3;
constexpr std::uintptr_t kRdi = 0x10000;
constexpr std::uintptr_t kR12 = 0x20000;

std::optional<VectorAccess> decode(Bytes bytes)
{
    bytes.resize(16);
    CodeRegisters registers{};
    registers[0] = kRax;
    registers[7] = kRdi;
    registers[12] = kR12;
    return decode_vector_access(bytes.data(), registers);
}

struct Known {
    const char* text;
    Bytes bytes;
    std::uintptr_t address;
    std::size_t size;
    Bytes code;
    std::size_t distance_at; // 0: the code has none
};

TEST(DisplacedCode, FindsTheOperandAndDoesWithoutAlignment)
{
    const std::vector<Known> known = {
        {"movdqa (%rdi), %xmm0", {0x66, 0x0F, 0x6F, 0x07}, kRdi, 16, {0xF3, 0x0F, 0x6F, 0x07}, 0},
        {"movdqa (%r12), %xmm0",
         {0x66, 0x41, 0x0F, 0x6F, 0x04, 0x24},
         kR12,
         16,
         {0xF3, 0x41, 0x0F, 0x6F, 0x04, 0x24},
         0},
        {"movaps 16(%rdi), %xmm0",
         {0x0F, 0x28, 0x47, 0x10},
         kRdi + 16,
         16,
         {0x0F, 0x10, 0x47, 0x10},
         0},
        {"movdqa -16(%rdi), %xmm0",
         {0x66, 0x0F, 0x6F, 0x87, 0xF0, 0xFF, 0xFF, 0xFF},
         kRdi - 16,
         16,
         {0xF3, 0x0F, 0x6F, 0x87, 0xF0, 0xFF, 0xFF, 0xFF},
         0},
        {"movntdq %xmm0, (%rdi)", {0x66, 0x0F, 0xE7, 0x07}, kRdi, 16, {0xF3, 0x0F, 0x7F, 0x07}, 0},
        {"pxor 8(%rdi,%rax,8), %xmm0",
         {0x66, 0x0F, 0xEF, 0x44, 0xC7, 0x08},
         kRdi + 8 * kRax + 8,
         16,
         {0x66, 0x0F, 0xEF, 0x05, 0, 0, 0, 0},
         4},
        {"pshufd $27, (%rdi), %xmm0",
         {0x66, 0x0F, 0x70, 0x07, 0x1B},
         kRdi,
         16,
         {0x66, 0x0F, 0x70, 0x05, 0, 0, 0, 0, 0x1B},
         4},
        {"pshufb (%rdi), %xmm9",
         {0x66, 0x44, 0x0F, 0x38, 0x00, 0x0F},
         kRdi,
         16,
         {0x66, 0x44, 0x0F, 0x38, 0x00, 0x0D, 0, 0, 0, 0},
         6},
        {"vmovdqa (%rdi), %xmm0", {0xC5, 0xF9, 0x6F, 0x07}, kRdi, 16, {0xC5, 0xFA, 0x6F, 0x07}, 0},
        {"vmovdqa (%r12), %xmm0",
         {0xC4, 0xC1, 0x79, 0x6F, 0x04, 0x24},
         kR12,
         16,
         {0xC4, 0xC1, 0x7A, 0x6F, 0x04, 0x24},
         0},
        {"vmovaps %ymm0, (%rdi)", {0xC5, 0xFC, 0x29, 0x07}, kRdi, 32, {0xC5, 0xFC, 0x11, 0x07}, 0},
    };
    for (const Known& each : known) {
        SCOPED_TRACE(each.text);
        const std::optional<VectorAccess> access = decode(each.bytes);
        ASSERT_TRUE(access);
        EXPECT_EQ(access->address, each.address);
        EXPECT_EQ(access->size, each.size);
        EXPECT_EQ(access->length, each.bytes.size());
        EXPECT_EQ(access->reads_copy, each.distance_at != 0);
        EXPECT_EQ(access->distance_at, each.distance_at);
        ASSERT_EQ(access->code_size, each.code.size());
        Bytes code(access->code.begin(), access->code.begin() + each.code.size());
        for (std::size_t i = 0; each.distance_at != 0 && i < 4; ++i)
            code[each.distance_at + i] = 0;
        EXPECT_EQ(code, each.code);
    }
}

TEST(DisplacedCode, LeavesOthersAlone)
{
    for (const Bytes& bytes : {Bytes{0x90},                          // nop
                               Bytes{0x48, 0x8B, 0x07},              // mov (%rdi), %rax
                               Bytes{0x0F, 0x10, 0x07},              // movups (%rdi), %xmm0
                               Bytes{0xF3, 0x0F, 0x6F, 0x07},        // movdqu (%rdi), %xmm0
                               Bytes{0x66, 0x0F, 0x6F, 0xC1},        // movdqa %xmm1, %xmm0
                               Bytes{0x66, 0x0F, 0x6F, 0x05},        // movdqa 0(%rip), %xmm0
                               Bytes{0xF3, 0x0F, 0x58, 0x07},        // addss (%rdi), %xmm0
                               Bytes{0x48, 0x0F, 0xC7, 0x0F},        // cmpxchg16b (%rdi)
                               Bytes{0x0F, 0xAE, 0x07},              // fxsave (%rdi)
                               Bytes{0xC5, 0xF9, 0xEF, 0x07},        // vpxor (%rdi), %xmm0, %xmm0
                               Bytes{0x66, 0x66, 0x0F, 0x6F, 0x07}}) // a prefix twice
        EXPECT_FALSE(decode(bytes)) << testing::PrintToString(bytes);
}

TEST(DisplacedCode, PutsTheCopyAndTheWayBackWhereTheyAreFound)
{
    const std::optional<VectorAccess> access = decode({0x66, 0x0F, 0x70, 0x07, 0x1B});
    ASSERT_TRUE(access);
    DisplacedCode code{};
    displace(*access, 0x123456789AB, code);
    std::int32_t distance = 0;
    std::memcpy(&distance, &code.code[4], sizeof distance);
    EXPECT_EQ(code.code.data() + access->code_size + distance, code.copy.data());
    const std::uint8_t* const jump = &code.code[access->code_size];
    EXPECT_EQ(Bytes(jump, jump + 6), (Bytes{0xFF, 0x25, 0, 0, 0, 0}));
    std::uintptr_t back = 0;
    std::memcpy(&back, jump + 6, sizeof back);
    EXPECT_EQ(back, 0x123456789ABU);
}

} // namespace

} // namespace tarn
