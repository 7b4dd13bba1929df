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

} // namespace

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
