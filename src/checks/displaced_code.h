// SPDX-License-Identifier: MIT
//
// Instructions of x86-64 that want 16 aligned bytes in memory, made into ones that do not.
//
// A guarded block ends where its page does, so that one of 40 bytes is aligned to 8. malloc
// promises 16, and a program that counts on it in memory of its own making gets a general
// protection fault. It goes on as if nothing had been: what it wanted to do is done elsewhere.
//
//      copy: 32 bytes │ the instruction, with [copy] or unaligned │ jump back
//
// Source: Intel SDM volume 2, 2.1 to 2.3 (encoding), volume 1, 4.1.1 (alignment).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tarn {

/// An instruction that reads or writes a vector in memory.
struct VectorAccess {
    std::uintptr_t address;
    std::size_t size;                  // 16 or 32
    std::size_t length;                // bytes of the instruction
    bool reads_copy;                   // instead of `address`
    std::array<std::uint8_t, 16> code; // in its place; with reads_copy, a distance is yet to be set
    std::size_t code_size;
    std::size_t distance_at; // where in `code` that is, four bytes
};

/// In the order of the encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 ... r15.
using CodeRegisters = std::array<std::uintptr_t, 16>;

/// Decodes what is at `code`. Errors: nothing, it is not one that wants alignment, or none that is
/// known. Requires: 15 bytes, or as many as the instruction has, are readable.
std::optional<VectorAccess> decode_vector_access(const std::uint8_t* code,
                                                 const CodeRegisters& registers);

using VectorCopy = std::array<std::uint8_t, 32>;

/// What a thread goes through instead.
struct DisplacedCode {
    alignas(32) VectorCopy copy;
    std::array<std::uint8_t, 32> code;
};

/// Fills it in, at the address where it will be executed. `back`: where it goes on. The copy is the
/// caller's to fill.
void displace(const VectorAccess& access, std::uintptr_t back, DisplacedCode& code);

} // namespace tarn
