// SPDX-License-Identifier: MIT
//
// The file of state=PATTERN as it lies in memory and on the disk; README.md describes it for
// others.
//
//      header | totals | directory | chunks and further directories, in any order
//
// Chunks hold the tracer's tables as they are, so that counting costs nothing more. What one part
// says of another is an offset in the file.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/os/memory.h"

namespace tarn {

/// As a number, which another order of bytes would make another one: "tarnstat".
inline constexpr std::uint64_t kStateMagic = 0x746174736E726174;
/// Counts up when anything below changes, also in a table that a chunk holds.
inline constexpr std::uint32_t kStateVersion = 3;

/// Whatever is not sized below takes whole pages of this size.
inline constexpr std::size_t kStatePage = os::kPageSize;

/// What a chunk holds. The first chunk of a kind has its first elements, and so on.
enum class StateChunk : std::uint32_t {
    none,
    directory,
    nodes,
    sites,
    modules,
    tags,
    frames, // one at most
    course  // likewise, a TimelineTable
};

/// Text that is cut off where there is no more room.
struct StateText {
    std::uint32_t size;
    std::array<char, 1020> text;

    void set(std::string_view from)
    {
        size = 0;
        for (const char c : from)
            if (size < text.size()) text[size++] = c;
    }
};

/// Sizes of the tables' elements, in bytes, and how many a chunk has: files of another version of
/// this library are not read.
struct StateSizes {
    std::uint32_t node;
    std::uint32_t nodes_in_chunk;
    std::uint32_t site;
    std::uint32_t detail;
    std::uint32_t sites_in_chunk;
    std::uint32_t totals;
    std::uint32_t tag;
    std::uint32_t tags_in_chunk;
    std::uint32_t frames;
    std::uint32_t timeline;

    friend bool operator==(const StateSizes&, const StateSizes&) = default;
};

/// A moment on the processor's clock and on the system's.
struct StateMoment {
    std::atomic<std::uint64_t> ticks;
    std::atomic<std::uint64_t> nanoseconds;
};

struct StateHeader {
    std::atomic<std::uint64_t> magic; // written last
    std::uint32_t version;
    StateSizes sizes;
    std::uint64_t process;         // its number
    std::uint64_t process_started; // see os::start_of_process()
    std::uint64_t parent;          // it was forked from, with whose tables it began; 0: none
    std::uint64_t started_at;      // milliseconds of os::clock_milliseconds()
    std::uint64_t wall_clock;      // then, seconds since 1970
    std::uint64_t sample_period;   // bytes, of which one is in the sample; 0: all are counted
    StateMoment first;             // when tracing began
    StateMoment latest;            // when the last site was new, or the last point of the timeline
    std::atomic<std::uint64_t> nodes;
    std::atomic<std::uint64_t> sites;
    std::atomic<std::uint64_t> tags;
    std::atomic<std::uint64_t> used;       // bytes of the file
    std::atomic<std::uint64_t> used_apart; // bytes of tables that are not in it
    std::atomic<std::uint64_t> is_full;    // not 0: it could not grow, what is new is not in it
    StateText executable;                  // path
    StateText arguments;                   // separated by blanks
    StateText options;                     // that are not as by default
};
static_assert(sizeof(StateHeader) <= kStatePage);

/// Written before its kind is.
struct StateEntry {
    std::atomic<StateChunk> kind; // none: neither this one nor any further is in use
    std::uint32_t pages;
    std::uint64_t offset;
};

struct StateDirectory {
    std::atomic<std::uint64_t> next; // offset of the next one, further behind in the file; 0: none
    std::uint64_t unused;
    std::array<StateEntry, (kStatePage - 16) / sizeof(StateEntry)> entries;
};
static_assert(sizeof(StateDirectory) == kStatePage);

/// Where these are in the file; the totals are a LiveTotals.
inline constexpr std::size_t kStateTotals = kStatePage;
inline constexpr std::size_t kStateFirstDirectory = 2 * kStatePage;
inline constexpr std::size_t kStateFirstChunk = 3 * kStatePage;

/// A record of a chunk of modules; the name follows it, and then, from the next multiple of eight
/// bytes on, the next record. One without a size ends a chunk.
struct StateModule {
    std::atomic<std::uint32_t> size; // of all of it; written last
    std::uint32_t number;            // in ModuleTable
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t bias;
    std::uint32_t id_size;
    std::uint32_t name_size;
    std::array<std::byte, 24> id; // build id
};
static_assert(sizeof(StateModule) == 64);

} // namespace tarn
