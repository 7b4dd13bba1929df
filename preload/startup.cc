// SPDX-License-Identifier: MIT
//
// Order of events:
//
//      first malloc, from the loader or from any constructor    configure_heap(): options
//      our constructor                                          libc's heap, help
//      ... the program ...
//      our destructor, after those of the program               statistics, leaks

#include "preload/startup.h"

#include <array>
#include <cstdlib>

#include "preload/checks.h"
#include "preload/endings.h"
#include "preload/failures.h"
#include "preload/leaks.h"
#include "preload/libc_heap.h"
#include "preload/next.h"
#include "preload/report.h"
#include "preload/state.h"
#include "preload/statistics_report.h"
#include "src/base/text.h"
#include "src/heap/budget.h"
#include "src/heap/large.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/include/tarn/version.h"
#include "src/os/file.h"
#include "src/os/process.h"
#include "tracer/libunwind.h"
#include "tracer/traces.h"
#include "tracer/unwinder.h"

// Identifies this library to atexit() and pthread_atfork(); crtbeginS.o would define it.
// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier): the name is the ABI's
extern "C" {
[[gnu::visibility("hidden")]] extern void* __dso_handle;
void* __dso_handle = &__dso_handle;
}
// NOLINTEND(readability-identifier-naming,*-reserved-identifier)

namespace tarn {

namespace {

constinit Options options{};
constinit bool configured = false;

/// only=a|b: whether this executable is one of them.
bool is_selected(std::string_view list)
{
    if (list.empty()) return true;
    const std::string_view own = os::executable_name();
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of("|,"), list.size());
        if (slice(list, 0, end) == own) return true;
        list = slice(list, end + 1);
    }
    return false;
}

void keep_quiet(std::string_view) {}

void read_own_options()
{
    // First what was compiled in, which is all that there is for AT_SECURE programs.
    std::array<std::string_view, 65> entries{"TARN=" TARN_PRESET};
    const std::size_t count = os::own_environment(std::span(entries).subspan(1));
    const std::span<const std::string_view> environment(entries.data(), count + 1);
    // Where complaints go, and whether there are to be any, is itself among the options.
    Options read;
    read_options(read, environment, keep_quiet);
    if (!is_selected(read.only.view())) return;
    options = read;
    Options again;
    read_options(again, environment, write_report);
    tell_idle_options(options, write_report);
}

void warn_of_limit(std::size_t used, std::size_t limit)
{
    Printer(write_report) << "tarn: " << HumanBytes{used}
                          << " in use, over 90% of limit=" << HumanBytes{limit} << "\n";
}

void print_effective_options()
{
    Printer out(write_report);
    out << "tarn " << TARN_VERSION << " in " << os::executable_name() << ", process "
        << os::process_id() << ":";
    for (const OptionSpec& spec : option_specs()) {
        FixedText<600> value;
        print_option_value(value, options, spec);
        out << " " << spec.name << "=" << value.view();
    }
    out << "\n";
}

void start_unwinding()
{
    if (options.unwind != Unwind::libunwind) return;
    ignore_allocations(true); // what it keeps is not the program's
    const char* const problem = open_libunwind();
    ignore_allocations(false);
    if (problem != nullptr)
        Printer(write_report) << "tarn: unwind=libunwind: " << problem << "; auto is used\n";
    else
        set_unwinding(Unwind::libunwind);
}

[[gnu::constructor]] void start()
{
    configure_heap();
    connect_libc_heap();
    find_next_exits();
    find_next_signals();
    start_unwinding();
    const bool reports_end = options.leaks || options.counts_sites();
    if (reports_end) start_leak_reports();
    start_state();
    start_check_reports();
    start_failures();
    const bool reports_later = options.checks_blocks() || options.samples_guards() ||
                               options.stats || reports_end || options.limit != 0 ||
                               options.refuses();
    if (reports_later) start_end_reports();
    if (reports_later) note_start_directory();
    if (reports_later && options.log.view().empty()) os::keep_stderr();
    if (options.help) {
        Printer out(write_report);
        print_option_help(out);
    }
    if (options.verbose) print_effective_options();
}

[[gnu::destructor]] void end()
{
    if (options.stats) print_statistics(write_report);
    if (!options.stats_json.view().empty()) write_statistics_json(options.stats_json.view());
    // What the program's own status would be is known to exit() only. Once more it skips the
    // destructors that come after this one, as LeakSanitizer does, but leaves the streams right.
    // NOLINTNEXTLINE(concurrency-mt-unsafe): exit() is where we come from
    if (const int status = report_end(0)) std::exit(status);
}

} // namespace

const Options& startup_options()
{
    return options;
}

/// Called with the first allocation (see slow_path.h) or from our constructor, whichever is first;
/// no other thread exists that early.
void configure_heap()
{
    if (configured) return;
    configured = true;
    read_own_options();
    settings = {.pools = options.pools,
                .huge_pages = options.huge_pages,
                .thp = options.thp,
                .purge_delay = options.purge_delay,
                .thread_leaves = nullptr,
                .observer = nullptr};
    budget.set(options.limit, warn_of_limit);
    // jemalloc cannot say which of its blocks are in use.
    const bool watches = options.leaks || options.trace;
    if (watches || options.checks_blocks()) options.fallback = FallbackKind::mmap;
    fallback = fallback_backend(options.fallback);
    // libunwind can be opened only later.
    set_unwinding(options.unwind == Unwind::libunwind ? Unwind::automatic : options.unwind);
    if (watches || options.counts_sites()) prepare_leak_report();
    prepare_checks();
    prepare_failures();
}

} // namespace tarn
