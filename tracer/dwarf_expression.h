// SPDX-License-Identifier: MIT
//
// Expressions of call frame information, as signal frames and functions that realign their stack
// have them. Source: DWARF 5, 2.5 "DWARF Expressions".

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tracer/call_frame.h"

namespace tarn {

using RegisterValues = std::array<std::uintptr_t, kRegisters>;

/// Computes the expression at `expression` (its length, then its operations); `first` is on the
/// stack already. Reads memory that may not be there with care.
/// Errors: false, an operation that call frame information does not use, or unreadable memory.
bool evaluate(const std::byte* expression, const RegisterValues& registers, std::uintptr_t first,
              std::uintptr_t& result);

} // namespace tarn
