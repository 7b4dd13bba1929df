// SPDX-License-Identifier: MIT
//
// Canaries: bytes around a block that nobody has reason to write to.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/checks/block_record.h"

namespace tarn {

/// Bytes that are not as they were left; `size` 0: all are.
struct Change {
    std::uintptr_t start = 0; // the first one
    std::size_t size = 0;     // up to the last one
    std::uint8_t expected = 0;
    bool may_go_on = false; // they reach as far as can be seen

    explicit operator bool() const { return size != 0; }
};

namespace canary {

/// Behind the last byte asked for there is at least one byte of canary, at most two words of it;
/// in front of the first there are two. A program that leaves out so many bytes is not found out.
inline constexpr std::size_t kShortest = 1;
inline constexpr std::size_t kFront = 16;

namespace detail {
extern constinit std::uint64_t secret;
}

/// Draws the secret of this process. Before the first fill().
void initialise();

/// The canary's word of a block: nobody who does not know the secret can write it, and no byte of
/// it is zero, for a string that is too long by its end is the commonest overflow of all.
/// Its bytes lie as the words of memory do, at multiples of eight.
inline std::uint64_t word_of(std::uintptr_t start)
{
    std::uint64_t mixed = (start ^ detail::secret) * 0x9E3779B97F4A7C15U; // Fibonacci hashing
    mixed ^= mixed >> 32U;
    return mixed | 0x8080808080808080U;
}

/// Where the program's bytes lie, and where the room for them ends.
struct Bounds {
    std::uintptr_t start;
    std::uintptr_t end;
    std::uintptr_t room_end;
};

inline Bounds bounds_of(const CheckedPlace& place)
{
    return {place.start(), place.end(), place.raw + place.room};
}

namespace detail {

inline constexpr std::size_t kWord = sizeof(std::uint64_t);

inline std::uint64_t& word_at(std::uintptr_t address)
{
    return *reinterpret_cast<std::uint64_t*>(address);
}

/// The words of a back: of the first one only the bytes of `mask`, the program has the others.
struct Back {
    std::uintptr_t first;
    std::uint64_t mask;
    bool has_second;
};

inline Back back_of(const Bounds& bounds)
{
    const std::uintptr_t first = bounds.end & ~(kWord - 1);
    return {.first = first,
            .mask = ~std::uint64_t{0} << 8 * (bounds.end - first),
            .has_second = first + kWord < bounds.room_end};
}

} // namespace detail

[[gnu::always_inline]] inline void fill(const Bounds& bounds)
{
    using namespace detail;
    const std::uint64_t word = word_of(bounds.start);
    word_at(bounds.start - kFront) = word;
    word_at(bounds.start - kWord) = word;
    const Back back = back_of(bounds);
    word_at(back.first) = (word_at(back.first) & ~back.mask) | (word & back.mask);
    if (back.has_second) word_at(back.first + kWord) = word;
}

inline void fill(const CheckedPlace& place)
{
    fill(bounds_of(place));
}

/// Whether nothing has changed.
[[gnu::always_inline]] inline bool is_intact(const Bounds& bounds)
{
    using namespace detail;
    const std::uint64_t word = word_of(bounds.start);
    const Back back = back_of(bounds);
    std::uint64_t changed = (word_at(bounds.start - kFront) ^ word) |
                            (word_at(bounds.start - kWord) ^ word) |
                            ((word_at(back.first) ^ word) & back.mask);
    if (back.has_second) changed |= word_at(back.first + kWord) ^ word;
    return changed == 0;
}
inline bool is_intact(const CheckedPlace& place)
{
    return is_intact(bounds_of(place));
}

/// What has changed in front of the block.
Change check_front(const CheckedPlace& place);
/// What has changed behind it.
Change check_back(const CheckedPlace& place);

} // namespace canary

} // namespace tarn
