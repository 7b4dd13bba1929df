// SPDX-License-Identifier: MIT

#include "preload/signals.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include "preload/export.h"
#include "preload/next.h"
#include "src/base/print.h"
#include "src/base/text.h"
#include "src/heap/deferred.h"
#include "src/os/errno_guard.h"

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

void end_by_signal(int signal);

void end_by_waiting_signal()
{
    end_by_signal(waiting.load(std::memory_order_relaxed));
}

void end_by_signal(int signal)
{
    const os::ErrnoGuard guard;
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
    action.sa_handler = end_by_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    return action;
}

bool is_default(const struct sigaction& action)
{
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

bool is_ours(const struct sigaction& action)
{
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == end_by_signal;
}

int change_action(int signal, const struct sigaction* action, struct sigaction* previous)
{
    const struct sigaction ours = our_action();
    if (action != nullptr && is_default(*action)) action = &ours;
    const int result = set_action(signal, action, previous);
    if (result == 0 && previous != nullptr && is_ours(*previous)) *previous = {};
    return result;
}

} // namespace

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

namespace {

constinit std::array<std::atomic<void (*)()>, NSIG> acts{};

void run_act(int signal)
{
    const os::ErrnoGuard guard;
    if (auto* const act = acts[static_cast<std::size_t>(signal)].load(std::memory_order_relaxed))
        act();
}

} // namespace

void act_on_signal(int signal, void (*act)())
{
    acts[static_cast<std::size_t>(signal)].store(act, std::memory_order_relaxed);
    struct sigaction action {};
    action.sa_handler = run_act;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    ::__sigaction(signal, &action, nullptr);
}

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

} // namespace tarn

TARN_EXPORT int sigaction(int signal, const struct sigaction* action, struct sigaction* previous)
{
    if (tarn::is_taken_over(signal)) return tarn::change_action(signal, action, previous);
    return tarn::set_action(signal, action, previous);
}

TARN_EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
    if (!tarn::is_taken_over(signal)) return tarn::set_handler(signal, handler);
    if (handler == SIG_DFL) handler = tarn::end_by_signal;
    sighandler_t previous = tarn::set_handler(signal, handler);
    return previous == tarn::end_by_signal ? SIG_DFL : previous;
}
// NOLINTEND(readability-identifier-naming,*-reserved-identifier,cert-dcl*)
