// SPDX-License-Identifier: MIT

#include "src/checks/canary.h"

#include <algorithm>
#include <cstring>

#include "src/os/process.h"

namespace tarn::canary {

namespace {

constinit std::uint64_t secret = 0;

/// What a canary has in the eight bytes at `address`, a multiple of 8. Nobody who does not know the
/// secret can write it, and no byte of it is zero: a string that is too long by its end is the
/// commonest overflow of all.
std::uint64_t word_at(std::uintptr_t address)
{
    std::uint64_t mixed = (address ^ secret) * 0x9E3779B97F4A7C15U; // Fibonacci hashing
    mixed ^= mixed >> 32U;
    return mixed | 0x8080808080808080U;
}

std::uint8_t byte_at(std::uintptr_t address)
{
    return static_cast<std::uint8_t>(word_at(address & ~std::uintptr_t{7}) >> 8 * (address & 7));
}

struct Zone {
    std::uintptr_t start;
    std::uintptr_t end;
};

Zone front_of(const CheckedPlace& place)
{
    return {place.start() - std::min(place.record->front(), kLongest), place.start()};
}

Zone back_of(const CheckedPlace& place)
{
    return {place.end(), std::min(place.end() + kLongest, place.raw + place.room)};
}

/// Calls `use(address, size, word)` for the zone's parts of words.
template <class Use> bool for_each_word(Zone zone, Use use)
{
    for (std::uintptr_t at = zone.start; at < zone.end;) {
        const std::uintptr_t word = at & ~std::uintptr_t{7};
        const std::size_t size = std::min(word + 8, zone.end) - at;
        if (!use(at, size, word_at(word) >> 8 * (at - word))) return false;
        at += size;
    }
    return true;
}

void fill(Zone zone)
{
    for_each_word(zone, [](std::uintptr_t at, std::size_t size, std::uint64_t word) {
        if (size == 8)
            *reinterpret_cast<std::uint64_t*>(at) = word;
        else
            std::memcpy(reinterpret_cast<void*>(at), &word, size);
        return true;
    });
}

bool is_intact(Zone zone)
{
    return for_each_word(zone, [](std::uintptr_t at, std::size_t size, std::uint64_t word) {
        std::uint64_t found = 0;
        if (size == 8) return *reinterpret_cast<const std::uint64_t*>(at) == word;
        std::memcpy(&found, reinterpret_cast<const void*>(at), size);
        return found == (word & ((std::uint64_t{1} << 8 * size) - 1));
    });
}

Change check(Zone zone)
{
    if (is_intact(zone)) [[likely]]
        return {};
    const auto is_right = [](std::uintptr_t at) {
        return *reinterpret_cast<const std::uint8_t*>(at) == byte_at(at);
    };
    while (is_right(zone.start))
        ++zone.start;
    while (is_right(zone.end - 1))
        --zone.end;
    return {zone.start, zone.end - zone.start, byte_at(zone.start)};
}

} // namespace

void initialise()
{
    secret = os::random_number();
}

void fill(const CheckedPlace& place)
{
    fill(front_of(place));
    fill(back_of(place));
}

Change check_front(const CheckedPlace& place)
{
    return check(front_of(place));
}

Change check_back(const CheckedPlace& place)
{
    return check(back_of(place));
}

} // namespace tarn::canary
