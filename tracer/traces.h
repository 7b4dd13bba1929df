// SPDX-License-Identifier: MIT
//
// The observer of the traced modes: finds the stack of each allocation.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/observer.h"
#include "tracer/stack_trie.h"

namespace tarn {

struct TraceOptions {
    std::size_t most_calls;    // kept of a stack, at most kMostCalls
    bool counts_sites;         // for a trace or a profile, see sites.h
    std::size_t sample_period; // bytes, of which one is in what is told; 0: all
};

/// Makes room for the tables and returns what the heap is to be given.
/// Errors: nullptr, no address space or a libc without _dl_find_object(): no stacks.
const Observer* start_tracing(const TraceOptions& options);

/// The stack that the caller is called on, without our own calls. Requires: start_tracing(), on a
/// slow path. Errors: kNoTrace, no memory.
TraceId find_stack();

/// As start_tracing() was given it.
std::size_t sample_period_of_traces();
/// For who reports what another process has traced.
void set_sample_period_of_traces(std::size_t period);

/// What the calling thread allocates from now on is not to be reported, until the call with false;
/// these nest.
void ignore_allocations(bool ignore);

/// The stacks of what the calling thread allocates from now on are below that node of the trie.
void begin_stacks_with(TraceId root);

/// Ends the calling thread's frame and begins the next one, see frames.h. Requires: on a slow path,
/// and sites are counted.
void end_frame();

/// Marks are counted from 1. A block was born after so many of them, which is what its note says in
/// the observer that counts no sites. Returns the number of the new one.
std::uint32_t set_mark();
/// The last one; 0: there was none.
std::uint32_t current_mark();

/// In a child of fork(), where nobody holds the locks that a report takes.
void reset_trace_locks();

/// After dlclose(): what was known of code that is gone is forgotten.
void forget_unloaded_code();

} // namespace tarn
