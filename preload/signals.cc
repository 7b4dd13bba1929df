// SPDX-License-Identifier: MIT

#include "preload/signals.h"

#include <array>
#include <atomic>
#include <csignal>

#include "preload/export.h"
#include "src/os/errno_guard.h"

// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier,cert-dcl*): libc's names
extern "C" {
// The same functions of libc under names that we do not take over.
int __sigaction(int signal, const struct sigaction* action, struct sigaction* previous);
sighandler_t ssignal(int signal, sighandler_t handler);
}

namespace tarn {

namespace {

constexpr std::array kFatal{SIGHUP, SIGINT, SIGTERM, SIGABRT};

constinit std::atomic<void (*)()> report{nullptr}; // null: nothing is taken over

void end_by_signal(int signal)
{
    const os::ErrnoGuard guard;
    if (auto* const before = report.load(std::memory_order_relaxed)) before();
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
    action.sa_flags = SA_RESTART;
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
    const int result = ::__sigaction(signal, action, previous);
    if (result == 0 && previous != nullptr && is_ours(*previous)) *previous = {};
    return result;
}

} // namespace

void report_before_fatal_signals(void (*before)())
{
    for (const int signal : kFatal) {
        struct sigaction action {};
        if (::__sigaction(signal, nullptr, &action) != 0 || !is_default(action)) continue;
        action = our_action();
        ::__sigaction(signal, &action, nullptr);
    }
    report.store(before, std::memory_order_relaxed);
}

} // namespace tarn

TARN_EXPORT int sigaction(int signal, const struct sigaction* action, struct sigaction* previous)
{
    if (tarn::is_taken_over(signal)) return tarn::change_action(signal, action, previous);
    return ::__sigaction(signal, action, previous);
}

TARN_EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
    if (!tarn::is_taken_over(signal)) return ::ssignal(signal, handler);
    if (handler == SIG_DFL) handler = tarn::end_by_signal;
    sighandler_t previous = ::ssignal(signal, handler);
    return previous == tarn::end_by_signal ? SIG_DFL : previous;
}
// NOLINTEND(readability-identifier-naming,*-reserved-identifier,cert-dcl*)
