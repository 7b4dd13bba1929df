// SPDX-License-Identifier: MIT

#include "tracer/memory_report.h"

#include <algorithm>
#include <array>

#include "src/base/units.h"

namespace tarn {

namespace {

/// Less is free in hardly used slabs of any program.
constexpr std::uint64_t kLeastEmpty = KiB(256);

void print_share(Printer& out, std::string_view margin, std::uint64_t bytes, std::uint64_t all)
{
    FixedText<32> size;
    size << HumanBytes{bytes};
    FixedText<32> share;
    share << Percent{bytes, all};
    out << margin << Column{size.view(), 12} << Column{share.view(), 8} << "  ";
}

/// "5 calls of malloc_trim, the first 340 ms after the start"; nothing if there were none.
struct EventLine {
    const PressureEvent& event;
    std::string_view one;
    std::string_view several;

    void print(Printer& out, std::string_view margin, std::uint64_t started_at) const
    {
        if (event.count == 0) return;
        out << margin << event.count << (event.count == 1 ? one : several)
            << (event.count == 1 ? ", " : ", the first ")
            << event.first_at - std::min(started_at, event.first_at) << " ms after the start\n";
    }
};

} // namespace

void print_shares(Printer& out, std::string_view margin, const MemoryShares& shares,
                  bool is_estimate)
{
    struct Line {
        std::uint64_t bytes;
        std::string_view text;
    };
    const std::array lines{
        Line{shares.used, "what the program asked for, in blocks in use"},
        Line{shares.rounding, is_estimate ? "blocks in use beyond that: rounding, estimated"
                                          : "blocks in use beyond that: rounding"},
        Line{shares.between, "free, but between blocks in use"},
        Line{shares.cached, "free, in threads' caches"},
        Line{shares.kept, "free, kept to be used again; goes back after purge_delay"},
        Line{shares.large, "large blocks, in use or free"},
        Line{shares.records, "tarn's own records"},
        Line{shares.tables, "what the trace itself keeps, with its notes of each block"},
        Line{shares.stacks, "stacks"},
        Line{shares.files, "files that are mapped: programs, libraries, data"},
        Line{shares.other, "other mappings: not malloc's"},
    };
    const std::uint64_t all = shares.sum();
    for (const Line& line : lines) {
        if (line.bytes == 0) continue;
        print_share(out, margin, line.bytes, all);
        out << line.text;
        if (&line == lines.data() && shares.untouched >= all / 100)
            out << "; " << HumanBytes{shares.untouched} << " more were never touched";
        out << "\n";
    }
    print_share(out, margin, all, all);
    out << "in all, what the kernel counts as RSS\n";
}

void print_sparse_total(Printer& out, std::string_view margin, const SparseSlabs& sparse,
                        bool is_sampled)
{
    if (sparse.empty < kLeastEmpty) return;
    out << margin << HumanBytes{sparse.empty} << " lie free in " << sparse.slabs
        << " slabs of which at most a quarter is in use, by " << sparse.blocks << " blocks";
    if (is_sampled) out << " (TARN=trace says whose)";
    out << "\n";
}

void print_sparse(Printer& out, const SparseSlabs& sparse, std::uint64_t empty)
{
    out << "apart: " << sparse.blocks << (sparse.blocks == 1 ? " block, " : " blocks, ")
        << HumanBytes{sparse.used} << (sparse.blocks == 1 ? ", keeps " : ", keep ")
        << HumanBytes{empty} << " that is free around them in " << sparse.slabs
        << " slabs; allocate what stays apart from what goes, in a pool or an arena, or before it";
}

void print_pressure(Printer& out, std::string_view margin, const Pressure& pressure,
                    std::uint64_t started_at)
{
    FixedText<80> once;
    once << " time limit=" << HumanBytes{pressure.most_bytes} << " was in the way";
    FixedText<80> often;
    often << " times limit=" << HumanBytes{pressure.most_bytes} << " was in the way";
    const std::array lines{
        EventLine{pressure.failures, " call failed for want of memory (ENOMEM)",
                  " calls failed for want of memory (ENOMEM)"},
        EventLine{pressure.limit, once.view(), often.view()},
        EventLine{pressure.system, " time the system gave no memory (RLIMIT_AS, overcommit)",
                  " times the system gave no memory (RLIMIT_AS, overcommit)"},
        EventLine{pressure.trims, " call of malloc_trim", " calls of malloc_trim"},
        EventLine{pressure.drainings,
                  " time so much of a size was free that its slabs were emptied",
                  " times so much of a size was free that its slabs were emptied"},
    };
    for (const EventLine& line : lines)
        line.print(out, margin, started_at);
}

} // namespace tarn
