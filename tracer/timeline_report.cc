// SPDX-License-Identifier: MIT

#include "tracer/timeline_report.h"

#include <algorithm>
#include <cstring>

#include "src/base/text.h"
#include "src/os/file.h"
#include "tracer/report_text.h"
#include "tracer/site_figures.h"
#include "tracer/sites.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

/// Of less there is nothing to be seen.
constexpr std::size_t kFewPoints = 8;

/// What changes by less than that share of the most that was in use has not changed.
constexpr double kLittle = 0.1;

constexpr std::size_t kRows = 6;
constexpr int kLabel = 10; // width

} // namespace

TimelineFigures::TimelineFigures(std::span<const TimelinePoint> points, double nanoseconds)
    : start_(points.front().ticks), seconds_per_tick_(nanoseconds / 1e9),
      seconds_(std::max(seconds_at(points.back()), 1e-9))
{
    for (const TimelinePoint& point : points)
        most_ = std::max(most_, point.live_bytes());
    for (std::size_t i = 0; i < points.size(); ++i)
        add_step(seconds_at(points[i]),
                 i + 1 < points.size() ? seconds_at(points[i + 1]) : seconds_,
                 points[i].live_bytes());
    for (std::size_t i = 0; i < kEighths; ++i)
        eighths_[i] = static_cast<std::uint64_t>(sums_[i] / (seconds_ / kEighths));
    const std::uint64_t before = eighths_[kEighths - 2];
    if (points.back().live_bytes() < before / 2 && eighths_.back() < before) --last_;
    allocated_ = rate_of(&TimelinePoint::bytes, points);
    freed_ = rate_of(&TimelinePoint::freed_bytes, points);
    read_ = rate_of(&TimelinePoint::read_bytes, points);
    written_ = rate_of(&TimelinePoint::written_bytes, points);
}

double TimelineFigures::seconds_at(const TimelinePoint& point) const
{
    return static_cast<double>(point.ticks - start_) * seconds_per_tick_;
}

void TimelineFigures::add_step(double from, double to, std::uint64_t live)
{
    const auto part_of = [&](double time, std::size_t parts) {
        const double part = time / seconds_ * static_cast<double>(parts);
        return std::min(static_cast<std::size_t>(part), parts - 1);
    };
    for (std::size_t column = part_of(from, kColumns); column <= part_of(to, kColumns); ++column)
        levels_[column] = std::max(levels_[column], live);
    const double eighth = seconds_ / kEighths;
    for (std::size_t i = part_of(from, kEighths); i <= part_of(to, kEighths); ++i) {
        const double begin = std::max(from, eighth * static_cast<double>(i));
        const double end = std::min(to, eighth * static_cast<double>(i + 1));
        sums_[i] += static_cast<double>(live) * std::max(end - begin, 0.0);
    }
}

TimelineFigures::Rate TimelineFigures::rate_of(std::uint64_t TimelinePoint::*bytes,
                                               std::span<const TimelinePoint> points) const
{
    constexpr double kParts = 256;
    Rate rate{};
    rate.mean = static_cast<double>(points.back().*bytes - points.front().*bytes) / seconds_;
    // Between points that lie close together a few blocks would seem to be very many.
    const TimelinePoint* last = &points.front();
    for (const TimelinePoint& point : points) {
        const double from = seconds_at(*last);
        const double during = seconds_at(point) - from;
        if (during < seconds_ / kParts) continue;
        const double own = static_cast<double>(point.*bytes - last->*bytes) / during;
        if (own > rate.highest)
            rate = {.mean = rate.mean, .highest = own, .at = from, .during = during};
        last = &point;
    }
    return rate;
}

