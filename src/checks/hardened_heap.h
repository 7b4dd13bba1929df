// SPDX-License-Identifier: MIT
//
// START HERE: the hardened heap. For programs that are to stop at the first misuse instead of being
// taken over by it, in production: no stacks, little cost, see checked_heap.h for the rest.
//
//      malloc   a slot that nobody can foretell           slot_cache.h
//               was it not written to since it was freed
//               canary behind the program's bytes         canary.h
//      free     is it a slot, in use, of that kind        slot_record.h
//               is its canary as it was
//               is cleared, and waits                     slot_cache.h
//
// No free slot of a thread holds a link. Those that go home to the heap do, but whatever the heap
// hands out from them must be a slot that is not in use, as the records say, before anyone has it.
//
// Blocks above the pools have mappings of their own, and the checked heap looks after them: what
// is freed there cannot be accessed any more.

#pragma once

#include "src/base/block_checks.h"
#include "src/base/options.h"
#include "src/checks/checked_heap.h"

namespace tarn {

struct HardenSettings {
    ZeroMode zero = ZeroMode::free;
    bool checks_kinds = true;
};

/// Looks at the canary of a block in use, which is reported if it is not as it was. False: it is,
/// or there is none.
bool report_damaged_slot(const void* block);

/// Before the heap is configured. Returns what `settings.checks` is to be.
const BlockChecks* start_hardening(const HardenSettings& wanted, const CheckHooks& hooks);

} // namespace tarn
