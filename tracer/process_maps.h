// SPDX-License-Identifier: MIT
//
// What is mapped into this process, and which pages of it have memory behind them: /proc/self/maps
// and /proc/self/pagemap, read without allocating.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/heap_view.h"
#include "src/base/print.h"
#include "tracer/pagemap.h"

namespace tarn {

struct Mapping {
    MemoryRange range{};
    bool readable = false;
    bool writable = false;
    bool executable = false;
    bool shared = false;
    std::string_view name; // path or [stack] or empty; valid until the next one is read
};

/// Reads one mapping after the other, in order of address.
class MapsReader {
public:
    explicit MapsReader(const char* path = "/proc/thread-self/maps");
    MapsReader(const MapsReader&) = delete;
    MapsReader& operator=(const MapsReader&) = delete;
    ~MapsReader();

    /// False: there are no more, or they cannot be read.
    bool next(Mapping& mapping);

protected:
    bool next_line(std::string_view& line);

private:
    int descriptor_ = -1;
    std::size_t begin_ = 0; // of what is in buffer_ and not read yet
    std::size_t end_ = 0;
    std::array<char, 8192> buffer_;
};

/// Reads the mappings with how much memory each of them has.
class ResidentReader : private MapsReader {
public:
    ResidentReader() : MapsReader("/proc/thread-self/smaps") {}

    /// `resident` in bytes. Of the name no more than the beginning is told.
    bool next(Mapping& mapping, std::size_t& resident);

private:
    FixedText<32> name_;
};

/// Tells which pages of a range have been touched. Reading the others would give them page tables,
/// and a Java heap has gigabytes of them.
class PresentPages {
public:
    /// The first run of pages with contents in `range`, clipped to it; empty if there is none.
    /// Where the system does not say: all of it. `is_sure`: they can be read; else they are in
    /// swap, or guard pages that look as if they were (MADV_GUARD_INSTALL).
    MemoryRange first_run(MemoryRange range, bool& is_sure);

private:
    enum class Contents : std::uint8_t { none, unsure, sure };

    Contents contents(std::uintptr_t page);

    Pagemap pagemap_;
};

} // namespace tarn
