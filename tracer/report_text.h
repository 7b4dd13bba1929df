// SPDX-License-Identifier: MIT
//
// What the parts of a trace's report have in common.

#pragma once

#include <unistd.h>

#include "src/base/print.h"

namespace tarn {

/// Whose report is being made; 0: the calling process's.
inline constinit std::uint64_t reported_process = 0;

/// "==1234== ", at the start of a line.
struct Margin {};

inline Printer& operator<<(Printer& out, Margin)
{
    const std::uint64_t process = reported_process;
    return out << "==" << (process != 0 ? process : static_cast<std::uint64_t>(::getpid()))
               << "== ";
}

/// Text for a Column, of whatever a Printer prints. Reports are made one at a time.
template <std::size_t kSize = 48, class Print> FixedText<kSize> text_of(Print print)
{
    static constinit FixedText<kSize> text;
    text = {};
    {
        Printer out([](std::string_view part) { text << part; });
        print(out);
    }
    return text;
}

} // namespace tarn
