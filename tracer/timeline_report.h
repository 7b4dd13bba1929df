// SPDX-License-Identifier: MIT
//
// What a trace says of how the program's memory has changed over time.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/print.h"
#include "tracer/timeline.h"

namespace tarn {

/// What the points say. From one point to the next as much is in use as at the first of them.
class TimelineFigures {
public:
    static constexpr std::size_t kColumns = 64;
    static constexpr std::size_t kEighths = 8;

    /// Of `points`, of which there are two or more. `nanoseconds`: of a tick.
    TimelineFigures(std::span<const TimelinePoint> points, double nanoseconds);

    double seconds() const { return seconds_; }
    std::uint64_t most() const { return most_; } // bytes in use, at any of the points
    /// The most that was in use in each 64th of the time.
    std::uint64_t level(std::size_t column) const { return levels_[column]; }

    /// How what is in use went on after half of the time.
    enum class Course : std::uint8_t { grew, fell, stayed, varied };
    Course course() const;
    /// Bytes in use on average in an eighth of the time.
    std::uint64_t eighth(std::size_t number) const { return eighths_[number]; }
    /// The last eighth that counts: not the very last one, if the program has freed there what it
    /// had.
    std::size_t last() const { return last_; }
    /// Bytes in a second, by which that changed from the eighth before half of the time on.
    double slope() const;

    /// Bytes in a second.
    struct Rate {
        double mean;
        double highest; // over a 256th of the time, or somewhat more
        double at;      // seconds after the start
        double during;  // seconds
    };
    const Rate& allocated() const { return allocated_; }
    const Rate& freed() const { return freed_; }
    /// As the program tells.
    const Rate& read() const { return read_; }
    const Rate& written() const { return written_; }

private:
    void add_step(double from, double to, std::uint64_t live);
    Rate rate_of(std::uint64_t TimelinePoint::*bytes, std::span<const TimelinePoint> points) const;
    double seconds_at(const TimelinePoint& point) const;

    std::uint64_t start_;
    double seconds_per_tick_;
    double seconds_;
    std::uint64_t most_ = 0;
    std::size_t last_ = kEighths - 1;
    std::array<std::uint64_t, kColumns> levels_{};
    std::array<std::uint64_t, kEighths> eighths_{};
    std::array<double, kEighths> sums_{}; // bytes in use, times seconds
    Rate allocated_{};
    Rate freed_{};
    Rate read_{};
    Rate written_{};
};

/// The eighth before half of the time.
inline constexpr std::size_t kMiddleEighth = 3;

/// Prints a chart and what is to be seen there; nothing, if there are but a few points.
/// `nanoseconds`: of a tick.
void print_timeline(Printer& out, std::span<const TimelinePoint> points, double nanoseconds);

/// Prints what the program has told of bytes moved; nothing, if it has told nothing. Likewise.
void print_bandwidth(Printer& out, std::span<const TimelinePoint> points, double nanoseconds);

/// Writes the points as CSV; what goes wrong is told to `sink`. Likewise.
void write_timeline(const char* path, std::span<const TimelinePoint> points, double nanoseconds,
                    TextSink sink);

} // namespace tarn
