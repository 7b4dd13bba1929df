// SPDX-License-Identifier: MIT
//
// Size classes: which block size serves a request of n bytes.
//
// A slab holds blocks of one size only, so a request is rounded up to one of 113 sizes. Too few
// sizes waste memory inside blocks; too many leave slabs half empty (with 16-byte steps up to 1 KiB
// instead of 256 bytes a program of many sizes took 50 % more memory).
//
//      16 (for malloc(0)), 16  32  48  64 ... 256      every 16 bytes, then
//     288 320 352 384 416 448 480 512                  eight per doubling ...
//     576 640                  ...         1048576     ... up to kMaxPooledSize
//
// Everything here is a pure function of constants: no state, no locks, no system calls.
// To change the spacing, edit the constants below; the static_asserts at the end of this file and
// tests/unit/heap/size_class_test.cc say what must stay true.

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/base/assert.h"
#include "src/base/units.h"

namespace tarn {

/// Names one block size. A type of its own, so that it cannot be mixed up with a byte count; one
/// byte wide, so that it fits the low byte of a descriptor.
enum class SizeClass : std::uint8_t {};

/// Alignment of every block, in bytes.
/// Source: alignof(std::max_align_t), 16 in the x86-64 and AArch64 psABI.
inline constexpr std::size_t kMinAlignment = 16;

/// Up to here classes are kMinAlignment apart, and the class is one shift away from the size.
inline constexpr std::size_t kMaxLinearSize = 256;

/// Largest request that the pools serve. Larger ones go to the fallback.
inline constexpr std::size_t kMaxPooledSize = MiB(1);

namespace detail {

inline constexpr std::size_t kStepsPerDoubling = 8;
inline constexpr int kStepBits = std::countr_zero(kStepsPerDoubling);
inline constexpr int kFirstDoubling = std::countr_zero(kMaxLinearSize);
inline constexpr std::size_t kLinearClasses = kMaxLinearSize / kMinAlignment + 1;

} // namespace detail

inline constexpr std::size_t kSizeClassCount =
    detail::kLinearClasses +
    detail::kStepsPerDoubling *
        static_cast<std::size_t>(std::countr_zero(kMaxPooledSize) - detail::kFirstDoubling);

/// Position of `size_class` in per-class arrays, 0 .. kSizeClassCount - 1.
constexpr std::size_t index_of(SizeClass size_class)
{
    return static_cast<std::size_t>(size_class);
}

/// Bytes in each block of `size_class`; this is also what malloc_usable_size() reports.
constexpr std::size_t block_size(SizeClass size_class)
{
    const std::size_t index = index_of(size_class);
    if (index == 0) return kMinAlignment;
    if (index < detail::kLinearClasses) return index * kMinAlignment;
    const std::size_t steps = index - detail::kLinearClasses;
    const std::size_t doubling = kMaxLinearSize << (steps / detail::kStepsPerDoubling);
    return doubling +
           doubling / detail::kStepsPerDoubling * (steps % detail::kStepsPerDoubling + 1);
}

/// The class for at most kMaxLinearSize bytes: the part of size_class_for() that malloc inlines.
/// Class 0 is malloc(0)'s own, so that zero needs no branch and still gets a unique block.
constexpr std::size_t linear_class_index(std::size_t request)
{
    return (request + kMinAlignment - 1) / kMinAlignment;
}

/// The class for more than kMaxLinearSize and at most kMaxPooledSize bytes.
constexpr std::size_t stepped_class_index(std::size_t request)
{
    // By the offset of the last byte, so that an exact fit stays in its own class. The top bit
    // says which doubling it falls in, the three bits below it which of the eight steps.
    const std::size_t last = request - 1;
    const int top_bit = 63 - std::countl_zero(last);
    const std::size_t step = last >> (top_bit - detail::kStepBits); // 8 .. 15
    const auto doubling = static_cast<std::size_t>(top_bit - detail::kFirstDoubling);
    return detail::kLinearClasses + doubling * detail::kStepsPerDoubling + step -
           detail::kStepsPerDoubling;
}

/// Up to here a table of one byte per 32 is quicker than the arithmetic; it takes one cache line.
inline constexpr std::size_t kMaxTabledSize = KiB(2);

namespace detail {

inline constexpr std::size_t kTableStep = kMaxLinearSize / kStepsPerDoubling;
inline constexpr auto kClassTable = [] {
    std::array<std::uint8_t, kMaxTabledSize / kTableStep> table{};
    for (std::size_t i = kMaxLinearSize / kTableStep; i < table.size(); ++i)
        table[i] = static_cast<std::uint8_t>(stepped_class_index((i + 1) * kTableStep));
    return table;
}();

} // namespace detail

/// As stepped_class_index(), for more than kMaxLinearSize and at most kMaxTabledSize bytes.
constexpr std::size_t tabled_class_index(std::size_t request)
{
    return detail::kClassTable[(request - 1) / detail::kTableStep];
}

/// Returns the smallest class whose blocks hold `request` bytes.
/// Requires: request <= kMaxPooledSize.
constexpr SizeClass size_class_for(std::size_t request)
{
    TARN_ASSERT(request <= kMaxPooledSize);
    return static_cast<SizeClass>(request <= kMaxLinearSize ? linear_class_index(request)
                                                            : stepped_class_index(request));
}

// What the rest of the heap relies on. A change that breaks one of these does not compile.

static_assert(kMinAlignment >= alignof(std::max_align_t), "malloc() must suit any scalar type");
static_assert(kSizeClassCount <= 255, "a class is the low byte of a descriptor");
static_assert(block_size(SizeClass{kSizeClassCount - 1}) == kMaxPooledSize,
              "the spacing must end exactly at the limit");

static_assert(
    [] {
        for (std::size_t index = 1; index < kSizeClassCount; ++index) {
            const std::size_t size = block_size(static_cast<SizeClass>(index));
            if (size % kMinAlignment != 0) return false;
            if (index_of(size_class_for(size)) != index) return false;
            if (size < kMaxPooledSize && index_of(size_class_for(size + 1)) != index + 1)
                return false;
        }
        return true;
    }(),
    "classes must be aligned, and size_class_for() must change exactly at their boundaries");

static_assert(
    [] {
        for (std::size_t size = kMaxLinearSize + 1; size <= kMaxTabledSize; ++size)
            if (tabled_class_index(size) != stepped_class_index(size)) return false;
        return true;
    }(),
    "the table must say what the arithmetic says");

static_assert(
    [] {
        for (std::size_t index = 9; index < kSizeClassCount; ++index) {
            const std::size_t size = block_size(static_cast<SizeClass>(index));
            const std::size_t smallest = block_size(static_cast<SizeClass>(index - 1)) + 1;
            if ((size - smallest) * 8 > smallest) return false;
        }
        return true;
    }(),
    "above 128 bytes at most 12.5 % of a request is lost to rounding");

} // namespace tarn
