// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>
#include <ostream>
#include <utility>

#include <tarn/bandwidth_meter.h>
#include <tarn/malloc.h>

namespace tarn {

namespace {

std::uint64_t per_second(std::uint64_t amount, RateMeter::Clock::duration time)
{
    const double seconds = std::chrono::duration<double>(time).count();
    return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(amount) / seconds) : 0;
}

std::ostream& operator<<(std::ostream& out, const Rate& rate)
{
    return out << rate.total << " bytes, " << rate.average << "/s (recent " << rate.recent
               << "/s, most " << rate.most << "/s)";
}

std::string to_json(const Rate& rate)
{
    return R"({"bytes":)" + std::to_string(rate.total) + R"(,"average":)" +
           std::to_string(rate.average) + R"(,"recent":)" + std::to_string(rate.recent) +
           R"(,"most":)" + std::to_string(rate.most) + "}";
}

} // namespace

RateMeter::RateMeter(Clock::duration window, Clock::time_point start)
    : slot_(std::max<Clock::duration>(window / kSlots, Clock::duration(1))), start_(start)
{}

std::uint64_t RateMeter::Window::sum() const noexcept
{
    return std::accumulate(slots.begin(), slots.end(), std::uint64_t{0});
}

void RateMeter::Window::move_to(std::uint64_t slot) noexcept
{
    // Beyond so many the slots are all empty.
    for (std::size_t moved = 0; current < slot && moved < slots.size(); ++moved) {
        ++current;
        slots[current % slots.size()] = 0; // the oldest; what is left are ten whole ones
        if (current >= kSlots) most = std::max(most, sum());
    }
    current = std::max(current, slot);
}

std::uint64_t RateMeter::slot_of(Clock::time_point now) const noexcept
{
    return static_cast<std::uint64_t>(std::max(now - start_, Clock::duration(0)) / slot_);
}

void RateMeter::count(std::uint64_t amount, Clock::time_point now) noexcept
{
    window_.move_to(slot_of(now));
    window_.slots[window_.current % window_.slots.size()] += amount;
    total_ += amount;
}

void RateMeter::add(std::uint64_t amount, Clock::time_point now)
{
    const std::lock_guard lock(mutex_);
    count(amount, now);
}

void RateMeter::follow(std::uint64_t total, Clock::time_point now)
{
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = std::exchange(followed_, total);
    if (std::exchange(follows_, true) && total >= before) count(total - before, now);
}

Rate RateMeter::rate(Clock::time_point now) const
{
    const std::lock_guard lock(mutex_);
    Window window = window_;
    window.move_to(slot_of(now));
    const Clock::duration whole = slot_ * kSlots;
    const Clock::duration elapsed =
        std::max<Clock::duration>(now - start_, slot_ * static_cast<Clock::rep>(window_.current));
    return {.total = total_,
            .average = per_second(total_, elapsed),
            .recent = per_second(window.sum(), std::min(elapsed, whole + elapsed % slot_)),
            .most = per_second(window.most, whole)};
}

BandwidthMeter::BandwidthMeter(const Options& options, Clock::time_point start)
    : read_(options.window, start), written_(options.window, start), marks_(options.marks)
{}

void BandwidthMeter::note(std::size_t bytes_read, std::size_t bytes_written, Clock::time_point now)
{
    if (marks_ && tarn_bandwidth != nullptr) tarn_bandwidth(bytes_read, bytes_written);
    if (bytes_read != 0) read_.add(bytes_read, now);
    if (bytes_written != 0) written_.add(bytes_written, now);
}

BandwidthReport BandwidthMeter::report(Clock::time_point now) const
{
    return {.read = read_.rate(now), .written = written_.rate(now)};
}

std::ostream& operator<<(std::ostream& out, const BandwidthReport& report)
{
    return out << "read " << report.read << ", written " << report.written;
}

std::string to_json(const BandwidthReport& report)
{
    return R"({"read":)" + to_json(report.read) + R"(,"written":)" + to_json(report.written) + "}";
}

} // namespace tarn
