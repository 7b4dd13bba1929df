// SPDX-License-Identifier: MIT

#include "src/checks/guard_gap.h"

#include <algorithm>
#include <cstring>

#include "src/checks/guard_pool.h"

namespace tarn::guard_gap {

namespace {

/// Bytes of a gap that are looked at, those next to the block.
constexpr std::size_t kMost = 64;

/// No zero: a string that is too long by its end is the commonest overflow of all.
constexpr std::uint8_t kFill = 0xD5;

MemoryRange front_of(const CheckedPlace& place)
{
    const std::uintptr_t start = GuardPool::data(place).start;
    return {std::max(start, place.start() - kMost), place.start()};
}

MemoryRange back_of(const CheckedPlace& place)
{
    const std::uintptr_t end = GuardPool::data(place).end;
    return {place.end(), std::min(end, place.end() + kMost)};
}

Change check(MemoryRange gap)
{
    const auto is_right = [](std::uintptr_t at) {
        return *reinterpret_cast<const std::uint8_t*>(at) == kFill;
    };
    while (gap.start < gap.end && is_right(gap.start))
        ++gap.start;
    if (gap.start == gap.end) [[likely]]
        return {};
    while (is_right(gap.end - 1))
        --gap.end;
    return {gap.start, gap.size(), kFill};
}

} // namespace

void fill(const CheckedPlace& place)
{
    for (const MemoryRange gap : {front_of(place), back_of(place)})
        std::memset(reinterpret_cast<void*>(gap.start), kFill, gap.size());
}

Change check_front(const CheckedPlace& place)
{
    return check(front_of(place));
}

Change check_back(const CheckedPlace& place)
{
    return check(back_of(place));
}

} // namespace tarn::guard_gap
