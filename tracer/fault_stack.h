// SPDX-License-Identifier: MIT
//
// The stack of an instruction that a signal has interrupted, wherever that was: in the middle of a
// walk of the thread's own, or at an address that is no code.

#pragma once

#include "tracer/dwarf_expression.h"
#include "tracer/stack_trie.h"

namespace tarn {

/// `registers[kReturnAddress]` is the instruction. Calls of this library that are innermost are
/// left out. Requires: start_tracing(). Errors: kNoTrace.
/// Cost: microseconds for each call; async-signal-safe, but for a thread that is within it.
TraceId find_interrupted_stack(const RegisterValues& registers);

} // namespace tarn
