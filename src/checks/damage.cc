// SPDX-License-Identifier: MIT

#include "src/checks/damage.h"

#include "src/checks/fault.h"
#include "src/checks/guard_gap.h"
#include "src/checks/poison.h"
#include "src/heap/address_range.h"

namespace tarn {

constinit CheckSettings check_settings{};

namespace {

constexpr std::uint8_t kNoAlignment = 4; // 2^4 = kMinAlignment

} // namespace

bool detail::find_damage(CheckedPlace place, const char* occasion)
{
    const bool is_guarded = guards::has(place);
    if (const Change change =
            is_guarded ? guard_gap::check_front(place) : canary::check_front(place))
        return report_change(CheckFault::underflow, place, change, occasion), true;
    if (const Change change = is_guarded ? guard_gap::check_back(place) : canary::check_back(place))
        return report_change(CheckFault::overflow, place, change, occasion), true;
    return false;
}

void detail::compare_form(CheckedPlace place, BlockKind kind)
{
    if (!check_settings.checks_kinds) return;
    const BlockRecord& record = *place.record;
    if (kind != BlockKind::malloc && cpp_form.is_array) kind = BlockKind::array;
    if (kind != record.kind) return report_kind(place, kind);
    if (kind == BlockKind::malloc) return;
    if (cpp_form.size != 0 && cpp_form.size != record.size)
        return report_form(CheckFault::wrong_size, place, cpp_form);
    const std::size_t alignment =
        record.alignment_shift == kNoAlignment ? 0 : std::size_t{1} << record.alignment_shift;
    if (cpp_form.alignment > kMinAlignment || alignment != 0)
        if (cpp_form.alignment != alignment)
            report_form(CheckFault::wrong_alignment, place, cpp_form);
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
