// SPDX-License-Identifier: MIT

#include "preload/run_limits.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "preload/leaks.h"
#include "preload/report.h"
#include "preload/startup.h"
#include "src/base/quantity.h"
#include "src/base/text.h"
#include "src/os/file.h"
#include "src/os/process.h"
#include "src/os/stack.h"
#include "tracer/sites.h"

namespace tarn {

namespace {

/// In the order in which a baseline has them.
enum class Figure : std::uint8_t { allocations, bytes, peak, in_use };
constexpr std::array<std::string_view, 4> kNames{"allocations", "bytes", "peak", "in_use"};
using Figures = std::array<std::uint64_t, kNames.size()>;

std::uint64_t& at(Figures& figures, Figure figure)
{
    return figures[static_cast<std::size_t>(figure)];
}

Figures figures_of_run()
{
    live_totals.note_last_peak();
    Figures figures{};
    at(figures, Figure::allocations) = live_totals.blocks();
    at(figures, Figure::bytes) = live_totals.bytes();
    at(figures, Figure::peak) = live_totals.peak_bytes();
    at(figures, Figure::in_use) = live_totals.live_bytes();
    return figures;
}

bool is_exceeded(std::uint64_t figure, std::size_t limit)
{
    return limit != 0 && figure > limit;
}

void tell_exceeded(std::string_view option, std::uint64_t figure, std::size_t limit)
{
    if (!is_exceeded(figure, limit)) return;
    Printer(write_report) << "tarn: " << option << ": " << figure << ", " << figure - limit
                          << " more than " << std::uint64_t{limit} << ", in "
                          << os::executable_name() << "\n";
}

/// Lines of a name and a number; others are comments. Errors: nullopt, one is missing.
std::optional<Figures> parse_baseline(std::string_view text)
{
    Figures figures{};
    std::size_t found = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = slice(text, 0, end);
        text = slice(text, end + 1);
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            if (!has_prefix(line, kNames[i]) || slice(line, kNames[i].size(), 1) != " ") continue;
            const auto number = parse_quantity(slice(line, kNames[i].size() + 1), kNoUnit);
            if (!number) return std::nullopt;
            figures[i] = *number;
            found |= std::size_t{1} << i;
        }
    }
    return found + 1 == std::size_t{1} << kNames.size() ? std::optional(figures) : std::nullopt;
}

void write_baseline(const char* path, const Figures& figures)
{
    FixedText<512> text;
    text << "# tarn baseline: one run of " << os::executable_name()
         << ", in blocks and bytes; see tarn-fail(7)\n";
    for (std::size_t i = 0; i < kNames.size(); ++i)
        text << kNames[i] << " " << figures[i] << "\n";
    os::Output output;
    if (!output.open(path, os::Output::Mode::replace)) return;
    output.write(text.view());
    if (const int problem = output.close(); problem != 0)
        return os::complain_of_file(path, problem);
    Printer(write_report) << "tarn: baseline: written to " << path << "\n";
}

/// In tenths of a percent, rounded up: what is shown is never within a margin that is exceeded.
std::uint64_t growth(std::uint64_t before, std::uint64_t now)
{
    constexpr std::uint64_t kWhole = 1000;
    if (before == 0) return kWhole;
    return ((now - before) / before) * kWhole +
           ((now - before) % before * kWhole + before - 1) / before;
}

bool has_grown(std::uint64_t before, std::uint64_t now)
{
    constexpr std::uint64_t kWhole = 100;
    const std::uint64_t margin = startup_options().baseline_margin;
    return now > before + before / kWhole * margin + before % kWhole * margin / kWhole;
}

/// With the baseline, if there is one.
struct Comparison {
    FixedText<1024> path = {};
    bool is_readable = true;
    bool is_new = false;
    bool has_grown = false; // or cannot be compared
    Figures before = {};
};

Comparison compare(const Figures& now)
{
    Comparison found;
    const std::string_view pattern = startup_options().baseline.view();
    if (pattern.empty()) return found;
    found.path = expand_pattern(pattern);
    os::SmallFile<1024> file;
    const std::string_view text = file.read(found.path.c_str());
    found.is_new = text.empty();
    if (found.is_new) return found;
    const std::optional<Figures> before = parse_baseline(text);
    found.is_readable = before.has_value();
    found.has_grown = !found.is_readable;
    if (!found.is_readable) return found;
    found.before = *before;
    for (std::size_t i = 0; i < now.size(); ++i)
        found.has_grown |= has_grown(found.before[i], now[i]);
    return found;
}

void tell_growth(Comparison& comparison, const Figures& now)
{
    const std::string_view path = comparison.path.view();
    Printer out(write_report);
    if (comparison.is_new) return write_baseline(comparison.path.c_str(), now);
    if (!comparison.is_readable) {
        out << "tarn: baseline: " << path << " is no baseline; it is left alone\n";
        return;
    }
    if (!comparison.has_grown) return;
    for (std::size_t i = 0; i < now.size(); ++i) {
        const std::uint64_t before = comparison.before[i];
        if (!has_grown(before, now[i])) continue;
        const std::uint64_t tenths = growth(before, now[i]);
        out << "tarn: baseline: " << kNames[i] << ": " << now[i] << " instead of " << before << ", "
            << tenths / 10 << "." << tenths % 10 << " % more; "
            << std::uint64_t{startup_options().baseline_margin} << " % are allowed (" << path
            << ")\n";
    }
}

constinit int verdict = 0;

void judge()
{
    const Options& options = startup_options();
    Figures figures = figures_of_run();
    const std::uint64_t peak = at(figures, Figure::peak);
    const std::uint64_t allocations = at(figures, Figure::allocations);
    Comparison comparison = compare(figures);
    const bool is_over = is_exceeded(peak, options.limit_peak) ||
                         is_exceeded(allocations, options.limit_allocs) || comparison.has_grown;
    // The verdict comes last, where it is looked for.
    if (is_over && !options.reports_sites()) report_places();
    tell_exceeded("limit_peak", peak, options.limit_peak);
    tell_exceeded("limit_allocs", allocations, options.limit_allocs);
    tell_growth(comparison, figures);
    verdict = is_over ? static_cast<int>(options.exitcode) : 0;
}

} // namespace

int check_limits()
{
    if (!startup_options().compares_totals()) return 0;
    // The thread that ends the process may have next to none.
    if (!os::call_on_own_stack(KiB(64), judge)) judge();
    return verdict;
}

} // namespace tarn
