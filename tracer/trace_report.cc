// SPDX-License-Identifier: MIT

#include "tracer/trace_report.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>

#include "src/base/units.h"
#include "src/os/process.h"
#include "src/os/stack.h"
#include "tracer/call_names.h"
#include "tracer/helper.h"
#include "tracer/marks_report.h"
#include "tracer/memory_report.h"
#include "tracer/report_text.h"
#include "tracer/sites.h"
#include "tracer/state_file.h"
#include "tracer/timeline_report.h"
#include "tracer/trace_places.h"
#include "tracer/trace_profile.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

/// Calls of one stack that are listed.
constexpr std::size_t kMostCallsListed = 10;
/// Below, nobody would make them fewer.
constexpr std::uint64_t kFewResizes = 10;
/// So many are listed whatever trace_max says.
constexpr std::size_t kFewTags = 20;
/// Every program has some slabs that are hardly used: a place is listed that keeps so much more,
/// and one part in so many of what the process has.
constexpr std::uint64_t kLeastEmpty = KiB(128);
constexpr std::uint64_t kLeastEmptyShare = 100;

TracedProcess this_process(std::uint64_t started_at)
{
    return {.number = os::process_id(),
            .executable = os::executable_name(),
            .moment = "at the end",
            .milliseconds = std::max(os::clock_milliseconds() - started_at, std::uint64_t{1}),
            .table_bytes = table_bytes(),
            .nanoseconds_per_tick = tick_rate.nanoseconds_per_tick()};
}

class TraceReport {
public:
    TraceReport(const TraceReportOptions& options, TextSink sink)
        : options_(options),
          process_(options.of != nullptr ? *options.of : this_process(options.started_at)),
          sink_(sink), out_(sink)
    {
        reported_process = process_.number;
    }

    void write()
    {
        const bool is_own = options_.heap != nullptr;
        const char* const problem = is_own ? memory_.measure(*options_.heap, is_sampled()) : "";
        if (!names_.add_all() || !places_.collect(memory_, process_.nanoseconds_per_tick)) {
            out_ << "tarn: no report of the trace: no memory for it\n";
            return;
        }
        // The helper says where the profile is; that comes first.
        out_.flush();
        const bool has_names = names_.resolve({.suppressions = {},
                                               .profile = options_.profile,
                                               .describe = describe_all,
                                               .context = this},
                                              sink_);
        print_totals();
        if (is_own) print_memory(problem);
        if (!has_names) print_no_names();
        print_course();
        print_list("hold the most when the process holds the most:", &Place::peak_bytes,
                   [this](const Place& place) {
                       out_ << HumanBytes{place.peak_bytes} << " ("
                            << Percent{place.peak_bytes, live_totals.peak_bytes()} << ") in "
                            << place.peak_blocks << " blocks";
                   });
        print_list("allocate most often:", &Place::allocations,
                   [this](const Place& place) { print_rates(place); });
        print_list("allocate the most bytes:", &Place::bytes,
                   [this](const Place& place) { print_rates(place); });
        print_list("allocate most often what is freed before the thread's next allocation:",
                   &Place::temporary, [this](const Place& place) {
                       out_ << place.temporary << " blocks, "
                            << Percent{place.temporary, place.allocations} << " of its ";
                       print_allocations(place);
                   });
        FixedText<64> last;
        last << "hold the most " << process_.moment << ":";
        print_list(last.view(), &Place::live_bytes, [this](const Place& place) {
            out_ << HumanBytes{place.live_bytes} << " in " << place.live_blocks << " blocks";
        });
        print_list(
            "resize blocks by realloc most often:", &Place::resizes,
            [this](const Place& place) {
                places_.figures(place).print_resizes(out_);
                out_ << ", of ";
                print_allocations(place);
            },
            kFewResizes);
        print_list(
            "keep memory that is mostly empty:", &Place::kept_empty,
            [this](const Place& place) { print_sparse(out_, place.sparse, place.kept_empty); },
            std::max(kLeastEmpty, memory_.shares().sum() / kLeastEmptyShare));
        print_all_advice();
    }

private:
    Printer& line() { return out_ << Margin{}; }

    void print_totals()
    {
        const LiveTotals& totals = live_totals;
        line() << (is_sampled() ? "PROFILE" : "TRACE SUMMARY") << " of " << process_.executable
               << ":\n";
        if (is_sampled())
            line() << "  estimated from " << places_.samples() << " samples, one in "
                   << HumanBytes{sample_period_of_traces()} << " (sample=)\n";
        line() << "  " << totals.blocks() << " allocations of " << HumanBytes{totals.bytes()}
               << " in all, " << totals.freed_blocks() << " frees";
        if (!is_sampled())
            out_ << "; " << Percent{places_.temporaries(), totals.blocks()}
                 << " of the blocks were freed before their thread allocated again";
        out_ << "\n";
        line() << "  peak: " << HumanBytes{totals.peak_bytes()} << " in " << totals.peak_blocks()
               << " blocks, "
               << std::max(totals.peak_at(), options_.started_at) - options_.started_at
               << " ms after the start; " << process_.moment << ": "
               << HumanBytes{totals.live_bytes()} << " in " << totals.live_blocks() << " blocks\n";
        line() << "  " << places_.size() << " places allocate, with " << site_table.size()
               << " stacks; the trace itself took " << HumanBytes{process_.table_bytes} << "\n";
    }

