// SPDX-License-Identifier: MIT
//
// Looks at blocks that nobody asked for: all of them, or those around an address.

#include "src/checks/checked_heap.h"
#include "src/checks/damage.h"
#include "src/checks/fault.h"
#include "src/checks/hardened_heap.h"
#include "src/checks/quarantine.h"
#include "src/checks/slot_cache.h"
#include "src/heap/live_blocks.h"

namespace tarn {

namespace {

struct Look {
    const char* occasion;
    std::size_t damaged;
};

void look_at(void* context, LiveBlock block)
{
    auto& look = *static_cast<Look*>(context);
    const auto* const start = reinterpret_cast<const void*>(block.start);
    const CheckedPlace place = records.at(start);
    if (place ? report_damage(place, look.occasion) : report_damaged_slot(start)) ++look.damaged;
}

struct Search {
    std::uintptr_t address; // where it has come to
    CheckedPlace nearest;
};

void look_for_overrun(void* context, LiveBlock block)
{
    auto& search = *static_cast<Search*>(context);
    const CheckedPlace place = records.at(reinterpret_cast<const void*>(block.start));
    if (!place || guards::has(place) || place.start() >= search.address) return;
    if (search.nearest && place.start() < search.nearest.start()) return;
    // It has gone through those that have lost both.
    if (canary::check_back(place) && !canary::check_front(place)) search.nearest = place;
}

} // namespace

bool report_overrun(std::uintptr_t address, const char* occasion)
{
    if (!check_settings.canaries) return false;
    Search search{address != 0 ? address : ~std::uintptr_t{0}, {}};
    for_each_live_block(look_for_overrun, &search);
    return search.nearest && report_damage(search.nearest, occasion);
}

std::size_t check_all_blocks(const char* occasion)
{
    Look look{occasion, 0};
    for_each_live_block(look_at, &look);
    quarantine.for_each([&look](const CheckedPlace& place) {
        if (report_late_write(place, look.occasion)) ++look.damaged;
    });
    return look.damaged;
}

std::size_t blocks_held_back()
{
    return quarantine.count() + slots_held();
}

CheckedBlock describe_address(std::uintptr_t address)
{
    const CheckedPlace place = records.around(address);
    return place ? describe(place) : CheckedBlock{};
}

} // namespace tarn
