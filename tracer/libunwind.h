// SPDX-License-Identifier: MIT
//
// Stacks by libunwind, for who wants a second opinion. It is opened when it is asked for, and with
// its interface for other processes: of its own process it would ask the loader with a lock held,
// which may be that of a thread that waits for us. Source: libunwind(3), unw_create_addr_space(3).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tracer/call_frame.h"
#include "tracer/dwarf_expression.h"

namespace tarn {

/// Finds the library. Errors: the reason, one line without its end. Requires: outside of malloc.
const char* open_libunwind();

/// A walk by it, from calling functions outwards. Thread safety: of each, one thread.
/// Requires: open_libunwind(). Cost: some 10 us a call, and more where it has never been.
class LibunwindSteps {
public:
    /// From where these are the registers.
    explicit LibunwindSteps(const RegisterValues& registers);
    LibunwindSteps(const LibunwindSteps&) = delete; // libunwind knows where registers_ are
    LibunwindSteps& operator=(const LibunwindSteps&) = delete;
    ~LibunwindSteps() = default;

    /// Goes to the caller. Errors: false, there is none or it is not found.
    bool next();
    std::uintptr_t address() const;
    std::uintptr_t stack_pointer() const;
    bool is_interrupted() const { return is_interrupted_; } // as of step_out()

private:
    std::uintptr_t read(int number) const;

    RegisterValues registers_;
    bool is_interrupted_ = true;
    bool is_valid_ = false;
    alignas(16) mutable std::array<std::uint64_t, 128> cursor_; // unw_cursor_t
};

} // namespace tarn