    bool is_sampled() const { return sample_period_of_traces() != 0; }

    void print_no_names()
    {
        const std::string_view helper = helper_path();
        line() << (helper.empty()
                       ? "  no names and no profile: there is no tarn command beside libtarn.so "
                         "(symbolizer=PATH says where)\n"
                       : "  no names and no profile: the tarn command did not answer\n");
    }

    void print_allocations(const Place& place)
    {
        out_ << place.allocations << " allocations ("
             << Percent{place.allocations, live_totals.blocks()} << ") of "
             << HumanBytes{place.allocations != 0 ? place.bytes / place.allocations : 0}
             << " on average";
    }

    void print_tag(const Place& place, std::string_view words)
    {
        if (place.tag != kNoTag) out_ << words << tag_table[place.tag].path();
    }

    void print_rates(const Place& place)
    {
        print_allocations(place);
        out_ << ", " << HumanBytes{place.bytes} << " (" << Percent{place.bytes, live_totals.bytes()}
             << ")";
        if (const std::uint64_t milliseconds = process_.milliseconds)
            out_ << "; " << place.allocations * 1000 / milliseconds << " and "
                 << HumanBytes{place.bytes * 1000 / milliseconds} << " a second";
    }

    void print_course()
    {
        const std::span points(points_.data(), point_count_);
        print_timeline(out_, points, process_.nanoseconds_per_tick);
        print_bandwidth(out_, points, process_.nanoseconds_per_tick);
        print_frames(out_, process_.nanoseconds_per_tick);
        print_tags(out_, std::max(kFewTags, options_.most_sites), options_.started_at);
        if (options_.timeline[0] != '\0')
            write_timeline(options_.timeline, points, process_.nanoseconds_per_tick, sink_);
    }

    /// `problem`: why it is not known where the memory is, or nullptr.
    void print_memory(const char* problem)
    {
        FixedText<32> margin;
        margin << "==" << static_cast<std::uint64_t>(::getpid()) << "==   ";
        if (problem != nullptr) {
            out_ << margin.view() << "not known where its memory is: " << problem << "\n";
        } else {
            line() << "Where its memory is now:\n";
            print_shares(out_, margin.view(), memory_.shares(), is_sampled());
            print_sparse_total(out_, margin.view(), memory_.sparse(), is_sampled());
        }
        print_pressure(out_, margin.view(), options_.heap->pressure(), options_.started_at);
    }

    /// For the profile.
    static void describe_all(void* report, HelperText& text)
    {
        describe_sites(text);
        describe_advice(text, static_cast<TraceReport*>(report)->places_);
    }

    void print_all_advice()
    {
        print_list("could do with less:", &Place::spared, [this](const Place& place) {
            print_advice(out_, place.advice, places_.advice_figures(place));
        });
    }

    template <class Figures>
    void print_list(std::string_view title, std::uint64_t Place::*rank, Figures print_figures,
                    std::uint64_t least = 1)
    {
        const std::span places = places_.all();
        std::ranges::sort(places, std::ranges::greater(), rank);
        const std::size_t listed = std::min(options_.most_sites, places.size());
        if (listed == 0 || places[0].*rank < least) return;
        line() << "\n";
        line() << "Places that " << title << "\n";
        for (std::size_t i = 0; i < listed && places[i].*rank >= least; ++i) {
            line() << i + 1 << ". ";
            print_figures(places[i]);
            out_ << "\n";
            const bool has_told =
                rank == &Place::resizes ||
                (rank == &Place::spared && places[i].advice.kind == Advice::Kind::reserve);
            print_details(places[i], has_told);
        }
    }

    void print_details(const Place& place, bool has_told_resizes)
    {
        using Resizes = SiteFigures::Resizes;
        line() << "   ";
        if (const std::uint64_t samples = place.samples)
            out_ << "of " << samples << (samples == 1 ? " sample: " : " samples: ");
        places_.figures(place).print(out_, process_.nanoseconds_per_tick,
                                     has_told_resizes ? Resizes::left_out : Resizes::shown);
        print_tag(place, "; tagged ");
        out_ << "\n";
        names_.print(out_, place.trace, kMostCallsListed, CallNames::Style::brief);
    }

    const TraceReportOptions& options_;
    const TracedProcess process_;
    TextSink sink_;
    Printer out_;
    TracePlaces places_;
    Timeline::Copy points_; // up to when the report began: the helper takes its time
    std::size_t point_count_ = timeline.copy(points_);
    MemoryAccount memory_;
    CallNames names_;
};

} // namespace

void write_trace_report(const TraceReportOptions& options, TextSink sink)
{
    TraceReport(options, sink).write();
}

namespace {

/// What report_trace() takes along to the stack that it runs on.
struct Job {
    const TraceReportOptions* options;
    TextSink sink;
};
constinit Job job{};

void do_job()
{
    write_trace_report(*job.options, job.sink);
}

constexpr std::size_t kStack = KiB(128);

} // namespace

void report_trace(const TraceReportOptions& options, TextSink sink)
{
    live_totals.note_last_peak();
    job = {.options = &options, .sink = sink};
    // As for a leak report: neither the program's stack nor its signal handlers.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!os::call_on_own_stack(kStack, do_job))
        Printer(sink) << "tarn: no report of the trace: no memory for it\n";
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace tarn
