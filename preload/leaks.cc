// SPDX-License-Identifier: MIT

#include "preload/leaks.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <limits>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/dumps.h"
#include "preload/events.h"
#include "preload/heap_view.h"
#include "preload/helper.h"
#include "preload/lsan.h"
#include "preload/report.h"
#include "preload/run_limits.h"
#include "preload/signals.h"
#include "preload/startup.h"
#include "preload/state.h"
#include "src/heap/deferred.h"
#include "src/heap/heap_registry.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/heap/thread_cache.h"
#include "src/include/tarn/malloc.h"
#include "src/os/errno_guard.h"
#include "src/os/fork.h"
#include "src/os/mutex.h"
#include "src/os/process.h"
#include "src/os/stack.h"
#include "tracer/dead_stacks.h"
#include "tracer/leak_report.h"
#include "tracer/leak_scan.h"
#include "tracer/stopped_threads.h"
#include "tracer/trace_report.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

static_assert(kLeakDefinite == 1U << static_cast<unsigned>(Reach::lost));
static_assert(kLeakIndirect == 1U << static_cast<unsigned>(Reach::indirect));
static_assert(kLeakPossible == 1U << static_cast<unsigned>(Reach::possible));
static_assert(kLeakReachable == 1U << static_cast<unsigned>(Reach::reachable));

/// The process whose end is reported. A child of vfork() has another number, but our memory.
constinit std::atomic<::pid_t> owner{0};
constinit std::atomic<bool> is_forked{false};

/// Who makes a report, as a thread id; 0: nobody. One at a time.
constinit std::atomic<std::uint32_t> reporter{0};
/// The thread that ends the process, by exit() or by returning from main; 0: none yet.
constinit std::atomic<std::uint32_t> ending{0};
constinit std::atomic<bool> is_done{false};    // the end has been reported
constinit std::atomic<int> status_found{0};    // what it said of the exit status
constinit std::atomic<bool> is_checked{false}; // by check_leaks(), so that the end need not

void note_thread_end(const void* address_on_its_stack)
{
    dead_stacks.add(address_on_its_stack, __builtin_thread_pointer(), tls_block());
}

void after_fork()
{
    is_forked.store(true, std::memory_order_relaxed);
    reset_report_turn();
    ending.store(0, std::memory_order_relaxed);
    is_done.store(false, std::memory_order_relaxed);
    status_found.store(0, std::memory_order_relaxed);
    owner.store(startup_options().children ? ::getpid() : 0, std::memory_order_relaxed);
    reset_trace_locks();
}

std::uint32_t own_thread_id()
{
    return static_cast<std::uint32_t>(::syscall(SYS_gettid));
}

/// Makes this thread the one that ends the process, unless another one does. Returns which does.
std::uint32_t claim_end()
{
    const std::uint32_t own = own_thread_id();
    std::uint32_t before = 0;
    return ending.compare_exchange_strong(before, own) ? own : before;
}

/// Milliseconds that a second thread which ends the process waits for the first one, not counting
/// its report: the first may itself wait, in a destructor, for the second to end.
constexpr std::uint64_t kPatience = 1000;

/// Waits until no other thread makes a report. False: this one does, further up its stack.
bool become_reporter()
{
    const std::uint32_t own = own_thread_id();
    for (std::uint32_t current = 0; !reporter.compare_exchange_strong(current, own); current = 0) {
        if (current == own) return false;
        os::futex_wait(reporter, current);
    }
    return true;
}

void resign()
{
    reporter.store(0, std::memory_order_release);
    os::futex_wake(reporter, 1 << 30);
}

constinit std::uint64_t started_at = 0; // milliseconds

bool wants_reports()
{
    return startup_options().leaks || startup_options().counts_sites();
}

TraceReportOptions trace_report_options()
{
    return {.most_sites = startup_options().trace_max,
            .profile = {},
            .timeline = "",
            .started_at = started_at,
            .heap = &heap_view};
}

constinit bool is_end_of_trace = false;

void write_trace()
{
    report_events(is_end_of_trace);
    const Options& options = startup_options();
    if (settings.observer == nullptr) {
        write_report("tarn: no trace: no address space for it, or a libc older than 2.35\n");
        return;
    }
    const FixedText<1024> file = profile_path(!makes_dumps());
    FixedText<1024> timeline = expand_pattern(options.timeline.view());
    TraceReportOptions wanted = trace_report_options();
    wanted.profile = file.view();
    wanted.timeline = timeline.c_str();
    report_trace(wanted, write_report);
}

