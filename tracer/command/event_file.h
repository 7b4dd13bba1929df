// SPDX-License-Identifier: MIT
//
// Reads the file of events=FILE.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tracer/event_format.h"

namespace tarn {

/// What stands in a file, before it is taken apart. `data` must outlive it.
struct EventFile {
    struct Batch {
        events::BatchHeader header;
        std::span<const std::byte> events;
    };

    events::FileHeader header{};
    std::map<std::uint32_t, std::vector<Batch>> threads; // in order of number
    std::vector<events::Mark> marks;
    std::uint64_t start_ticks = 0;
    double nanoseconds_per_tick = 0;
    std::size_t damaged_from = 0; // byte; 0: nothing is damaged

    bool ends_with_mark = false; // as the library writes it last

    std::string executable() const;
};

/// Errors: std::runtime_error that names `path`, it is no such file or of another version. What
/// comes after a damage is left out.
EventFile parse_events(std::span<const std::byte> data, const std::string& path);

/// A file in memory. Errors: std::runtime_error that names it.
class MappedFile {
public:
    explicit MappedFile(const std::string& path);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    std::span<const std::byte> data() const { return data_; }

private:
    std::span<const std::byte> data_;
};

} // namespace tarn
