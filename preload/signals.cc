// SPDX-License-Identifier: MIT

#include "preload/signals.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ucontext.h>
#include <unistd.h>

#include "preload/export.h"
#include "preload/next.h"
#include "preload/report.h"
#include "src/base/print.h"
#include "src/base/text.h"
#include "src/heap/deferred.h"
#include "src/os/errno_guard.h"
#include "tracer/caller_state.h"
#include "tracer/waiting_call.h"

// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier,cert-dcl*): libc's names
extern "C" {
// The same functions of libc under names that we do not take over.
int __sigaction(int signal, const struct sigaction* action, struct sigaction* previous);
sighandler_t ssignal(int signal, sighandler_t handler);
}

namespace tarn {

namespace {

using Sigaction = int(int, const struct sigaction*, struct sigaction*);
using Signal = sighandler_t(int, sighandler_t);

constinit Next<Sigaction> next_sigaction("sigaction");
constinit Next<Signal> next_signal("signal");

int set_action(int signal, const struct sigaction* action, struct sigaction* previous)
{
    Sigaction* const next = next_sigaction.get();
    return (next != nullptr ? next : ::__sigaction)(signal, action, previous);
}

sighandler_t set_handler(int signal, sighandler_t handler)
{
    Signal* const next = next_signal.get();
    return (next != nullptr ? next : ::ssignal)(signal, handler);
}

constexpr std::array kFatal{SIGHUP, SIGINT, SIGTERM, SIGABRT};

constinit std::atomic<bool (*)()> report{nullptr}; // null: nothing is taken over
constinit std::atomic<int> waiting{0};

void end_by_signal(int signal, siginfo_t* info, void* context);
void end_outside(int signal);

void end_by_waiting_signal()
{
    end_outside(waiting.load(std::memory_order_relaxed));
}

/// In our handler, or, where that has interrupted malloc, after it.
void end_outside(int signal)
{
    auto* const before = report.load(std::memory_order_relaxed);
    if (before != nullptr && !before()) {
        waiting.store(signal, std::memory_order_relaxed);
        return defer_until_outside(end_by_waiting_signal);
    }
    // Blocked until this handler returns; then the process ends as it would have without us.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::__sigaction(signal, &action, nullptr);
    ::raise(signal);
}

void end_by_signal(int signal, siginfo_t* info, void* context)
{
    const os::ErrnoGuard guard;
    // As abort() does.
    const bool is_raised = info->si_code == SI_TKILL && info->si_pid == ::getpid();
    const KnownCaller interrupted(interrupted_caller(*static_cast<const ucontext_t*>(context),
                                                     is_raised && signal == SIGABRT));
    end_outside(signal);
}

bool is_taken_over(int signal)
{
    if (report.load(std::memory_order_relaxed) == nullptr) return false;
    for (const int fatal : kFatal)
        if (signal == fatal) return true;
    return false;
}

struct sigaction our_action()
{
    struct sigaction action {};
    action.sa_sigaction = end_by_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    return action;
}

bool is_default(const struct sigaction& action)
{
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

bool is_ours(const struct sigaction& action)
{
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == end_by_signal;
}

int change_action(int signal, const struct sigaction* action, struct sigaction* previous)
{
    const struct sigaction ours = our_action();
    if (action != nullptr && is_default(*action)) action = &ours;
    const int result = set_action(signal, action, previous);
    if (result == 0 && previous != nullptr && is_ours(*previous)) *previous = {};
    return result;
}

/// What signal() returns: ours is the default to the program.
sighandler_t shown(sighandler_t handler)
{
    return handler == our_action().sa_handler ? SIG_DFL : handler; // the same member, as above
}

// Faults.

constexpr std::array kFaults{SIGSEGV, SIGBUS};

constinit std::atomic<FaultFilter> fault_filter{nullptr}; // null: nothing is taken over
constinit bool is_filter_first = false;

/// What the program has set for a fault. Its flags and its mask are those of our own handler, so
/// that the kernel does what they say.
struct OwnHandler {
    std::atomic<void (*)(int, siginfo_t*, void*)> handler{nullptr}; // null: the default
    std::atomic<int> flags{0};
};
constinit std::array<OwnHandler, kFaults.size()> own_handlers{};

/// nullptr: it is no fault, or not taken over.
OwnHandler* own_handler(int signal)
{
    if (fault_filter.load(std::memory_order_relaxed) == nullptr) return nullptr;
    for (std::size_t i = 0; i < kFaults.size(); ++i)
        if (signal == kFaults[i]) return &own_handlers[i];
    return nullptr;
}

void on_fault(int signal, siginfo_t* info, void* context)
{
    const os::ErrnoGuard guard;
    OwnHandler& own = *own_handler(signal);
    auto* const handler = own.handler.load(std::memory_order_acquire);
    const int flags = own.flags.load(std::memory_order_relaxed);
    FaultFilter const filter = fault_filter.load(std::memory_order_relaxed);
    if (filter(signal, info, context, handler != nullptr)) return;
    if (handler == nullptr || (flags & static_cast<int>(SA_RESETHAND)) != 0) {
        own.handler.store(nullptr, std::memory_order_relaxed);
        struct sigaction action {};
        action.sa_handler = SIG_DFL;
        ::__sigaction(signal, &action, nullptr);
    }
    if (handler == nullptr) {
        // A fault comes again as soon as the instruction is tried again; a signal that was sent
        // does not.
        if (info->si_code <= 0) ::raise(signal);
        return;
    }
    struct sigaction action {};
    action.sa_sigaction = handler;
    if ((flags & SA_SIGINFO) != 0) return handler(signal, info, context);
    action.sa_handler(signal); // the same member under its other name
}

struct sigaction fault_action()
{
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    return action;
}

bool is_filtered(const struct sigaction& action)
{
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_fault;
}

bool is_ignored(const struct sigaction& action)
{
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
}

/// Remembers what the program wants and returns what the kernel is to be told.
struct sigaction taken_over(OwnHandler& own, const struct sigaction& wanted)
{
    const bool is_default_wanted = is_default(wanted);
    own.flags.store(wanted.sa_flags, std::memory_order_relaxed);
    own.handler.store(is_default_wanted ? nullptr : wanted.sa_sigaction, std::memory_order_release);
    struct sigaction ours = is_default_wanted ? fault_action() : wanted;
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = on_fault;
    return ours;
}

/// sigaction() for a fault.
int change_fault_action(int signal, OwnHandler& own, const struct sigaction* action,
                        struct sigaction* previous)
{
    auto* const before = own.handler.load(std::memory_order_relaxed);
    const int flags_before = own.flags.load(std::memory_order_relaxed);
    struct sigaction ours {};
    if (action != nullptr && !is_ignored(*action) && (is_filter_first || is_default(*action))) {
        ours = taken_over(own, *action);
        action = &ours;
    }
    struct sigaction current {};
    const int result = set_action(signal, action, &current);
    if (result != 0) return result;
    if (is_filtered(current)) {
        current.sa_flags = flags_before;
        current.sa_sigaction = before;
        if (before == nullptr) current = {};
    }
    if (previous != nullptr) *previous = current;
    return 0;
}

/// signal() for a fault, by way of sigaction().
sighandler_t change_fault_handler(int signal, OwnHandler& own, sighandler_t handler)
{
    struct sigaction action {};
    struct sigaction previous {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    if (change_fault_action(signal, own, &action, &previous) != 0) return SIG_ERR;
    return previous.sa_handler;
}

} // namespace

void filter_faults(FaultFilter filter, bool is_first)
{
    is_filter_first = is_first;
    fault_filter.store(filter, std::memory_order_release);
    for (const int signal : kFaults) {
        struct sigaction action {};
        if (::__sigaction(signal, nullptr, &action) != 0) continue;
        if (is_default(action) || is_first)
            change_fault_action(signal, *own_handler(signal), &action, nullptr);
    }
}

void find_next_signals()
{
    next_sigaction.find();
    next_signal.find();
}

void report_before_fatal_signals(bool (*before)())
{
    // The first process of a container ignores signals that it has no handler for.
    if (::getpid() == 1) return;
    for (const int signal : kFatal) {
        struct sigaction action {};
        if (::__sigaction(signal, nullptr, &action) != 0 || !is_default(action)) continue;
        action = our_action();
        ::__sigaction(signal, &action, nullptr);
    }
    report.store(before, std::memory_order_relaxed);
}

void report_before_abort()
{
    auto* const before = report.load(std::memory_order_relaxed);
    struct sigaction action {};
    if (before != nullptr && ::__sigaction(SIGABRT, nullptr, &action) == 0 && is_ours(action))
        before();
}

namespace {

constinit std::array<std::atomic<void (*)()>, NSIG> acts{};

void run_act(int signal, siginfo_t* /*info*/, void* context)
{
    const os::ErrnoGuard guard;
    auto& interrupted = *static_cast<ucontext_t*>(context);
    // What the thread waits in is not to end because somebody wants to know something of us.
    const WaitingCall call = interrupted_call(interrupted);
    if (auto* const act = acts[static_cast<std::size_t>(signal)].load(std::memory_order_relaxed))
        act();
    make_again(call, interrupted);
}

/// Errors: 0.
int signal_number(std::string_view name)
{
    if (has_prefix(name, "SIG")) name = slice(name, 3);
    for (int signal = 1; signal < NSIG; ++signal) {
        const char* const known = ::sigabbrev_np(signal);
        FixedText<8> number;
        number << static_cast<std::uint64_t>(signal);
        if (number.view() == name || (known != nullptr && name == known)) return signal;
    }
    return 0;
}

} // namespace

void act_on_signal(std::string_view option, std::string_view name, void (*act)())
{
    if (name.empty()) return;
    const int signal = signal_number(name);
    if (signal == 0 || signal == SIGKILL || signal == SIGSTOP) {
        Printer(write_report) << "tarn: " << option << "=" << name
                              << ": no signal of that name can be caught\n";
        return;
    }
    acts[static_cast<std::size_t>(signal)].store(act, std::memory_order_relaxed);
    struct sigaction action {};
    action.sa_sigaction = run_act;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    ::sigfillset(&action.sa_mask); // for make_again()
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
        ::sigdelset(&action.sa_mask, fault);
    set_own_signal(signal, run_act);
    ::__sigaction(signal, &action, nullptr);
}

} // namespace tarn

TARN_EXPORT int sigaction(int signal, const struct sigaction* action, struct sigaction* previous)
{
    if (auto* const own = tarn::own_handler(signal))
        return tarn::change_fault_action(signal, *own, action, previous);
    if (tarn::is_taken_over(signal)) return tarn::change_action(signal, action, previous);
    return tarn::set_action(signal, action, previous);
}

TARN_EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
    if (auto* const own = tarn::own_handler(signal))
        return tarn::change_fault_handler(signal, *own, handler);
    if (!tarn::is_taken_over(signal)) return tarn::set_handler(signal, handler);
    if (handler != SIG_DFL) return tarn::shown(tarn::set_handler(signal, handler));
    const struct sigaction standard {};
    struct sigaction before {};
    return tarn::change_action(signal, &standard, &before) == 0 ? before.sa_handler : SIG_ERR;
}
// NOLINTEND(readability-identifier-naming,*-reserved-identifier,cert-dcl*)
