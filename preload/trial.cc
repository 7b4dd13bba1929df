// SPDX-License-Identifier: MIT

#include "preload/trial.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/report.h"
#include "preload/startup.h"
#include "preload/state.h"
#include "src/base/text.h"
#include "src/os/fork.h"
#include "src/os/mutex.h"
#include "src/os/process.h"
#include "tracer/mapped_array.h"

namespace tarn {

namespace {

constinit os::Mutex mutex;

constinit Lasting<MappedArray<Trial>> trials; // guarded by mutex

/// Keeps the end of a copy from the program: its handler of SIGCHLD does not run in this thread,
/// and where it ignores its children we can still wait for ours.
class UnseenChild {
public:
    UnseenChild()
    {
        ::sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &mask_);
        was_pending_ = is_pending();
        ::sigaction(SIGCHLD, nullptr, &action_);
        is_ignored_ = action_.sa_handler == SIG_IGN || (action_.sa_flags & SA_NOCLDWAIT) != 0;
        if (!is_ignored_) return;
        struct sigaction plain {};
        plain.sa_handler = SIG_DFL;
        ::sigaction(SIGCHLD, &plain, nullptr);
    }
    UnseenChild(const UnseenChild&) = delete;
    UnseenChild& operator=(const UnseenChild&) = delete;
    ~UnseenChild()
    {
        if (is_ignored_) ::sigaction(SIGCHLD, &action_, nullptr);
        ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    }

    /// In the parent: whoever wants to end it need not wait for the copy.
    void let_others_through() const
    {
        ::sigset_t mask = mask_;
        ::sigaddset(&mask, SIGCHLD);
        ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    }

    /// Likewise, when the copy has ended.
    void take_signal() const
    {
        if (was_pending_ || !is_pending()) return;
        ::sigset_t child;
        ::sigemptyset(&child);
        ::sigaddset(&child, SIGCHLD);
        const ::timespec at_once{};
        ::sigtimedwait(&child, nullptr, &at_once);
        // Signals of one number are one: it may have been for a child of the program's, too.
        ::siginfo_t other{};
        if (::waitid(P_ALL, 0, &other, WEXITED | WNOHANG | WNOWAIT) == 0 && other.si_pid != 0)
            ::kill(::getpid(), SIGCHLD);
    }

private:
    static bool is_pending()
    {
        ::sigset_t pending;
        return ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGCHLD) == 1;
    }

    ::sigset_t mask_{};
    struct sigaction action_ {};
    bool was_pending_ = false;
    bool is_ignored_ = false;
};

void sleep_for(std::size_t microseconds)
{
    const ::timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(microseconds * 1000)};
    ::nanosleep(&time, nullptr);
}

/// Returns its status, see Trial.
int wait_for(::pid_t copy)
{
    constexpr std::size_t kLongest = 5000; // microseconds
    std::uint64_t deadline = os::clock_milliseconds() + startup_options().fail_timeout;
    int status = 0;
    bool is_killed = false;
    for (std::size_t pause = 100;; pause = std::min(2 * pause, kLongest)) {
        const ::pid_t ended = ::waitpid(copy, &status, WNOHANG);
        if (ended == copy) return is_killed ? Trial::kNotOver : status;
        if (ended < 0 && errno == ECHILD) return Trial::kNotKnown;
        if (!is_killed && os::clock_milliseconds() >= deadline) {
            ::kill(copy, SIGKILL);
            is_killed = true;
        }
        sleep_for(pause);
    }
}

/// What the copy starts is no matter of ours: else there would be copies of copies.
void leave_environment()
{
    char** kept = environ;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
        if (!has_prefix(*entry, "TARN")) *kept++ = *entry;
    if (kept != nullptr) *kept = nullptr;
}

void become_copy()
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int descriptor = 0; nowhere >= 0 && descriptor <= STDERR_FILENO; ++descriptor)
        ::dup2(nowhere, descriptor);
    if (nowhere > STDERR_FILENO) ::close(nowhere);
    silence_reports();
    leave_environment();
}

void tell_no_copy(int problem)
{
    static constinit std::atomic<bool> is_told{false};
    if (is_told.exchange(true)) return;
    Printer(write_report) << "tarn: fail_fork: the process cannot be copied, error "
                          << static_cast<std::uint64_t>(problem) << " of fork(2)\n";
}

/// Returns true in the copy.
bool try_in_copy(const Refusal& refusal)
{
    const UnseenChild unseen;
    auto* const bare = bare_fork();
    const ::pid_t copy = bare != nullptr ? os::fork_alone(bare) : ::fork();
    if (copy == 0) {
        become_copy();
        return true;
    }
    if (copy < 0) {
        tell_no_copy(errno);
        return false;
    }
    unseen.let_others_through();
    const int status = wait_for(copy);
    unseen.take_signal();
    trials.value.push_back({.refusal = refusal, .status = status});
    return false;
}

} // namespace

bool begin_trial()
{
    return mutex.try_lock();
}

bool end_trial(const Refusal& refusal, bool is_wanted)
{
    const bool is_copy = is_wanted && try_in_copy(refusal);
    mutex.unlock();
    return is_copy;
}

bool report_all_trials()
{
    const os::LockGuard guard(mutex);
    report_trials(trials.value.all(), startup_options().fail_timeout, write_report);
    return std::ranges::any_of(trials.value.all(), &Trial::has_crashed);
}

void forget_trials()
{
    mutex.reset();
    trials.value.resize(0);
}

} // namespace tarn
