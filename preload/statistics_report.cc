// SPDX-License-Identifier: MIT

#include "preload/statistics_report.h"

#include <array>

#include "preload/report.h"
#include "preload/startup.h"
#include "src/heap/large.h"
#include "src/heap/statistics.h"
#include "src/include/tarn/malloc.h"
#include "src/include/tarn/version.h"
#include "src/os/file.h"
#include "src/os/process.h"

namespace tarn {

namespace {

struct Row {
    std::string_view key; // in JSON
    std::uint64_t tarn_statistics::*member;
};

/// Every figure, once: JSON has them all.
constexpr std::array kRows{
    Row{"allocations", &tarn_statistics::allocations},
    Row{"frees", &tarn_statistics::frees},
    Row{"misses", &tarn_statistics::misses},
    Row{"spilled", &tarn_statistics::spilled},
    Row{"remote_frees", &tarn_statistics::remote_frees},
    Row{"unknown_frees", &tarn_statistics::unknown_frees},
    Row{"live", &tarn_statistics::live},
    Row{"rounding", &tarn_statistics::rounding},
    Row{"cached", &tarn_statistics::cached},
    Row{"free_in_slabs", &tarn_statistics::free_in_slabs},
    Row{"untouched", &tarn_statistics::untouched},
    Row{"free_dirty", &tarn_statistics::free_dirty},
    Row{"fallback_live", &tarn_statistics::fallback_live},
    Row{"fallback_free", &tarn_statistics::fallback_free},
    Row{"metadata", &tarn_statistics::metadata},
    Row{"peak", &tarn_statistics::peak},
    Row{"purged", &tarn_statistics::purged},
    Row{"slabs", &tarn_statistics::slabs},
    Row{"heaps", &tarn_statistics::heaps},
    Row{"fallback_allocations", &tarn_statistics::fallback_allocations},
    Row{"limit", &tarn_statistics::limit},
    Row{"resident", &tarn_statistics::resident},
    Row{"peak_resident", &tarn_statistics::peak_resident},
    Row{"minor_faults", &tarn_statistics::minor_faults},
    Row{"major_faults", &tarn_statistics::major_faults},
};

template <class Value> FixedText<32> text_of(Value value)
{
    FixedText<32> text;
    text << value;
    return text;
}

template <class Value> void print_cell(Printer& out, Value value, int width)
{
    out << Column{text_of(value).view(), width};
}

void print_memory_line(Printer& out, std::string_view label, std::uint64_t bytes,
                       std::uint64_t whole, std::string_view note)
{
    out << "    " << Column{label, -17};
    print_cell(out, HumanBytes{bytes}, 10);
    print_cell(out, Percent{bytes, whole}, 8);
    if (!note.empty()) out << "  " << note;
    out << "\n";
}

void print_memory(Printer& out, const tarn_statistics& s)
{
    const std::uint64_t used = s.live - std::min(s.live, s.rounding);
    out << "  memory, by what it is for                share of RSS\n";
    print_memory_line(out, "live", used, s.resident, "in blocks, as far as the program asked for");
    print_memory_line(out, "rounding", s.rounding, s.resident,
                      "in blocks beyond that (estimated from the requests that missed)");
    print_memory_line(out, "free in pools", s.free_in_slabs, s.resident, "between live blocks");
    print_memory_line(out, "caches", s.cached, s.resident, "ready in threads' bins");
    print_memory_line(out, "free, dirty", s.free_dirty, s.resident,
                      "waiting for reuse; goes back after purge_delay");
    print_memory_line(out, "metadata", s.metadata, s.resident, "committed for tarn's own records");
    print_memory_line(out, "fallback, free", s.fallback_free, s.resident, "kept by the fallback");
    const std::uint64_t known =
        s.live + s.free_in_slabs + s.cached + s.free_dirty + s.metadata + s.fallback_free;
    print_memory_line(out, "not tarn's", s.resident - std::min(s.resident, known), s.resident,
                      "program, libraries, stacks; less what is live but was never touched");
    print_memory_line(out, "= RSS", s.resident, s.resident, "");
}

void print_classes(Printer& out)
{
    out << "  size classes       size  allocations        frees         live       cached    "
           "in slabs  slabs  hit rate\n";
    for (std::size_t index = 0; index < kSizeClassCount; ++index) {
        const auto size_class = static_cast<SizeClass>(index);
        const ClassStatistics sum = class_statistics(size_class);
        if (sum.allocations == 0) continue;
        print_cell(out, std::uint64_t{block_size(size_class)}, 23);
        print_cell(out, sum.allocations, 13);
        print_cell(out, sum.frees, 13);
        print_cell(out, sum.live, 13);
        print_cell(out, sum.cached, 13);
        print_cell(out, sum.in_slabs, 12);
        print_cell(out, sum.slabs, 7);
        print_cell(
            out, Percent{sum.allocations - std::min(sum.allocations, sum.misses), sum.allocations},
            10);
        out << "\n";
    }
}

} // namespace

void print_statistics(TextSink sink)
{
    tarn_statistics s{};
    collect_statistics(s);
    Printer out(sink);
    out << "tarn " << TARN_VERSION << " statistics of " << os::executable_name() << ", process "
        << os::process_id() << "\n";
    out << "  allocations   " << s.allocations << ", of which "
        << Percent{s.allocations - std::min(s.allocations, s.misses), s.allocations}
        << " from the thread cache; " << s.fallback_allocations << " ("
        << Percent{s.fallback_allocations, s.allocations} << ") by the fallback, " << fallback->name
        << "\n";
    out << "  frees         " << s.frees << ", of which " << s.remote_frees << " by other threads; "
        << s.spilled << " blocks spilled to slabs, " << s.unknown_frees << " unknown pointers\n";
    out << "  live          " << HumanBytes{s.live} << " in " << s.allocations - s.frees
        << " blocks, " << HumanBytes{s.fallback_live} << " of it in the fallback\n";
    out << "  peak          " << HumanBytes{s.peak} << " in "
        << "slabs and large blocks; RSS " << HumanBytes{s.peak_resident} << ", now "
        << HumanBytes{s.resident} << "\n";
    out << "  page faults   " << s.minor_faults << " minor, " << s.major_faults << " major; "
        << text_of(s.minor_faults / std::max<std::uint64_t>(s.peak_resident >> 20, 1)).view()
        << " per MiB of peak RSS\n";
    out << "  shared tier   " << s.slabs << " slabs of " << s.heaps << " heaps, "
        << HumanBytes{s.purged} << " given back so far\n";
    if (s.limit != 0) out << "  limit         " << HumanBytes{s.limit} << "\n";
    print_memory(out, s);
    print_classes(out);
}

void write_statistics_json(std::string_view pattern)
{
    tarn_statistics statistics{};
    collect_statistics(statistics);
    static constinit os::Output file;
    FixedText<1024> path = expand_pattern(pattern);
    if (!file.open(path.c_str(), os::Output::Mode::replace)) return;
    {
        Printer out([](std::string_view text) { file.write(text); });
        out << "{\n  \"version\": \"" << TARN_VERSION << "\",\n  \"process\": " << os::process_id()
            << ",\n  \"fallback\": \"" << fallback->name << "\",\n";
        for (const Row& row : kRows)
            out << "  \"" << row.key << "\": " << statistics.*row.member << ",\n";
        out << "  \"size_classes\": [";
        std::string_view separator = "\n";
        for (std::size_t index = 0; index < kSizeClassCount; ++index) {
            const auto size_class = static_cast<SizeClass>(index);
            const ClassStatistics sum = class_statistics(size_class);
            if (sum.allocations == 0) continue;
            out << separator << "    {\"size\": " << std::uint64_t{block_size(size_class)}
                << ", \"allocations\": " << sum.allocations << ", \"frees\": " << sum.frees
                << ", \"live\": " << sum.live << ", \"cached\": " << sum.cached
                << ", \"in_slabs\": " << sum.in_slabs << ", \"untouched\": " << sum.untouched
                << ", \"slabs\": " << sum.slabs << ", \"misses\": " << sum.misses
                << ", \"spilled\": " << sum.spilled << "}";
            separator = ",\n";
        }
        out << "\n  ]\n}\n";
    }
    if (const int problem = file.close()) os::complain_of_file(path.c_str(), problem);
}

} // namespace tarn
