// SPDX-License-Identifier: MIT

#include "tracer/command/state_report.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "src/base/print.h"
#include "src/base/text.h"
#include "tracer/call_names.h"
#include "tracer/command/state_image.h"
#include "tracer/sites.h"
#include "tracer/tags.h"
#include "tracer/trace_report.h"

namespace tarn {

namespace {

constexpr std::size_t kMostCallsListed = 10;

void print(std::string_view text)
{
    std::cout << text;
}

/// On one line.
std::string text_of(const StateText& text)
{
    std::string line(text.text.data(), std::min<std::size_t>(text.size, text.text.size()));
    std::ranges::replace_if(line, is_control, ' ');
    return line;
}

std::string local_time(std::uint64_t seconds)
{
    const auto time = static_cast<std::time_t>(seconds);
    std::array<char, 64> text{};
    std::tm parts{};
    if (::localtime_r(&time, &parts) == nullptr) return "?";
    return {text.data(), std::strftime(text.data(), text.size(), "%F %T", &parts)};
}

void print_head(StateImage& image, const std::string& path)
{
    const StateHeader& header = image.header();
    const std::string prefix = "==" + std::to_string(header.process) + "== ";
    std::cout << prefix << "STATE of process " << header.process << ", which is "
              << (image.is_running() ? "running, as it was when the file was read"
                                     : "gone, as it was at its end")
              << ":\n"
              << prefix << "  " << path << "\n"
              << prefix << "  " << text_of(header.executable) << ": " << text_of(header.arguments)
              << "\n"
              << prefix << "  traced since " << local_time(header.wall_clock) << " with "
              << text_of(header.options) << "\n";
    if (header.parent != 0)
        std::cout << prefix << "  forked from process " << header.parent
                  << ", with whose figures it began\n";
    if (header.is_full != 0)
        std::cout << prefix << "  the file could not grow: " << image.missing()
                  << " stacks are in the totals only, others may be incomplete\n";
}

/// Calls `load` with a path; what it throws then names that.
template <class Load> auto naming(const std::string& path, Load load)
{
    try {
        return load(read_pages(path));
    } catch (const std::runtime_error& problem) {
        throw std::runtime_error(path + ": " + problem.what());
    }
}

struct InUse {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
};

/// Places by what stays the same from one process to another: files, and addresses in them. The
/// rounds of a recursion are one.
class Places {
public:
    using Key = std::size_t;

    Key key_of(TraceId trace)
    {
        Key key = 0;
        std::set<Key> seen;
        for (; trace != kNoTrace; trace = stack_trie.parent(trace)) {
            const Key call = call_key(stack_trie.call(trace));
            if (seen.insert(call).second) key = (key ^ call) * kMultiplier + 1;
        }
        return key;
    }

private:
    static constexpr Key kMultiplier = 0x9E3779B97F4A7C15U;

    Key call_key(Call call)
    {
        if (call.module == kNoModule) return call.address;
        if (call.module == kTagModule)
            return std::hash<std::string_view>()(
                tag_table[static_cast<TagId>(call.address)].path());
        const Module& module = module_table[call.module];
        const auto [name, is_new] = names_.try_emplace(call.module);
        if (is_new) name->second = std::hash<std::string_view>()(module.name);
        return (name->second ^ (call.address - module.bias)) * kMultiplier;
    }

    std::map<ModuleId, Key> names_; // hashed
};

struct Growth {
    TraceId trace = kNoTrace;
    std::int64_t blocks = 0;
    std::int64_t bytes = 0;
};

using GrowthByPlace = std::unordered_map<Places::Key, Growth>;

void add_state(GrowthByPlace& growth, std::int64_t sign)
{
    Places places;
    for (std::size_t number = 1; number <= site_table.size(); ++number) {
        const Site& site = site_table.site(number);
        Growth& own = growth[places.key_of(site.trace)];
        // Those of the earlier file are numbers of another tree.
        own.trace = sign > 0 ? site.trace : kNoTrace;
        own.blocks += sign * static_cast<std::int64_t>(site.live_blocks());
        own.bytes += sign * static_cast<std::int64_t>(site.live_bytes());
    }
}

InUse in_use()
{
    return {.blocks = live_totals.live_blocks(), .bytes = live_totals.live_bytes()};
}

void print_growth(const std::vector<Growth>& growth, std::size_t most)
{
    CallNames names;
    if (!names.add_all()) throw std::runtime_error("no memory");
    names.resolve({}, print);
    Printer out(print);
    std::size_t number = 0;
    for (const Growth& place : growth) {
        if (number == most || place.bytes <= 0) return;
        out << ++number << ". " << HumanBytes{static_cast<std::uint64_t>(place.bytes)} << " more, ";
        out << static_cast<std::uint64_t>(std::max<std::int64_t>(place.blocks, 0))
            << (place.blocks == 1 ? " block more" : " blocks more");
        if (const TagId tag = tag_of(place.trace); tag != kNoTag)
            out << ", tagged " << tag_table[tag].path();
        out << "\n";
        names.print(out, place.trace, kMostCallsListed, CallNames::Style::brief);
    }
}

} // namespace

void report_state(const std::string& path, const StateReportOptions& options)
{
    naming(path, [&](FilePages pages) {
        StateImage image(std::move(pages));
        const StateHeader& header = image.header();
        const std::string executable = text_of(header.executable);
        const std::size_t slash = executable.rfind('/');
        const TracedProcess process{.number = header.process,
                                    .executable = std::string_view(executable).substr(slash + 1),
                                    .moment = image.is_running() ? "now" : "at the end",
                                    .milliseconds = 0,
                                    .table_bytes = header.used + header.used_apart,
                                    .nanoseconds_per_tick = image.nanoseconds_per_tick()};
        print_head(image, path);
        live_totals.note_last_peak();
        write_trace_report({.most_sites = options.most_places,
                            .profile = options.profile,
                            .timeline = options.timeline.c_str(),
                            .started_at = header.started_at,
                            .heap = nullptr,
                            .of = &process},
                           print);
    });
}

void report_growth(const std::string& before, const std::string& after,
                   const StateReportOptions& options)
{
    GrowthByPlace growth;
    const InUse first = naming(before, [&](FilePages pages) {
        const StateImage image(std::move(pages));
        add_state(growth, -1);
        return in_use();
    });
    naming(after, [&](FilePages pages) {
        const StateImage image(std::move(pages));
        add_state(growth, 1);
        const InUse last = in_use();
        std::vector<Growth> sorted;
        for (const auto& [key, place] : growth)
            if (place.trace != kNoTrace) sorted.push_back(place);
        std::ranges::sort(sorted, std::ranges::greater(), &Growth::bytes);
        Printer(print) << "In use: " << HumanBytes{first.bytes} << " in " << first.blocks
                       << " blocks before, " << HumanBytes{last.bytes} << " in " << last.blocks
                       << " blocks after\n";
        print_growth(sorted, options.most_places);
    });
}

} // namespace tarn
