// SPDX-License-Identifier: MIT
//
// How statistics become text and JSON: one list of their members serves both.

#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

namespace tarn::detail {

struct Field {
    const char* name; // valid in JSON as it is
    std::uint64_t value;
};

/// "allocations 3, deallocations 1".
void write(std::ostream& out, std::span<const Field> fields);

/// "allocations":3,"deallocations":1
std::string json_members(std::span<const Field> fields);
/// The same in braces.
std::string json_object(std::span<const Field> fields);

/// The text in quotes, valid whatever bytes it has. Errors: std::bad_alloc.
std::string json_text(std::string_view text);

} // namespace tarn::detail
