// SPDX-License-Identifier: MIT
//
// A state file, see ../state_format.h, as the tables of this program: what reports on the tables of
// its own process then reports on those.

#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "tracer/frames.h"
#include "tracer/modules.h"
#include "tracer/state_format.h"
#include "tracer/timeline.h"

namespace tarn {

/// Contents of a file, at an address that its parts may have.
class FilePages {
public:
    /// Copies `size` bytes to `offset`, behind what there is or into it.
    void put(std::size_t offset, const void* bytes, std::size_t size);
    void cut(std::size_t size);

    std::byte* at(std::size_t offset) { return pages_[offset / kStatePage].bytes.data(); }
    std::size_t size() const { return size_; }

private:
    struct alignas(kStatePage) Page {
        std::array<std::byte, kStatePage> bytes;
    };
    std::vector<Page> pages_;
    std::size_t size_ = 0;
};

/// Reads a file, whose process may be writing to it. Throws std::runtime_error.
FilePages read_pages(const std::string& path);

/// One at a time is in use.
class StateImage {
public:
    /// Checks all that is going to be used, and takes it for the tables of this program, in which
    /// it stays as long as this object. Throws std::runtime_error: it is no state file, or a
    /// damaged one; the tables are then not to be used.
    explicit StateImage(FilePages pages);
    StateImage(const StateImage&) = delete;
    StateImage& operator=(const StateImage&) = delete;

    const StateHeader& header() { return *reinterpret_cast<const StateHeader*>(pages_.at(0)); }
    /// Stacks that are not in the file, because it could not grow.
    std::size_t missing() const { return missing_; }
    double nanoseconds_per_tick(); // of the process's clock
    /// Whether it is the state of a process that there still is.
    bool is_running();

private:
    void check_header();
    void list_chunks();
    void list_chunk(const StateEntry& entry, StateChunk kind);
    void list_modules(std::byte* chunk, std::size_t size);
    void adopt_modules();
    void adopt_stacks();
    void adopt_marks();

    FilePages pages_;
    std::vector<void*> nodes_;
    std::vector<void*> sites_;
    std::vector<void*> tags_;
    FrameTotals* frames_ = nullptr;
    TimelineTable* timeline_ = nullptr;
    std::vector<Module> modules_;
    std::deque<std::string> names_; // of modules, which point to them
    std::size_t missing_ = 0;
};

} // namespace tarn
