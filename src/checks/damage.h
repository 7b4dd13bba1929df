// SPDX-License-Identifier: MIT
//
// Whether a block is as it was left.

#pragma once

#include "src/checks/block_record.h"
#include "src/checks/canary.h"
#include "src/checks/checked_heap.h"
#include "src/checks/guards.h"
#include "src/heap/address_range.h"

namespace tarn {

/// Set once, before the first block.
extern constinit CheckSettings check_settings;

inline bool is_in_pools(const CheckedPlace& place)
{
    return address_range.contains(reinterpret_cast<void*>(place.raw));
}

// By value, so that the callers' fast paths have it in registers.
namespace detail {
bool find_damage(CheckedPlace place, const char* occasion);
void compare_form(CheckedPlace place, BlockKind kind);
} // namespace detail

/// Reports bytes around a block that are not as they were: those in front if both are not. False:
/// all are. `occasion`: see CheckError.
inline bool report_damage(const CheckedPlace& place, const char* occasion)
{
    const bool is_right =
        !guards::has(place) && (!check_settings.canaries || canary::is_intact(place));
    return !is_right && detail::find_damage(place, occasion);
}

/// Reports it if the function that gives a block back is not the right one, or says the wrong
/// thing; see also CppForm.
inline void check_form(const CheckedPlace& place, BlockKind kind)
{
    if (kind != BlockKind::malloc || place.record->kind != BlockKind::malloc)
        detail::compare_form(place, kind);
}

/// The same as report_damage() of a block that was freed, whose own bytes are the program's no
/// more.
bool report_late_write(const CheckedPlace& place, const char* occasion);

} // namespace tarn
