// SPDX-License-Identifier: MIT

#include "preload/checks.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/cxx_forms.h"
#include "preload/export.h"
#include "preload/faults.h"
#include "preload/helper.h"
#include "preload/leaks.h"
#include "preload/own_operators.h"
#include "preload/report.h"
#include "preload/startup.h"
#include "src/checks/checked_heap.h"
#include "src/checks/hardened_heap.h"
#include "src/checks/thread_stacks.h"
#include "src/heap/bad_free.h"
#include "src/heap/deferred.h"
#include "src/heap/live_blocks.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/include/tarn/malloc.h"
#include "src/os/errno_guard.h"
#include "src/os/fork.h"
#include "src/os/mutex.h"
#include "src/os/process.h"
#include "tracer/address_place.h"
#include "tracer/check_line.h"
#include "tracer/check_report.h"
#include "tracer/site_number.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

constinit std::atomic<std::uint64_t> errors{0};
/// That have begun; who ends the process waits for them.
constinit std::atomic<int> reports_under_way{0};
constinit os::Mutex report_mutex;
constinit OwnFileName json_name; // guarded by report_mutex
constinit bool has_stacks = false;
constexpr const char* kAtEnd = "at the end of the program";
constexpr const char* kAfterFault = "after the access above";

/// As abort(), but at once: first for a handler of the program's, which may write a crash report.
[[noreturn]] void die()
{
    sigset_t abort_signal;
    ::sigemptyset(&abort_signal);
    ::sigaddset(&abort_signal, SIGABRT);
    ::pthread_sigmask(SIG_UNBLOCK, &abort_signal, nullptr);
    ::raise(SIGABRT);
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGABRT, &action, nullptr);
    ::raise(SIGABRT);
    ::_exit(127);
}

void act_on_error(const CheckError& error)
{
    // What the program may well expect; malloc says no.
    if (error.fault == CheckFault::impossible_size) return;
    // The handler of the signal does.
    if (error.access != AccessKind::none || error.occasion == kAfterFault) return;
    switch (startup_options().on_error) {
    case OnError::abort:
        wait_for_reports();
        die();
    case OnError::exit:
        wait_for_reports();
        ::syscall(SYS_exit_group, static_cast<int>(startup_options().exitcode));
        [[fallthrough]];
    case OnError::stop:
        stop_for_debugger();
        break;
    case OnError::resume:
        break;
    }
}

void report(const CheckError& error)
{
    const os::ErrnoGuard guard;
    int cancellation = 0; // state before; malloc is no cancellation point
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    reports_under_way.fetch_add(1, std::memory_order_relaxed);
    {
        const NoFaultReports own;
        const os::LockGuard lock(report_mutex);
        errors.fetch_add(error.fault != CheckFault::impossible_size, std::memory_order_relaxed);
        CheckError shown = error;
        // Of the end of every program the same is to be said.
        if (error.occasion == kAtEnd || error.occasion == kAfterFault) shown.here = 0;
        if (startup_options().hardens()) {
            report_check_in_line(shown, write_report);
        } else {
            const std::string_view json = startup_options().json.view();
            if (error.block.start == 0)
                shown.stack_of =
                    thread_stacks.owner_of(error.address, place_of(error.address).mapping);
            report_check(shown, write_report, json.empty() ? nullptr : json_name.of(json));
        }
    }
    reports_under_way.fetch_sub(1, std::memory_order_relaxed);
    act_on_error(error);
    ::pthread_setcancelstate(cancellation, nullptr);
}

void report_end_of_reports(std::size_t reports)
{
    Printer(write_report) << "tarn: " << std::uint64_t{reports}
                          << " different errors were reported; others are not told\n";
}

/// Returns what `look` does, how many blocks are damaged; -1: nobody can look now.
template <class Look> int hold_and(Look look)
{
    if (is_inside_malloc()) return -1;
    const ReportTurn turn; // a report about leaks holds the heap, too
    if (!turn.is_had() || !hold_heap()) return -1;
    const std::size_t damaged = look();
    release_heap();
    return static_cast<int>(damaged);
}

int look_at_all(const char* occasion)
{
    return hold_and([occasion] { return check_all_blocks(occasion); });
}

void look_as_due()
{
    if (is_inside_malloc()) return defer_until_outside(look_as_due);
    look_at_all("by check_every");
}

/// On a slow path.
void look_is_due()
{
    defer_until_outside(look_as_due);
}

/// In the child, where nobody makes a report.
void after_fork()
{
    reset_report_turn();
    report_mutex.reset();
    reports_under_way.store(0, std::memory_order_relaxed);
}

std::uint32_t stack_now()
{
    return has_stacks ? find_stack() : 0;
}

/// Most blocks are to be guarded, so that the stack of each may be wanted.
bool guards_many(const Options& options)
{
    return options.guard && options.guard.kind != GuardChoice::Kind::sample;
}

/// What the tracer keeps of a thread goes to the next one.
constinit const Observer* tracing = nullptr;

using ThreadLeaves = void(const void* address_on_its_stack);
constinit ThreadLeaves* next_thread_leaves = nullptr;

void leave_checks(const void* address_on_its_stack)
{
    note_thread_end();
    end_fault_reports_of_thread();
    if (tracing != nullptr) tracing->thread_leaves();
    if (next_thread_leaves != nullptr) next_thread_leaves(address_on_its_stack);
}

bool start_own_tracing()
{
    tracing = start_tracing(
        {.most_calls = startup_options().depth, .counts_sites = false, .sample_period = 0});
    return tracing != nullptr;
}

bool is_on()
{
    return settings.checks != nullptr || settings.guards != nullptr;
}