TimelineFigures::Course TimelineFigures::course() const
{
    const double little = static_cast<double>(most_) * kLittle;
    double rise = 0;
    double fall = 0;
    auto smallest = static_cast<double>(most_); // change from one eighth to the next
    auto lowest = static_cast<double>(eighths_[kMiddleEighth]);
    double highest = lowest;
    for (std::size_t i = kMiddleEighth + 1; i <= last_; ++i) {
        const double change =
            static_cast<double>(eighths_[i]) - static_cast<double>(eighths_[i - 1]);
        (change > 0 ? rise : fall) += std::max(change, -change);
        smallest = std::min(smallest, change);
        lowest = std::min(lowest, static_cast<double>(eighths_[i]));
        highest = std::max(highest, static_cast<double>(eighths_[i]));
    }
    if (highest - lowest <= little) return Course::stayed;
    // All at once is no steady growth.
    if (smallest > rise / 20) return Course::grew;
    return rise < fall / 10 ? Course::fell : Course::varied;
}

double TimelineFigures::slope() const
{
    const double change =
        static_cast<double>(eighths_[last_]) - static_cast<double>(eighths_[kMiddleEighth]);
    return change / (seconds_ / kEighths * static_cast<double>(last_ - kMiddleEighth));
}

namespace {

HumanBytes bytes_of(double bytes)
{
    constexpr double kMost = 1e18; // of a damaged state file it may be any number
    return {static_cast<std::uint64_t>(std::min(bytes, kMost))};
}

/// "2.0 MiB/s on average, at most 12 MiB/s, for 10 ms from 2 s on".
void print_rate(Printer& out, const TimelineFigures::Rate& rate)
{
    out << bytes_of(rate.mean) << "/s on average";
    if (rate.highest > 0) {
        out << ", at most " << bytes_of(rate.highest) << "/s, for ";
        print_time(out, rate.during * 1e9);
        out << " from ";
        if (rate.at > 0)
            print_time(out, rate.at * 1e9);
        else
            out << "the start";
        out << " on";
    }
    out << "\n";
}

class TimelinePrinter {
public:
    TimelinePrinter(Printer& out, const TimelineFigures& figures) : out_(out), figures_(figures) {}

    void print()
    {
        out_ << Margin{} << "\n" << Margin{} << "In use over time, from the start to ";
        print_time(out_, figures_.seconds() * 1e9);
        out_ << " after it:\n";
        for (std::size_t row = kRows; row > 0; --row)
            print_row(row);
        print_axis();
        print_rate(out_ << Margin{} << "  allocated: ", figures_.allocated());
        print_rate(out_ << Margin{} << "  freed: ", figures_.freed());
        // Of a few samples it would be chance.
        constexpr std::size_t kManySamples = 32;
        if (figures_.most() >= kManySamples * sample_period_of_traces()) print_course();
    }

private:
    void print_row(std::size_t row)
    {
        FixedText<24> label;
        if (row == kRows || row == kRows / 2) label << HumanBytes{figures_.most() * row / kRows};
        std::array<char, TimelineFigures::kColumns> line{};
        for (std::size_t column = 0; column < line.size(); ++column) {
            // Up to the middle of what the row stands for.
            const std::uint64_t height = 2 * kRows * figures_.level(column);
            const bool is_reached = height >= (2 * row - 1) * figures_.most();
            const bool is_some = row == 1 && height != 0;
            line[column] = is_reached ? '#' : is_some ? '.' : ' ';
        }
        std::string_view text(line.data(), line.size());
        while (!text.empty() && text.back() == ' ')
            text.remove_suffix(1);
        out_ << Margin{} << Column{label.view(), kLabel} << " |" << text << "\n";
    }

    void print_axis()
    {
        constexpr int kHalf = TimelineFigures::kColumns / 2;
        out_ << Margin{} << Column{"0 B", kLabel} << " +";
        for (std::size_t column = 0; column < TimelineFigures::kColumns; ++column)
            out_ << "-";
        const auto middle =
            text_of([&](Printer& out) { print_time(out, figures_.seconds() * 1e9 / 2); });
        const auto end = text_of([&](Printer& out) { print_time(out, figures_.seconds() * 1e9); });
        const int half = static_cast<int>(middle.view().size()) / 2;
        out_ << "\n"
             << Margin{} << Column{"", kLabel + 2} << Column{"0 s", -kHalf + half}
             << Column{middle.view(), -2 * half} << Column{end.view(), kHalf - half} << "\n";
    }

