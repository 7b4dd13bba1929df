// SPDX-License-Identifier: MIT
//
// Puts together what a report is to say of an error.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/checks/block_record.h"
#include "src/checks/checked_heap.h"

namespace tarn {

void set_check_hooks(const CheckHooks& hooks);

/// Number of the calling thread's stack; 0: not known.
std::uint32_t current_stack();
/// See CheckHooks.
std::uint32_t site_of(std::uint32_t stack);

namespace detail {
/// 0: the thread has none yet; else one more than it.
[[gnu::tls_model("initial-exec")]] inline constinit thread_local std::uint32_t thread_number = 0;
void number_this_thread();
} // namespace detail

/// The first thread that asks is 0. They are counted up to 65535.
inline std::uint16_t own_thread_number()
{
    if (detail::thread_number == 0) [[unlikely]]
        detail::number_this_thread();
    return static_cast<std::uint16_t>(detail::thread_number - 1);
}

CheckedBlock describe(const CheckedPlace& place);

// Each makes a report, which may end the process. The same error at the same place is reported
// once.

/// `occasion`: see CheckError; nullptr: the program has just freed it.
void report_change(CheckFault fault, const CheckedPlace& place, const Change& change,
                   const char* occasion);
/// Of a pointer that is no block in use. `place`: the block that begins there, if there was one.
void report_bad_pointer(const CheckedPlace& place, const void* block, bool is_resize);
void report_kind(const CheckedPlace& place, BlockKind kind);
void report_form(CheckFault fault, const CheckedPlace& place, const CppForm& form);
/// Of a request for more than any object can have: `count` of them, of `size` bytes each.
void report_size(std::size_t count, std::size_t size);
/// One that is complete, but for who has noticed.
void report_error(CheckError& error);

} // namespace tarn
