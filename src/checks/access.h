// SPDX-License-Identifier: MIT
//
// Faults: what the address that an instruction could not reach has to do with the heap.

#pragma once

#include <cstdint>
#include <span>

#include "src/base/check_error.h"

namespace tarn {

struct NamedRegister {
    const char* name;
    std::uint64_t value;
};

struct Access {
    AccessKind kind = AccessKind::unknown;
    bool has_address = false; // not if it was none that an address can be
    bool is_bus_error = false;
    bool is_inside_malloc = false; // whose locks may be held
    std::uintptr_t address = 0;
    std::uintptr_t instruction = 0;
    std::uintptr_t stack_pointer = 0;
    std::uint32_t stack = 0; // number of the instruction's, of the tracer; 0: not known
    std::span<const NamedRegister> registers;
};

/// Whether an address is one that only a guarded block can lead to.
bool is_guarded(std::uintptr_t address);

/// Reports who has tried to get where; from the handler of the signal. False: nothing is known of
/// where that is.
bool report_access(const Access& access);

/// Makes the page accessible if it is one that we have closed. Errors: false.
bool let_pass(const Access& access);

} // namespace tarn
