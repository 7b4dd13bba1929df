// SPDX-License-Identifier: MIT

#include "preload/trial.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <optional>
#include <sys/prctl.h>
#include <unistd.h>

#include "preload/report.h"
#include "preload/startup.h"
#include "src/base/text.h"
#include "src/os/fork.h"
#include "src/os/mutex.h"
#include "src/os/process.h"
#include "tracer/mapped_array.h"

namespace tarn {

namespace {

constinit os::Mutex mutex;

constinit Lasting<MappedArray<Trial>> trials; // guarded by mutex

void sleep_for(std::size_t microseconds)
{
    const ::timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(microseconds * 1000)};
    ::nanosleep(&time, nullptr);
}

/// Returns its status, see Trial.
int wait_for(const os::StartedCopy& copy)
{
    constexpr std::size_t kLongest = 5000; // microseconds
    const std::uint64_t deadline = os::clock_milliseconds() + startup_options().fail_timeout;
    for (std::size_t pause = 100;; pause = std::min(2 * pause, kLongest)) {
        if (const std::optional<int> status = os::status_of_copy(copy)) return *status;
        if (os::clock_milliseconds() >= deadline) break;
        sleep_for(pause);
    }
    ::kill(copy.process, SIGKILL);
    os::wait_for_copy(copy);
    return Trial::kNotOver;
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
                          << static_cast<std::uint64_t>(problem) << " of clone(2)\n";
}

/// Returns true in the copy.
bool try_in_copy(const Refusal& refusal)
{
    const os::StartedCopy copy = os::start_copy_with_hooks();
    if (copy.problem != 0) {
        tell_no_copy(copy.problem);
        return false;
    }
    if (copy.process == 0) {
        become_copy();
        return true;
    }
    const int status = wait_for(copy);
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
