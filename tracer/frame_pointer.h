// SPDX-License-Identifier: MIT
//
// Code that has no unwind tables, as just-in-time compilers make it: whether anybody was called
// from an address, when there is nothing but a frame pointer that says so.

#pragma once

#include <cstdint>

#include "tracer/modules.h"

namespace tarn {

/// Whether it can be one at all. Source: Intel SDM volume 1, 3.3.7.1; the first pages are never
/// mapped.
constexpr bool is_address(std::uintptr_t word)
{
    return word >= 4096 && word < std::uintptr_t{1} << 47U;
}

/// Whether somebody may have been called from in front of `address`, which lies in `module`: a call
/// is there, or it is generated code. Interpreters push an address to return to, and jump.
/// Cost: a system call; 100 us where a mapping is not known. Thread safety: one thread at a time.
bool may_return_to(std::uintptr_t address, ModuleId module);

/// Whether the address lies in executable memory of no module. Cost, thread safety: as above.
bool is_generated(std::uintptr_t address);

} // namespace tarn
