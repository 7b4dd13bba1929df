// SPDX-License-Identifier: MIT
//
// What happens when a program misuses a resource: one handler for the whole process.

#pragma once

#include <cstddef>
#include <cstdint>

#include <tarn/api.h>

namespace tarn {

class CallStack;

/// What a program can do wrong with memory of a resource.
enum class Misuse : std::uint8_t {
    double_free,     // the block is free already, or a reset or rewind has taken it
    not_owned,       // the address is of no block of this resource
    misaligned,      // the address lies within a block, or between two
    out_of_range,    // the address is beyond what the resource has handed out
    wrong_size,      // not the size that was asked for
    wrong_alignment, // not the alignment that was asked for
    out_of_order,    // a stack, mark or scope is not given back in reverse order
    overflow,        // somebody wrote behind a block
    underflow,       // somebody wrote in front of a block
    use_after_free,  // somebody wrote into a block that is free
    leak,            // the resource ends while blocks of it are in use
};

/// A short name for messages, such as "double free". A constant.
TARN_API const char* name_of(Misuse kind) noexcept;

/// What the handler of misuse is told.
struct MisuseReport {
    Misuse kind;
    const char* resource;     // name of the resource
    const void* address;      // what was given to it, or the damaged block
    std::size_t size = 0;     // as the caller says
    std::size_t expected = 0; // as the resource knows, where it does
    // Calls, of resources that keep them (<tarn/call_stack.h>), while the handler runs.
    const CallStack* allocated = nullptr; // that allocated the block
    const CallStack* freed = nullptr;     // that gave it back
    const CallStack* refused = nullptr;   // that were refused memory before
};

/// Takes a report. It may throw, which leaves the resource as it was before the call that is
/// misuse; or return, whereupon that call does nothing. Where the call is noexcept, as try_allocate
/// and destructors are, an exception ends the process.
using MisuseHandler = void (*)(const MisuseReport& report);

/// Sets the handler of the process and returns the one before; nullptr is the default, which prints
/// one line on standard error, and the calls it is told, and aborts. Thread safety: any thread at
/// any time.
TARN_API MisuseHandler set_misuse_handler(MisuseHandler handler) noexcept;

/// Calls the handler. For resources, also those of programs.
TARN_API void report_misuse(const MisuseReport& report);

} // namespace tarn
