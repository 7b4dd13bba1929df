// SPDX-License-Identifier: MIT
//
// The file of events=FILE, as tracer/README.md describes it: what the library writes and the tarn
// command reads.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tarn::events {

inline constexpr std::array<char, 8> kMagic{'t', 'a', 'r', 'n', 'e', 'v', 't', '\n'};
/// Counts up when what stands in a file changes its meaning.
inline constexpr std::uint32_t kVersion = 1;

struct FileHeader {
    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t size; // of this header, bytes
    std::uint64_t process;
    std::uint64_t started; // seconds since 1970
    std::array<char, 64> executable;
};
static_assert(sizeof(FileHeader) == 96);

inline constexpr std::uint32_t kBatchMagic = 0x54414256; // "VBAT"

/// Events of one thread, in order. Of two with the same thread and number the longer one counts:
/// the other one is its beginning.
struct BatchHeader {
    std::uint32_t magic;
    std::uint32_t size;   // of the events behind it, bytes
    std::uint32_t thread; // counted from 1; 0: no events but a Mark
    std::uint32_t number; // of the thread's batches, counted from 0
    std::uint64_t ticks;  // when the first event is counted from
    double nanoseconds_per_tick;
};
static_assert(sizeof(BatchHeader) == 32);

inline constexpr std::uint32_t kMostBatchBytes = 1U << 16U;

/// Behind all that has been recorded until then.
struct Mark {
    enum class Reason : std::uint32_t { goes_on, end, is_full, cannot_write };
    Reason reason;
    std::uint32_t threads;
    std::uint64_t events;
    std::uint64_t unrecorded; // for want of memory
};
static_assert(sizeof(Mark) == 24);

/// What an event begins with: ticks since the one before << 2 | this, as a varint.
enum class Kind : std::uint8_t {
    allocated, // size << 1 | whether an alignment follows; block; stack; logarithm of the alignment
    freed,     // block
    resized,   // of the two before, one of each kind, that they were one realloc()
};
inline constexpr unsigned kKindBits = 2;

/// Blocks begin at multiples of that, and are written in it.
inline constexpr unsigned kBlockShift = 4;

/// Varints of four numbers and a byte.
inline constexpr std::size_t kMostEventBytes = 4 * 10 + 1;

/// Small for numbers near zero.
constexpr std::uint64_t zigzag(std::uint64_t difference)
{
    return difference << 1U ^ (0 - (difference >> 63U));
}
constexpr std::uint64_t unzigzag(std::uint64_t value)
{
    return value >> 1U ^ (0 - (value & 1U));
}

/// Seven bits a byte, the lowest first. Returns what is behind it.
inline std::byte* put_varint(std::byte* to, std::uint64_t value)
{
    for (; value >= 0x80; value >>= 7U)
        *to++ = static_cast<std::byte>(value | 0x80);
    *to++ = static_cast<std::byte>(value);
    return to;
}

/// Takes it from the front. Errors: false, it is cut off or too long.
inline bool take_varint(std::span<const std::byte>& from, std::uint64_t& value)
{
    value = 0;
    for (std::size_t i = 0; i < from.size() && i < 10; ++i) {
        const auto byte = static_cast<std::uint64_t>(from[i]);
        value |= (byte & 0x7F) << (7 * i);
        if ((byte & 0x80) != 0) continue;
        from = from.subspan(i + 1);
        return true;
    }
    return false;
}

} // namespace tarn::events
