// SPDX-License-Identifier: MIT
//
// The stack of the calling thread by all that unwind tables can say, or by libunwind: for signal
// frames and the like, which the rules of stack_walk.h cannot express.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/heap_view.h"
#include "tracer/modules.h"
#include "tracer/unwinder.h"

namespace tarn {

/// Hears of the calls of a stack, one after the other. `address`: as it returns to; one more, where
/// the next one inside is a signal's handler.
struct CallSink {
    void* context;
    void (*take)(void* context, std::uintptr_t address, ModuleId module);
};

/// Tells the calls beyond `start`, the innermost first, without those that lie in `own` at first.
/// Cost: microseconds for each call.
void walk_slowly(const Position& start, const MemoryRange& own, std::size_t most_calls,
                 CallSink sink);

} // namespace tarn
