// SPDX-License-Identifier: MIT

#include "src/checks/poison.h"

#include <algorithm>
#include <cstring>

namespace tarn::poison {

namespace {

constinit std::uint8_t allocated_byte = 0;
constinit std::uint8_t freed_byte = 0;

/// Bits 63 to 57 of an address are alike on every processor there is; these are not. Below them is
/// the number of the block, and then a page: a member of what a pointer leads to is mostly not
/// further from it.
constexpr std::uint64_t kMark = 0x5A;
constexpr unsigned kMarkShift = 56;
constexpr unsigned kNumberShift = 12;
constexpr unsigned kUnitShift = 4; // blocks begin at multiples of 16
constexpr unsigned kNumberBits = kMarkShift - kNumberShift;
/// Below the number: a zero is what is written most, and would not be noticed among zeros.
constexpr std::uint64_t kLowest = 0xA58;

/// What is the block's own of the word in which it ends; behind it there is always a canary.
std::uint64_t tail_mask(std::size_t size)
{
    return (std::uint64_t{1} << 8 * (size % 8)) - 1;
}

/// Words of freed blocks. All 64 bits of an address below 2^48 fit: 48 - 4 + 12 = 56.
std::uint64_t word_for(std::uintptr_t start)
{
    if (freed_byte != 0) return freed_byte * 0x0101010101010101U;
    const std::uint64_t number = start >> kUnitShift;
    return kMark << kMarkShift |
           (number & ((std::uint64_t{1} << kNumberBits) - 1)) << kNumberShift | kLowest;
}

} // namespace

void set_patterns(std::uint8_t allocated, std::uint8_t freed)
{
    allocated_byte = allocated;
    freed_byte = freed;
}

void fill_allocated(std::uintptr_t start, std::size_t size)
{
    std::memset(reinterpret_cast<void*>(start), allocated_byte, size);
}

void fill_freed(std::uintptr_t start, std::size_t size)
{
    const std::uint64_t word = word_for(start);
    auto* const words = reinterpret_cast<std::uint64_t*>(start);
    std::fill_n(words, size / 8, word);
    std::uint64_t& last = words[size / 8];
    last = (last & ~tail_mask(size)) | (word & tail_mask(size));
}

Change check_freed(std::uintptr_t start, std::size_t size)
{
    const std::uint64_t word = word_for(start);
    const auto byte_of = [word, start](std::uintptr_t at) {
        return static_cast<std::uint8_t>(word >> 8 * ((at - start) & 7));
    };
    const auto* const words = reinterpret_cast<const std::uint64_t*>(start);
    std::uint64_t wrong = 0;
    for (std::size_t i = 0; i < size / 8; ++i)
        wrong |= words[i] ^ word;
    wrong |= (words[size / 8] ^ word) & tail_mask(size);
    if (wrong == 0) [[likely]]
        return {};
    const auto is_right = [&byte_of](std::uintptr_t at) {
        return *reinterpret_cast<const std::uint8_t*>(at) == byte_of(at);
    };
    std::uintptr_t first = start;
    std::uintptr_t end = start + size;
    while (is_right(first))
        ++first;
    while (is_right(end - 1))
        --end;
    return {first, end - first, byte_of(first)};
}

bool is_allocated(std::uint64_t word)
{
    const std::uint64_t pattern = allocated_byte * 0x0101010101010101U;
    return pattern != 0 && word - pattern < std::uint64_t{1} << kNumberShift;
}

std::uintptr_t block_of(std::uint64_t word)
{
    word -= kLowest;
    if (freed_byte != 0 || word >> kMarkShift != kMark) return 0;
    const std::uint64_t number = word >> kNumberShift & ((std::uint64_t{1} << kNumberBits) - 1);
    return number << kUnitShift;
}

} // namespace tarn::poison
