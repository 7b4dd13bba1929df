// SPDX-License-Identifier: MIT
//
// What the last frames were like.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include <tarn/api.h>

namespace tarn {

/// What one frame did.
struct FrameSummary {
    std::uint64_t number = 0; // counted from 1
    std::chrono::nanoseconds duration{0};
    std::uint64_t allocations = 0;
    std::size_t bytes = 0;      // in use at its end
    std::size_t reserved = 0;   // of upstream, at its end
    std::uint64_t promoted = 0; // objects moved out of it
    std::uint64_t failed = 0;   // objects that could not be: no memory, or their move threw
};

/// As those of ResourceStatistics.
TARN_API std::ostream& operator<<(std::ostream& out, const FrameSummary& frame);
TARN_API std::string to_json(const FrameSummary& frame);

/// Of the frames in a window. All zero if there are none.
struct FrameReport {
    std::size_t frames = 0;
    std::chrono::nanoseconds average{0};
    std::chrono::nanoseconds median{0};
    std::chrono::nanoseconds p99{0};
    std::chrono::nanoseconds longest{0};
    double allocations = 0; // average
    std::size_t peak_bytes = 0;
    double efficiency = 0; // bytes in use at the ends, of those reserved: 0 to 1
};

/// As those of ResourceStatistics.
TARN_API std::ostream& operator<<(std::ostream& out, const FrameReport& report);
TARN_API std::string to_json(const FrameReport& report);

/// The last frames, as many as the window is wide. Thread safety: one thread at a time.
class TARN_API FrameMetrics {
public:
    /// `window` is a number of frames, at least 1.
    explicit FrameMetrics(std::size_t window = 120);

    void record(const FrameSummary& frame);

    /// Cost: sorts the window.
    FrameReport report() const;

private:
    std::vector<FrameSummary> frames_; // a ring
    std::size_t window_;
    std::size_t next_ = 0;
};

} // namespace tarn
