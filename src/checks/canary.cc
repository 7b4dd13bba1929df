// SPDX-License-Identifier: MIT

#include "src/checks/canary.h"

#include "src/os/process.h"

namespace tarn::canary {

constinit std::uint64_t detail::secret = 0;

using detail::kWord;
using detail::word_at;

namespace {

/// The bytes from `start` up to `end` that are not the canary's. Requires: there is one.
Change find_change(std::uintptr_t start, std::uintptr_t end, std::uint64_t word)
{
    const auto expected = [word](std::uintptr_t at) {
        return static_cast<std::uint8_t>(word >> 8 * (at % kWord));
    };
    const auto is_right = [&expected](std::uintptr_t at) {
        return *reinterpret_cast<const std::uint8_t*>(at) == expected(at);
    };
    while (is_right(start))
        ++start;
    while (is_right(end - 1))
        --end;
    return {start, end - start, expected(start)};
}

} // namespace

void initialise()
{
    detail::secret = os::random_number();
}

Change check_front(const CheckedPlace& place)
{
    const std::uintptr_t start = place.start();
    const std::uint64_t word = word_of(start);
    if (word_at(start - kFront) == word && word_at(start - kWord) == word) [[likely]]
        return {};
    Change change = find_change(start - kFront, start, word);
    change.may_go_on = change.start == start - kFront;
    return change;
}

Change check_back(const CheckedPlace& place)
{
    const detail::Back back = detail::back_of(bounds_of(place));
    const std::uint64_t word = word_of(place.start());
    const bool is_first_right = ((word_at(back.first) ^ word) & back.mask) == 0;
    if (is_first_right && (!back.has_second || word_at(back.first + kWord) == word)) [[likely]]
        return {};
    const std::uintptr_t end = back.first + (back.has_second ? 2 : 1) * kWord;
    Change change = find_change(place.end(), end, word);
    change.may_go_on = change.start + change.size == end;
    return change;
}

} // namespace tarn::canary
