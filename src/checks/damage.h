// SPDX-License-Identifier: MIT
//
// Whether a block is as it was left.

#pragma once

#include "src/checks/block_record.h"
#include "src/checks/checked_heap.h"

namespace tarn {

/// Set once, before the first block.
extern constinit CheckSettings check_settings;

bool is_in_pools(const CheckedPlace& place);

/// Reports bytes around a block that are not as they were: those in front if both are not. False:
/// all are. `occasion`: see CheckError.
bool report_damage(const CheckedPlace& place, const char* occasion);

/// Reports it if the function that gives a block back is not the right one, or says the wrong
/// thing; see also CppForm.
void check_form(const CheckedPlace& place, BlockKind kind);

/// The same as report_damage() of a block that was freed, whose own bytes are the program's no
/// more.
bool report_late_write(const CheckedPlace& place, const char* occasion);

} // namespace tarn
