// SPDX-License-Identifier: MIT
//
// The checked heap where canaries are all that is wanted: no filling, no quarantine, no stacks. For
// ordinary blocks of the pools malloc and free then come to a record, three or four words of canary
// and the thread's bin, without asking what else there might be to do.

#pragma once

#include "src/base/block_checks.h"
#include "src/checks/checked_heap.h"

namespace tarn {

/// Whether nothing but canaries is wanted.
bool wants_canaries_alone(const CheckSettings& wanted);

/// The same as `whole`, with the short way for the blocks that can go it. Requires:
/// wants_canaries_alone().
const BlockChecks* with_short_way(const BlockChecks& whole);

} // namespace tarn