void report_unguarded()
{
    const std::uint64_t refused = guard_pool.refused();
    if (refused == 0) return;
    Printer(write_report) << "tarn: guard: " << refused << " blocks had no guards, for guard_max="
                          << std::uint64_t{guard_pool.most_mappings()}
                          << " mappings or guard_memory=" << HumanBytes{guard_pool.most_memory()}
                          << " were in use"
                          << (guards_many(startup_options()) ? "; they had canaries\n" : "\n");
}

/// Neither stacks nor a helper.
void prepare_hardening()
{
    const Options& options = startup_options();
    settings.scatters_slabs = true;
    settings.checks = start_hardening({.zero = options.zero, .checks_kinds = options.mismatch},
                                      {.current_stack = nullptr,
                                       .site_of = nullptr,
                                       .report = report,
                                       .has_own_operators = has_own_operators});
    tell_cxx_forms();
}

/// With every mode off.
void act_on_bad_free(const void* address, BadFree what)
{
    const os::ErrnoGuard guard;
    Printer(write_report) << "tarn: "
                          << (what == BadFree::double_free ? "double free of " : "free of ")
                          << Hex{reinterpret_cast<std::uintptr_t>(address)}
                          << (what == BadFree::double_free ? "" : ", where no block begins")
                          << ", in " << os::executable_name() << ", process " << os::process_id()
                          << "; TARN=debug says more\n";
    act_on_error(
        {.fault = CheckFault::invalid_free, .address = reinterpret_cast<std::uintptr_t>(address)});
}

} // namespace

bool has_stacks_of_checks()
{
    return has_stacks;
}

void look_for_overrun(std::uintptr_t address)
{
    if (settings.checks != nullptr)
        hold_and([address] { return std::size_t{report_overrun(address, kAfterFault)}; });
}

void wait_for_reports()
{
    constexpr ::timespec kMillisecond{0, 1'000'000};
    for (int waited = 0; waited < 10'000; ++waited) {
        if (reports_under_way.load(std::memory_order_relaxed) == 0) return;
        ::nanosleep(&kMillisecond, nullptr);
    }
}

void stop_for_debugger()
{
    Printer(write_report) << "tarn: stopped for a debugger: gdb -p " << os::process_id()
                          << "; kill -CONT lets it go on\n";
    ::kill(::getpid(), SIGSTOP);
}

void prepare_checks()
{
    settings.bad_free = act_on_bad_free;
    const Options& options = startup_options();
    if (!options.checks_blocks() && !options.samples_guards()) return;
    if (options.hardens()) return prepare_hardening();
    // Leaks and traces start it themselves.
    has_stacks = settings.observer != nullptr || start_own_tracing();
    const bool frees =
        options.harden || options.poison == PoisonMode::free || options.poison == PoisonMode::both;
    const bool fills = options.poison == PoisonMode::alloc || options.poison == PoisonMode::both;
    const CheckSettings wanted = {
        // A look without them would see nothing, and what is not guarded because of a limit has
        // them at least.
        .canaries =
            options.canary || options.check_every != 0 || guards_many(options) || options.harden,
        .fills_allocated = fills,
        .fills_freed = frees,
        .keeps_stacks = (options.debug || guards_many(options)) && options.stacks,
        // The fast paths do not know of kinds.
        .checks_kinds = options.mismatch && !options.samples_guards(),
        .allocated = static_cast<std::uint8_t>(options.poison_alloc),
        .freed = static_cast<std::uint8_t>(options.poison_free),
        // Of a block that malloc has at once nobody can tell who writes to it.
        .quarantine =
            (frees || options.harden) && options.quarantine == 0 ? MiB(1) : options.quarantine,
        .check_every = options.check_every,
        .look_is_due = look_is_due,
        .guards = {.choice = options.guard,
                   .limits = {.align = options.guard_align,
                              .mappings = options.guard_max,
                              .memory = options.guard_memory}}};
    const CheckHooks hooks{.current_stack = stack_now,
                           .site_of = site_number,
                           .report = report,
                           .reports_end = report_end_of_reports,
                           .thread_begins = begin_fault_reports_of_thread,
                           .has_own_operators = has_own_operators};
    next_thread_leaves = settings.thread_leaves;
    settings.thread_leaves = leave_checks;
    if (options.samples_guards()) {
        settings.guards = start_guards(wanted, hooks);
        settings.sample_period = options.guard.first;
        return;
    }
    settings.checks = start_checks(wanted, hooks);
    tell_cxx_forms();
}

void start_check_reports()
{
    if (!is_on()) return;
    if (has_own_operators()) ignore_block_kinds();
    os::add_fork_hooks({nullptr, nullptr, after_fork});
    if (startup_options().hardens()) return;
    prepare_helper();
    start_fault_reports();
}

int check_blocks_at_end(int status)
{
    if (!is_on()) return status;
    wait_for_reports();
    if (settings.checks != nullptr && !startup_options().hardens()) look_at_all(kAtEnd);
    report_unguarded();
    const bool was_wrong = errors.load(std::memory_order_relaxed) != 0;
    const auto exitcode = static_cast<int>(startup_options().exitcode);
    return was_wrong && exitcode != 0 ? exitcode : status;
}

} // namespace tarn

TARN_EXPORT int tarn_check_heap()
{
    return tarn::settings.checks != nullptr ? tarn::look_at_all("by tarn_check_heap()") : -1;
}

TARN_EXPORT int tarn_describe(const void* address)
{
    if (!tarn::is_on()) return -1;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const tarn::CheckedBlock block = tarn::describe_address(at);
    tarn::print_description(at, block, tarn::write_report);
    return block.start != 0 ? 1 : 0;
}
