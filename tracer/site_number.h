// SPDX-License-Identifier: MIT
//
// Numbers of places: what a stack is called in a report, so that it can be named in another run of
// the same program, where all addresses may be others.

#pragma once

#include <cstdint>

#include "tracer/stack_trie.h"

namespace tarn {

/// Made of where the innermost calls lie in their files; never 0. Those further outside do not
/// matter: what has led there may take another way the next time.
/// Cost: 2 ns, or some dozens for a stack that was not asked for lately.
std::uint32_t site_number(TraceId trace);

} // namespace tarn
