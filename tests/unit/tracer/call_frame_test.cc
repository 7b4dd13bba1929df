// SPDX-License-Identifier: MIT

#include "tracer/call_frame.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// An .eh_frame of our own, with one function of 100 bytes, which need not be there.
class CallFrame : public testing::Test {
protected:
    static constexpr std::size_t kCommon = 32;
    static constexpr std::size_t kFunction = 96;
    static constexpr std::size_t kCode = 300;
    static constexpr std::size_t kSize = 100;

    /// The row at an offset of the function, with these instructions behind those of its unit,
    /// which say what each function begins with: CFA = rsp + 8, the return address below it.
    std::optional<FrameRow> row_at(std::size_t offset, const Bytes& instructions,
                                   const char* letters = "zR")
    {
        memory_.fill(std::byte{0});
        const auto end_of = [this](std::size_t at, const Bytes& bytes) {
            std::memcpy(&memory_[at], bytes.data(), bytes.size());
            return at + bytes.size();
        };
        put(0, {1, 0x1b, 0x03, 0x3b});
        word(4, 0);
        word(8, 1); // functions
        word(12, kCode);
        word(16, kFunction);

        word(kCommon, kFunction - kCommon - 4);
        put(kCommon + 8, {1});
        std::strcpy(reinterpret_cast<char*>(&memory_[kCommon + 9]), letters);
        put(kCommon + 9 + std::strlen(letters) + 1,
            {1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1}); // factors 1 and -8
        const std::size_t end = end_of(kFunction + 17, instructions);
        word(kFunction, static_cast<std::uint32_t>(end - kFunction - 4));
        word(kFunction + 4, kFunction + 4 - kCommon);
        word(kFunction + 8, kCode - kFunction - 8);
        word(kFunction + 12, kSize);
        FrameRow row{};
        const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(memory_.data()) + kCode;
        return find_frame_row(memory_.data(), start + offset, row) ? std::optional(row)
                                                                   : std::nullopt;
    }

private:
    void put(std::size_t at, const Bytes& bytes)
    {
        std::memcpy(&memory_[at], bytes.data(), bytes.size());
    }
    void word(std::size_t at, std::uint32_t value)
    {
        std::memcpy(&memory_[at], &value, sizeof value);
    }

    alignas(8) std::array<std::byte, 512> memory_{};
};

bool is(const RegisterRule& rule, Recovery how, std::int64_t value)
{
    return rule.how == how && rule.value == value;
}

TEST_F(CallFrame, BeginsWithWhatTheUnitSays)
{
    const auto row = row_at(0, {});
    ASSERT_TRUE(row);
    EXPECT_EQ(row->cfa_register, kStackPointer);
    EXPECT_TRUE(is(row->cfa, Recovery::in_register, 8));
    EXPECT_TRUE(is(row->registers[kReturnAddress], Recovery::at_offset, -8));
    EXPECT_EQ(row->registers[kFramePointer].how, Recovery::same);
    EXPECT_FALSE(row->is_signal_frame);
    EXPECT_TRUE(row_at(0, {}, "zRS")->is_signal_frame);
}

TEST_F(CallFrame, ChangesWhereTheInstructionsSay)
{
    // push rbp; at 4 mov rbp, rsp; at 90 pop.
    const Bytes instructions{0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 86, 0x0c, 7, 8, 0xc6};
    EXPECT_TRUE(is(row_at(0, instructions)->cfa, Recovery::in_register, 8));
    for (const std::size_t offset : {1U, 3U}) {
        EXPECT_TRUE(is(row_at(offset, instructions)->cfa, Recovery::in_register, 16));
        EXPECT_EQ(row_at(offset, instructions)->cfa_register, kStackPointer);
    }
    for (const std::size_t offset : {4U, 89U}) {
        EXPECT_EQ(row_at(offset, instructions)->cfa_register, kFramePointer);
        EXPECT_TRUE(
            is(row_at(offset, instructions)->registers[kFramePointer], Recovery::at_offset, -16));
    }
    EXPECT_EQ(row_at(90, instructions)->cfa_register, kStackPointer);
    EXPECT_EQ(row_at(90, instructions)->registers[kFramePointer].how, Recovery::same);
}

TEST_F(CallFrame, RemembersAndRestoresAState)
{
    const Bytes instructions{0x0e, 32, 0x0a, 0x41, 0x0e, 8, 0x41, 0x0b};
    EXPECT_EQ(row_at(0, instructions)->cfa.value, 32);
    EXPECT_EQ(row_at(1, instructions)->cfa.value, 8);
    EXPECT_EQ(row_at(2, instructions)->cfa.value, 32);
    EXPECT_FALSE(row_at(0, {0x0b})) << "none was remembered";
    EXPECT_FALSE(row_at(0, Bytes(100, 0x0a))) << "too many";
}

TEST_F(CallFrame, HasEveryRuleForRegisters)
{
    const auto row = row_at(0, {0x05, 0,  2,             // offset_extended
                                0x07, 1,                 // undefined
                                0x09, 2,  3,             // register
                                0x11, 4,  0x7f,          // offset_extended_sf
                                0x14, 5,  3,             // val_offset
                                0x15, 8,  0x7e,          // val_offset_sf
                                0x10, 12, 2,    0x77, 8, // expression
                                0x16, 13, 2,    0x77, 8, // val_expression
                                0x05, 99, 1,             // one that nobody has
                                0x08, 16,                // same_value
                                0x2e, 16, 0x13, 0x7e, 0x00});
    ASSERT_TRUE(row);
    EXPECT_TRUE(is(row->registers[0], Recovery::at_offset, -16));
    EXPECT_EQ(row->registers[1].how, Recovery::undefined);
    EXPECT_TRUE(is(row->registers[2], Recovery::in_register, 3));
    EXPECT_TRUE(is(row->registers[4], Recovery::at_offset, 8));
    EXPECT_TRUE(is(row->registers[5], Recovery::is_offset, -24));
    EXPECT_TRUE(is(row->registers[8], Recovery::is_offset, 16));
    EXPECT_EQ(row->registers[12].how, Recovery::at_expression);
    EXPECT_EQ(*reinterpret_cast<const std::uint8_t*>(row->registers[12].value), 2) << "its length";
    EXPECT_EQ(row->registers[13].how, Recovery::is_expression);
    EXPECT_EQ(row->registers[kReturnAddress].how, Recovery::same);
    EXPECT_EQ(row->cfa.value, 16);
    EXPECT_EQ(row_at(0, {0x0f, 1, 0x30})->cfa.how, Recovery::is_expression);
    EXPECT_FALSE(row_at(0, {0x3f, 0})) << "an instruction that there is not";
}

TEST_F(CallFrame, EndsWithTheFunction)
{
    EXPECT_TRUE(row_at(kSize - 1, {}));
    EXPECT_FALSE(row_at(kSize, {}));
    EXPECT_FALSE(row_at(std::size_t{0} - 1, {}));
    FrameRow row{};
    EXPECT_FALSE(find_frame_row(nullptr, 1000, row));
}

} // namespace

} // namespace tarn
