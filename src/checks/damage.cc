// SPDX-License-Identifier: MIT

#include "src/checks/damage.h"

#include "src/checks/fault.h"
#include "src/checks/guard_gap.h"
#include "src/checks/poison.h"
#include "src/heap/address_range.h"

namespace tarn {

constinit CheckSettings check_settings{};

bool is_in_pools(const CheckedPlace& place)
{
    return address_range.contains(reinterpret_cast<void*>(place.raw));
}

bool report_damage(const CheckedPlace& place, const char* occasion)
{
    const bool is_guarded = guards::has(place);
    if (!check_settings.canaries && !is_guarded) return false;
    if (const Change change =
            is_guarded ? guard_gap::check_front(place) : canary::check_front(place))
        return report_change(CheckFault::underflow, place, change, occasion), true;
    if (const Change change = is_guarded ? guard_gap::check_back(place) : canary::check_back(place))
        return report_change(CheckFault::overflow, place, change, occasion), true;
    return false;
}

bool report_late_write(const CheckedPlace& place, const char* occasion)
{
    // Of a large one the pages are gone; a write to them was a fault.
    if (!is_in_pools(place)) return false;
    if (check_settings.fills_freed) {
        if (const Change change = poison::check_freed(place.start(), place.record->size))
            return report_change(CheckFault::use_after_free, place, change, occasion), true;
    }
    return report_damage(place, occasion);
}

} // namespace tarn
