// SPDX-License-Identifier: MIT
//
// Call frame information: how the caller's registers are found from those of a function, read from
// .eh_frame, which every x86-64 binary has. Source: DWARF 5, 6.4 "Call Frame Information"; LSB 5.0,
// 10.6 "Exception Frames"; System V ABI, AMD64 supplement, figure 3.36 for register numbers.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tarn {

inline constexpr std::size_t kRegisters = 17;
inline constexpr std::size_t kFramePointer = 6; // rbp
inline constexpr std::size_t kStackPointer = 7; // rsp
inline constexpr std::size_t kReturnAddress = 16;

/// What a register held in the caller.
enum class Recovery : std::uint8_t {
    same,          // what it holds now
    undefined,     // unknown; of the return address: there is no caller
    at_offset,     // the word at CFA + value
    is_offset,     // CFA + value
    in_register,   // what register `value` holds
    at_expression, // the word at the address that an expression computes
    is_expression, // what it computes
};

/// An expression is found by its address, where its length stands.
struct RegisterRule {
    Recovery how;
    std::int64_t value; // or the expression's address
};

/// How to leave a function at one of its instructions. CFA, the canonical frame address, is the
/// stack pointer before the call.
struct FrameRow {
    RegisterRule cfa; // in_register: of register `cfa_register` plus value; or is_expression
    std::size_t cfa_register;
    std::array<RegisterRule, kRegisters> registers;
    bool is_signal_frame; // the caller was interrupted: its address is that of an instruction
};

/// The sorted table of an .eh_frame_hdr.
struct UnwindTable {
    struct Row {
        std::int32_t start; // of a function, from `base`
        std::int32_t entry; // its FDE, likewise
    };
    const std::byte* base;
    const Row* rows;
    std::size_t size;
};
/// Errors: false, there is none or it is of another kind.
bool read_unwind_table(const std::byte* header, UnwindTable& table);

/// Fills `row` for the instruction at `address` in a module with this .eh_frame_hdr.
/// Errors: false, nothing is known about it. Cost: microseconds. Thread safety: one thread at a
/// time, because it is too much for a small stack.
bool find_frame_row(const std::byte* unwind_table, std::uintptr_t address, FrameRow& row);

} // namespace tarn
