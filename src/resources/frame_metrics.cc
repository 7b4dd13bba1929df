// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <locale>
#include <numeric>
#include <ostream>
#include <sstream>

#include <tarn/frame_metrics.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

std::array<detail::Field, 7> fields_of(const FrameSummary& frame)
{
    return {{{"number", frame.number},
             {"duration_ns", static_cast<std::uint64_t>(frame.duration.count())},
             {"allocations", frame.allocations},
             {"bytes", frame.bytes},
             {"reserved", frame.reserved},
             {"promoted", frame.promoted},
             {"failed", frame.failed}}};
}

} // namespace

FrameMetrics::FrameMetrics(std::size_t window) : window_(std::max<std::size_t>(window, 1))
{
    frames_.reserve(window_);
}

void FrameMetrics::record(const FrameSummary& frame)
{
    if (frames_.size() < window_)
        frames_.push_back(frame);
    else
        frames_[next_] = frame;
    next_ = (next_ + 1) % window_;
}

FrameReport FrameMetrics::report() const
{
    FrameReport report;
    report.frames = frames_.size();
    if (frames_.empty()) return report;
    std::vector<std::chrono::nanoseconds> durations;
    std::uint64_t allocations = 0;
    double bytes = 0;
    double reserved = 0;
    for (const FrameSummary& frame : frames_) {
        durations.push_back(frame.duration);
        allocations += frame.allocations;
        bytes += static_cast<double>(frame.bytes);
        reserved += static_cast<double>(frame.reserved);
        report.peak_bytes = std::max(report.peak_bytes, frame.bytes);
    }
    std::sort(durations.begin(), durations.end());
    const auto sum =
        std::accumulate(durations.begin(), durations.end(), std::chrono::nanoseconds{});
    report.average = sum / frames_.size();
    report.median = durations[durations.size() / 2];
    report.p99 = durations[durations.size() * 99 / 100];
    report.longest = durations.back();
    report.allocations = static_cast<double>(allocations) / static_cast<double>(frames_.size());
    report.efficiency = reserved > 0 ? bytes / reserved : 0;
    return report;
}

std::ostream& operator<<(std::ostream& out, const FrameReport& report)
{
    return out << "frames " << report.frames << ", average " << report.average.count()
               << " ns, median " << report.median.count() << " ns, p99 " << report.p99.count()
               << " ns, longest " << report.longest.count() << " ns, allocations "
               << report.allocations << ", peak_bytes " << report.peak_bytes << ", efficiency "
               << report.efficiency;
}

std::string to_json(const FrameReport& report)
{
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << R"({"frames":)" << report.frames << R"(,"average_ns":)" << report.average.count()
        << R"(,"median_ns":)" << report.median.count() << R"(,"p99_ns":)" << report.p99.count()
        << R"(,"longest_ns":)" << report.longest.count() << R"(,"allocations":)"
        << report.allocations << R"(,"peak_bytes":)" << report.peak_bytes << R"(,"efficiency":)"
        << report.efficiency << "}";
    return out.str();
}

std::ostream& operator<<(std::ostream& out, const FrameSummary& frame)
{
    detail::write(out, fields_of(frame));
    return out;
}

std::string to_json(const FrameSummary& frame)
{
    return detail::json_object(fields_of(frame));
}

} // namespace tarn
