// SPDX-License-Identifier: MIT

#include "tracer/trace_profile.h"

#include <algorithm>
#include <csignal>
#include <span>

#include "src/base/units.h"
#include "src/os/stack.h"
#include "tracer/advice.h"
#include "tracer/call_names.h"
#include "tracer/helper.h"
#include "tracer/report_text.h"
#include "tracer/sites.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

/// Lines of advice that a profile has, and bytes of one.
constexpr std::size_t kMostAdvice = 100;
constexpr std::size_t kMostText = 320;

} // namespace

void describe_sites(HelperText& text)
{
    if (const std::size_t period = sample_period_of_traces()) text << "W " << period << "\n";
    for (std::size_t number = 1; number <= site_table.size(); ++number) {
        const Site& site = site_table.site(number);
        text << "K ";
        text.hexadecimal(site.trace) << "\n";
        text << "T " << site.allocations.get() << " " << site.bytes.get() << " "
             << site.live_blocks() << " " << site.live_bytes() << " " << site.detail().peak_blocks
             << " " << site.detail().peak_bytes;
        text << " " << site.temporary.get() << " " << site.freed_elsewhere.get() << " "
             << site.detail().resizes.get() << " " << site.detail().copied.get() << " "
             << site.rounding.get() << " " << site.detail().peak_rounding << "\n";
    }
}

void describe_advice(HelperText& text, TracePlaces& places)
{
    const std::span all = places.all();
    std::ranges::sort(all, std::ranges::greater(), &Place::spared);
    for (const Place& place : all.first(std::min(kMostAdvice, all.size()))) {
        if (place.spared == 0) return;
        text << "C ";
        text.hexadecimal(place.trace) << " ";
        text << text_of<kMostText>([&](Printer& out) {
                    print_advice(out, place.advice, places.advice_figures(place));
                }).view()
             << "\n";
    }
}

namespace {

/// What write_trace_profile() takes along to the stack that it runs on.
struct Job {
    std::string_view path;
    TextSink sink;
    const char* problem; // nullptr: none, or it has been told
    bool is_written;
};
constinit Job job{};

void describe(void* places, HelperText& text)
{
    describe_sites(text);
    describe_advice(text, *static_cast<TracePlaces*>(places));
}

void do_job()
{
    if (helper_path().empty()) {
        job.problem = "there is no tarn command beside libtarn.so (symbolizer=PATH says where)";
        return;
    }
    CallNames names;
    TracePlaces places;
    if (!names.add_all() || !places.collect({}, tick_rate.nanoseconds_per_tick())) {
        job.problem = "no memory for it";
        return;
    }
    const bool has_answered = names.resolve(
        {.suppressions = {}, .profile = job.path, .describe = describe, .context = &places},
        job.sink);
    if (!has_answered) job.problem = "the tarn command did not answer";
    job.is_written = names.has_profile();
}

constexpr std::size_t kStack = KiB(128);

} // namespace

bool write_trace_profile(std::string_view path, TextSink sink)
{
    live_totals.note_last_peak();
    job = {.path = path, .sink = sink, .problem = nullptr, .is_written = false};
    // As for a report: neither the program's stack nor its signal handlers.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!os::call_on_own_stack(kStack, do_job)) job.problem = "no memory for it";
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (job.problem != nullptr) Printer(sink) << "tarn: no profile: " << job.problem << "\n";
    return job.is_written;
}

} // namespace tarn