    void print_course()
    {
        using Course = TimelineFigures::Course;
        const Course course = figures_.course();
        const std::uint64_t before = figures_.eighth(kMiddleEighth);
        const std::uint64_t last = figures_.eighth(figures_.last());
        const bool is_whole = figures_.last() == TimelineFigures::kEighths - 1;
        const std::string_view end = is_whole ? "to the end" : "until it was freed at the end";
        out_ << Margin{} << "  ";
        if (course == Course::grew)
            out_ << "it grew steadily " << end << ": from " << HumanBytes{before} << " to "
                 << HumanBytes{last} << " in the second half, by " << bytes_of(figures_.slope())
                 << "/s\n";
        else if (course == Course::fell)
            out_ << "it fell in the second half, from " << HumanBytes{before} << " to "
                 << HumanBytes{last} << "\n";
        else if (course == Course::stayed)
            out_ << "it did not grow in the second half: about " << HumanBytes{last} << " " << end
                 << "\n";
        else
            print_range();
    }

    void print_range()
    {
        std::uint64_t least = figures_.most();
        std::uint64_t most = 0;
        for (std::size_t column = TimelineFigures::kColumns / 2; column < TimelineFigures::kColumns;
             ++column) {
            least = std::min(least, figures_.level(column));
            most = std::max(most, figures_.level(column));
        }
        out_ << "it was between " << HumanBytes{least} << " and " << HumanBytes{most}
             << " in the second half\n";
    }

    Printer& out_;
    const TimelineFigures& figures_;
};

constinit os::Output file;

void write_seconds(Printer& out, double seconds)
{
    constexpr std::uint64_t kDigits = 1'000'000;
    const auto microseconds = static_cast<std::uint64_t>(seconds * kDigits);
    std::array<char, 24> room;
    // One digit more, which is then left out, so that there are six.
    const std::string_view digits =
        detail::format_number(room, kDigits + microseconds % kDigits, 10);
    out << microseconds / kDigits << "." << slice(digits, 1);
}

} // namespace

void print_timeline(Printer& out, std::span<const TimelinePoint> points, double nanoseconds)
{
    if (points.size() < kFewPoints) return;
    const TimelineFigures figures(points, nanoseconds);
    if (figures.most() != 0) TimelinePrinter(out, figures).print();
}

void print_bandwidth(Printer& out, std::span<const TimelinePoint> points, double nanoseconds)
{
    if (points.empty()) return;
    const TimelinePoint& all = points.back();
    if (all.read_bytes == 0 && all.written_bytes == 0) return;
    const TimelineFigures figures(points, nanoseconds);
    out << Margin{} << "\n"
        << Margin{}
        << "Bytes moved, as the program itself tells by tarn_bandwidth(); not measured:\n";
    print_rate(out << Margin{} << "  read: " << HumanBytes{all.read_bytes} << ", ", figures.read());
    print_rate(out << Margin{} << "  written: " << HumanBytes{all.written_bytes} << ", ",
               figures.written());
}

void write_timeline(const char* path, std::span<const TimelinePoint> points, double nanoseconds,
                    TextSink sink)
{
    const double seconds_per_tick = nanoseconds / 1e9;
    if (!file.open(path, os::Output::Mode::replace)) return;
    {
        Printer out([](std::string_view text) { file.write(text); });
        out << "seconds,live_bytes,live_blocks,allocated_bytes,allocated_blocks,freed_bytes,"
               "freed_blocks,told_read_bytes,told_written_bytes\n";
        for (const TimelinePoint& point : points) {
            write_seconds(out,
                          static_cast<double>(point.ticks - points[0].ticks) * seconds_per_tick);
            out << "," << point.live_bytes() << "," << point.live_blocks() << "," << point.bytes
                << "," << point.blocks << "," << point.freed_bytes << "," << point.freed_blocks
                << "," << point.read_bytes << "," << point.written_bytes << "\n";
        }
    }
    if (const int problem = file.close())
        Printer(sink) << "tarn: cannot write '" << path << "': " << ::strerrordesc_np(problem)
                      << "\n";
}

} // namespace tarn