/// On a stack of its own: who ends the process or has the signal may have 16 KiB.
void report_trace_now(bool is_end)
{
    is_end_of_trace = is_end;
    if (!os::call_on_own_stack(KiB(64), write_trace)) write_trace();
}

/// In a trace a block's note says something else, and without stacks there is none.
bool has_marks()
{
    const Options& options = startup_options();
    return options.leaks && settings.observer != nullptr && !options.counts_sites() &&
           settings.sample_period == 0;
}

/// The mark from which on a report is to be.
std::uint32_t report_since()
{
    const LeaksSince since = startup_options().leaks_since;
    if (!has_marks() || since == LeaksSince::start) return 0;
    const std::uint32_t mark = current_mark();
    // Before the scan: what is allocated in between is in both reports rather than in none.
    if (since == LeaksSince::report) set_mark();
    return mark;
}

struct FileNames {
    const char* suppressions;
    const char* json;
};

/// Not on the stack, which is searched down to the caller of report_leaks(): the smaller our frames
/// are, the less they hold of what the program has left there. One report is made at a time.
[[gnu::noinline]] FileNames name_files()
{
    static constinit FixedText<600> suppressions;
    static constinit FixedText<1024> json;
    suppressions = {};
    suppressions << startup_options().suppressions.view();
    json = expand_pattern(startup_options().leaks_json.view());
    name_log();
    return {.suppressions = suppressions.c_str(), .json = json.c_str()};
}

/// By a signal: nobody waits for what it finds.
struct Asked {
    bool by_signal;
};

/// Returns how many blocks are lost.
std::uint64_t report_leaks_now(bool only_leaks, Asked asked = {.by_signal = false})
{
    const Options& options = startup_options();
    const FileNames files = name_files();
    return report_leaks(
        heap_view,
        {.show = options.leaks_show,
         .most_groups = options.leaks_max,
         .only_leaks = only_leaks || !(options.verbose || asked.by_signal),
         .suppressions = {.file = files.suppressions, .text = program_suppressions()},
         .least_bytes = options.min_bytes,
         .suggests_suppressions = options.gen_suppressions,
         .sample_period = settings.sample_period,
         .since = report_since(),
         .json = files.json,
         .copy = {.is_wanted = options.stw == StopWorld::fork,
                  .is_waited_for = !asked.by_signal,
                  .begin = reset_report_lock}},
        write_report);
}

/// As report_leaks_now(), with the trace if there is one: not of a child, which begins with what
/// its parent had, and of which a shell has thousands.
std::uint64_t report_now(bool only_leaks)
{
    if (startup_options().reports_sites() && !is_forked.load(std::memory_order_relaxed))
        report_trace_now(!only_leaks);
    const bool wants_leaks = startup_options().leaks &&
                             !is_checked.load(std::memory_order_relaxed) &&
                             !is_turned_off_by_program();
    return wants_leaks ? report_leaks_now(only_leaks) : 0;
}

void leaks_wanted()
{
    if (is_inside_malloc()) return defer_until_outside(leaks_wanted);
    if (const ReportTurn turn; turn.is_had()) report_leaks_now(false, {.by_signal = true});
}

void trace_wanted()
{
    if (is_inside_malloc()) return defer_until_outside(trace_wanted);
    if (const ReportTurn turn; turn.is_had()) report_trace_now(false);
}

bool report_before_signal()
{
    if (is_inside_malloc() && owner.load(std::memory_order_relaxed) == ::getpid()) return false;
    report_leaks_at_end(0);
    return true;
}

} // namespace

bool is_inside_malloc()
{
    const ThreadCache& cache = this_thread_cache();
    return cache.busy || heap_registry.is_frozen_by(&cache);
}

ReportTurn::ReportTurn() : is_had_(become_reporter())
{
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation_);
}

ReportTurn::~ReportTurn()
{
    ::pthread_setcancelstate(cancellation_, nullptr);
    if (is_had_) resign();
}

void report_places()
{
    report_trace(trace_report_options(), write_report);
}

std::size_t sample_period(const Options& options)
{
    const bool is_profile = options.profile && !options.trace && !options.leaks;
    return options.sample == 0 && is_profile ? kProfileSample : options.sample;
}

void reset_report_turn()
{
    reporter.store(0, std::memory_order_relaxed);
    reset_report_lock();
}

FixedText<1024> profile_path(bool is_only_one)
{
    const std::string_view pattern = startup_options().trace_file.view();
    const std::string_view otherwise = is_only_one ? "tarn.%e.%p.pb.gz" : "tarn.%e.%p.%n.pb.gz";
    const FixedText<1024> path = expand_pattern(pattern.empty() ? otherwise : pattern);
    // The helper is told in a line.
    FixedText<1024> line;
    for (const char c : path.view())
        line << std::string_view(c == '\n' ? "?" : &c, 1);
    return line;
}

