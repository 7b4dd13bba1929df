// SPDX-License-Identifier: MIT
//
// Contents that tell whose block it is and that nobody else wrote into it.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tarn::test {

/// Large blocks are looked at in their first and last this many bytes, and once a page between.
inline constexpr std::size_t kCheckedEnd = 512;
inline constexpr std::size_t kStride = 4096;

/// What stands at `offset` of a block with this tag.
inline unsigned char expected_byte(std::uint64_t tag, std::size_t offset)
{
    return static_cast<unsigned char>((tag + offset) * 0x9E3779B97F4A7C15U >> 56);
}

/// Calls `visit` with each offset of a block of `size` bytes that is written and checked, as far
/// as it is below `limit`. Returns false as soon as `visit` does.
template <class Visit> bool for_checked_offsets(std::size_t size, std::size_t limit, Visit visit)
{
    const std::size_t head = std::min({size, kCheckedEnd, limit});
    for (std::size_t i = 0; i < head; ++i)
        if (!visit(i)) return false;
    for (std::size_t i = kStride; i < std::min(size, limit); i += kStride)
        if (!visit(i)) return false;
    for (std::size_t i = std::max(head, size - std::min(size, kCheckedEnd));
         i < std::min(size, limit); ++i)
        if (!visit(i)) return false;
    return true;
}

inline void fill(void* block, std::size_t size, std::uint64_t tag)
{
    auto* const bytes = static_cast<unsigned char*>(block);
    for_checked_offsets(size, size, [&](std::size_t i) {
        bytes[i] = expected_byte(tag, i);
        return true;
    });
}

/// True if the first `limit` bytes of what fill(block, size, tag) wrote are still there.
inline bool holds(const void* block, std::size_t size, std::uint64_t tag, std::size_t limit)
{
    const auto* const bytes = static_cast<const unsigned char*>(block);
    return for_checked_offsets(size, limit,
                               [&](std::size_t i) { return bytes[i] == expected_byte(tag, i); });
}

inline bool holds(const void* block, std::size_t size, std::uint64_t tag)
{
    return holds(block, size, tag, size);
}

inline bool is_zero(const void* block, std::size_t size)
{
    const auto* const bytes = static_cast<const unsigned char*>(block);
    // Every byte equals its neighbour, and the first one is zero.
    return size == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0);
}

inline bool is_aligned(const void* address, std::size_t alignment)
{
    return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

} // namespace tarn::test
