// SPDX-License-Identifier: MIT
//
// A leak report made by a copy of the process: threads are stopped for as long as it takes to copy
// the page tables, not for as long as it takes to look at all memory.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "src/base/print.h"

namespace tarn {

struct CopyOptions {
    bool is_wanted;
    bool is_waited_for; // by who wants to know what was found
    void (*begin)();    // in the copy: locks that other threads held are free
};

struct CopiedReport {
    std::uint64_t (*write)(void* context); // returns what report_leaks() does
    void* context;
    CopyOptions options;
    TextSink sink;
};

/// Whether a report may be made in a copy now. False: not while the one before is still at work, if
/// nobody waits for this one; it has said so.
bool may_report_in_copy(const CopyOptions& options, TextSink sink);

/// Starts the report. Requires: may_report_in_copy(), all signals are blocked, and the other
/// threads stopped. Returns 0 or an error number.
int start_report_in_copy(const CopiedReport& report, std::size_t stack_size);

/// What it returned. Errors: nullopt, it has not come to its end.
std::optional<std::uint64_t> wait_for_report();

} // namespace tarn
