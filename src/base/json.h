// SPDX-License-Identifier: MIT
//
// JSON (RFC 8259) without stdio and without allocation.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "src/base/print.h"

namespace tarn {

/// Writes one value, which may be an object of others, to a sink. Whatever bytes a text has, what
/// is written is valid: where they are no UTF-8, U+FFFD stands for them. Requires: a key before
/// each value of an object, and as many ends as begins.
class JsonWriter {
public:
    enum class Lines : bool { one, several };

    explicit JsonWriter(TextSink sink, Lines lines = Lines::several) : out_(sink), lines_(lines) {}

    JsonWriter& begin_object() { return begin("{"); }
    JsonWriter& end_object() { return end("}"); }
    JsonWriter& begin_array() { return begin("["); }
    JsonWriter& end_array() { return end("]"); }

    /// `name` is written as it is.
    JsonWriter& key(std::string_view name);

    JsonWriter& text(std::string_view text);
    JsonWriter& number(std::uint64_t number);
    JsonWriter& integer(std::int64_t number);
    JsonWriter& boolean(bool is_true);
    /// A text such as "0x7f12".
    JsonWriter& address(std::uint64_t address);
    /// A text of two digits for each byte.
    JsonWriter& hexadecimal(std::span<const std::byte> bytes);

    /// What comes next begins a line, if there may be several.
    JsonWriter& line_break();

private:
    JsonWriter& begin(std::string_view bracket);
    JsonWriter& end(std::string_view bracket);
    void begin_value();
    void write_escaped(char c);

    Printer out_;
    Lines lines_;
    bool is_first_ = true; // of what is being written
    bool breaks_ = false;  // the line, before what comes next
};

namespace detail {
/// Bytes of the character of UTF-8 that `text` begins with; 0: it begins with none.
std::size_t character_size(std::string_view text);
} // namespace detail

} // namespace tarn
