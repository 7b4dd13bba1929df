// SPDX-License-Identifier: MIT
//
// What the parts of a trace's report have in common.

#pragma once

#include <unistd.h>

#include "src/base/print.h"

namespace tarn {

/// "==1234== ", at the start of a line.
struct Margin {};

inline Printer& operator<<(Printer& out, Margin)
{
    return out << "==" << static_cast<std::uint64_t>(::getpid()) << "== ";
}

/// Text for a Column, of whatever a Printer prints. Reports are made one at a time.
template <class Print> FixedText<48> text_of(Print print)
{
    static constinit FixedText<48> text;
    text = {};
    {
        Printer out([](std::string_view part) { text << part; });
        print(out);
    }
    return text;
}

} // namespace tarn