void prepare_leak_report()
{
    const Options& options = startup_options();
    started_at = os::clock_milliseconds();
    if (options.leaks) settings.thread_leaves = note_thread_end;
    if (!options.stacks && !options.counts_sites()) return;
    prepare_state(started_at);
    settings.observer = start_tracing({.most_calls = options.depth,
                                       .counts_sites = options.counts_sites(),
                                       .sample_period = sample_period(options)});
    if (settings.observer == nullptr) return;
    settings.sample_period = sample_period(options);
    settings.observer = prepare_events(settings.observer);
    if (makes_dumps()) settings.observer = prepare_dumps(settings.observer);
}

void start_leak_reports()
{
    const Options& options = startup_options();
    owner.store(::getpid(), std::memory_order_relaxed);
    os::add_fork_hooks({nullptr, nullptr, after_fork});
    report_before_fatal_signals(report_before_signal);
    if (options.leaks) act_on_signal("leaks_signal", options.leaks_signal.view(), leaks_wanted);
    if (options.reports_sites())
        act_on_signal("trace_signal", options.trace_signal.view(), trace_wanted);
    if (options.leaks && options.leaks_since != LeaksSince::start && !has_marks())
        write_report(
            "tarn: leaks_since: has no effect with trace, of a sample, or without stacks\n");
    start_events();
    if (settings.observer == nullptr) return;
    const std::string_view symbolizer = startup_options().symbolizer.view();
    if (!prepare_helper() && !symbolizer.empty())
        Printer(write_report) << "tarn: symbolizer=" << symbolizer
                              << ": cannot be run; reports will have no names\n";
    if (makes_dumps()) start_dumps();
}

int report_leaks_at_end(int status, bool only_leaks)
{
    if (!wants_reports() || owner.load(std::memory_order_relaxed) != ::getpid()) return status;
    if (is_inside_malloc()) {
        write_report("tarn: no report: the process ended inside malloc\n");
        return status;
    }
    if (!only_leaks) claim_end();
    // Of two threads that end the process at once, the second waits for the report.
    if (!become_reporter()) return status;
    if (!is_done.exchange(true)) {
        const bool leaked = report_now(only_leaks) != 0;
        const int exceeded = only_leaks || is_forked.load() ? 0 : check_limits();
        status_found.store(leaked ? static_cast<int>(startup_options().leaks_exitcode) : exceeded);
    }
    resign();
    const int found = status_found.load();
    return found != 0 ? found : status;
}

bool end_alone()
{
    if (!wants_reports() || owner.load(std::memory_order_relaxed) != ::getpid()) return true;
    std::uint64_t deadline = os::clock_milliseconds() + kPatience;
    for (std::uint32_t other = claim_end(); other != own_thread_id(); other = claim_end()) {
        const std::uint64_t now = os::clock_milliseconds();
        if (reporter.load(std::memory_order_relaxed) != 0) deadline = now + kPatience;
        if (now >= deadline) return false;
        os::futex_wait_for(ending, other, kPatience / 10);
    }
    return true;
}

int check_leaks()
{
    if (!startup_options().leaks || is_inside_malloc() || !become_reporter()) return 0;
    const bool leaked = !is_checked.exchange(true) && report_leaks_now(false) != 0;
    resign();
    return leaked ? static_cast<int>(startup_options().leaks_exitcode) : 0;
}

void report_leaks_before_exec(const char* path)
{
    // A child that was forked in order to become another program has nothing to say of its own.
    if (!wants_reports() || is_forked.load(std::memory_order_relaxed)) return;
    const os::ErrnoGuard guard;
    // A search along PATH tries many that do not exist.
    if (path != nullptr && ::access(path, X_OK) != 0) return;
    report_leaks_at_end(0, true);
    // It may fail, and the program go on.
    if (owner.load(std::memory_order_relaxed) == ::getpid()) is_done.store(false);
}

} // namespace tarn

int tarn::report_leaks_on_demand()
{
    if (!startup_options().leaks || is_inside_malloc() || !become_reporter()) return -1;
    constexpr std::uint64_t kMost = std::numeric_limits<int>::max();
    const std::uint64_t lost = report_leaks_now(false);
    resign();
    return static_cast<int>(std::min(lost, kMost));
}

int tarn::mark_leaks()
{
    return has_marks() ? static_cast<int>(set_mark()) : -1;
}
