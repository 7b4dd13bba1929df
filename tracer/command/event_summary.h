// SPDX-License-Identifier: MIT
//
// What `tarn events` prints of a file of events=FILE.

#pragma once

#include <cstdint>
#include <iosfwd>
#include <unordered_map>

#include "tracer/command/event_order.h"

namespace tarn {

/// What a program has in use while its calls go by. Thread safety: one thread.
class LiveBytes {
public:
    void add(const Event& event);

    std::uint64_t blocks() const { return sizes_.size(); }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t most_bytes() const { return most_bytes_; }
    std::uint64_t most_at() const { return most_at_; } // ticks

private:
    void remove(std::uint64_t block);

    std::unordered_map<std::uint64_t, std::uint64_t> sizes_; // by block
    std::uint64_t bytes_ = 0;
    std::uint64_t most_bytes_ = 0;
    std::uint64_t most_at_ = 0;
};

/// Counts, bytes, threads, the peak, and what is missing.
void write_event_summary(const EventFile& file, std::ostream& out);

/// A line for each event: seconds, thread, what.
void write_event_text(const EventFile& file, std::ostream& out);

/// What the file does not have, a line for each.
void write_event_gaps(const EventFile& file, const EventOrder& order, std::ostream& out);

} // namespace tarn
