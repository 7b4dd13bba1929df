// SPDX-License-Identifier: MIT

#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "src/base/print.h"
#include "src/base/text.h"
#include "tracer/mapped_array.h"

namespace tarn {

/// Text for the helper, of any length. What finds no memory is lost, and the helper then knows
/// less.
class HelperText {
public:
    HelperText& operator<<(std::string_view text)
    {
        for (const char c : text)
            text_.push_back(c);
        return *this;
    }
    HelperText& operator<<(std::uint64_t number) { return add(number, 10); }
    HelperText& hexadecimal(std::uint64_t number) { return add(number, 16); }
    /// A path, which may hold a line break: control characters as %0a.
    HelperText& quoted(std::string_view path)
    {
        constexpr std::string_view kDigits = "0123456789abcdef";
        for (const char& c : path) {
            const auto code = static_cast<unsigned char>(c);
            if (is_control(c) || c == '%')
                *this << "%" << slice(kDigits, code / 16U, 1) << slice(kDigits, code % 16U, 1);
            else
                text_.push_back(c);
        }
        return *this;
    }

    std::span<const char> all() const { return text_.all(); }

private:
    HelperText& add(std::uint64_t number, unsigned base)
    {
        std::array<char, 24> room;
        return *this << detail::format_number(room, number, base);
    }

    MappedArray<char> text_;
};

} // namespace tarn
