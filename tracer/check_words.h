// SPDX-License-Identifier: MIT
//
// What misuse of memory is called in reports.

#pragma once

#include <string_view>

#include "src/base/check_error.h"
#include "src/base/print.h"

namespace tarn {

/// As AddressSanitizer calls it, so that what reads its reports reads ours.
std::string_view name_of(const CheckError& error);

/// "READ" and so on; none: empty.
std::string_view name_of(AccessKind access);

/// The function, without its arguments: "memalign" for all that take an alignment.
std::string_view allocator_of(const CheckedBlock& block);
/// The one that the program has called for what is in use.
std::string_view deallocator_of(const CheckError& error);

/// " byte" or " bytes".
std::string_view byte_word(std::uint64_t count);

/// "attempting double-free on 0x5c50 in thread T0".
void print_what(Printer& out, const CheckError& error);

} // namespace tarn
