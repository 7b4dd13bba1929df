// SPDX-License-Identifier: MIT
//
// What is said of allocations that got no memory because the user asked for it (fail=, max_alloc=).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/print.h"
#include "tracer/stack_trie.h"

namespace tarn {

struct Refusal {
    std::uint64_t number; // of the allocation, counted from 1
    std::size_t size;     // bytes asked for
    std::size_t most;     // bytes that one may have; 0: it was chosen by fail=
    TraceId trace;        // kNoTrace: not known
};

/// How a copy of the process ended in which an allocation failed.
struct Trial {
    static constexpr int kNotOver = -1; // it was killed for that

    Refusal refusal;
    int status; // as wait() has it, or that

    /// By a signal that no program sends itself in order to end.
    bool has_crashed() const;
};

/// One refusal, with its stack. Neither allocates nor takes locks of libc.
/// Cost: tens of milliseconds, of the helper's time.
void report_refusal(const Refusal& refusal, TextSink sink);

/// What came of all copies, with the stacks of those that did not end in order. `timeout` is what
/// they were given, in milliseconds. Cost: likewise.
void report_trials(std::span<const Trial> trials, std::size_t timeout, TextSink sink);

} // namespace tarn
