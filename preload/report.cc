// SPDX-License-Identifier: MIT

#include "preload/report.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/startup.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"
#include "src/os/mutex.h"
#include "src/os/process.h"

namespace tarn {

namespace {

void expand(FixedText<1024>& name, char what)
{
    static constinit std::atomic<std::uint64_t> names{0};
    std::array<char, 256> host;
    switch (what) {
    case 'p':
        name << os::process_id();
        break;
    case 'e':
        name << os::executable_name();
        break;
    case 't':
        name << os::wall_clock_seconds();
        break;
    case 'n':
        name << names.fetch_add(1, std::memory_order_relaxed);
        break;
    case 'h':
        name << std::string_view(host.data(), os::host_name(host));
        break;
    case '%':
        name << "%";
        break;
    default:
        name << "%" << std::string_view(&what, 1);
        break;
    }
}

} // namespace

FixedText<1024> expand_pattern(std::string_view pattern)
{
    FixedText<1024> name;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '%' && i + 1 < pattern.size())
            expand(name, pattern[++i]);
        else
            name << std::string_view(&pattern[i], 1);
    }
    return name;
}

namespace {

/// The log of this process: the same file for all it says, until it forks.
const char* log_name(std::string_view pattern)
{
    static constinit FixedText<1024> name;
    static constinit std::uint64_t named_for = 0;
    if (named_for != os::process_id()) {
        named_for = os::process_id();
        name = expand_pattern(pattern);
    }
    return name.c_str();
}

} // namespace

namespace {

constinit os::Mutex mutex;

/// A reader of our messages that has gone away is none of the program's business: what the calling
/// thread writes meanwhile raises no SIGPIPE.
class NoBrokenPipe {
public:
    NoBrokenPipe()
    {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    NoBrokenPipe(const NoBrokenPipe&) = delete;
    NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;
    ~NoBrokenPipe()
    {
        // The raw call: libc's is a point where threads are cancelled.
        const ::timespec at_once{};
        if (!was_pending_) ::syscall(SYS_rt_sigtimedwait, &pipe_, nullptr, &at_once, kKernelSet);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    static constexpr std::size_t kKernelSet = 8; // bytes of a set of signals

    sigset_t pipe_;
    sigset_t before_;
    bool was_pending_;
};

} // namespace

void reset_report_lock()
{
    mutex.reset();
}

void write_report(std::string_view text)
{
    const os::ErrnoGuard keep_errno;
    const os::LockGuard guard(mutex);
    const NoBrokenPipe no_broken_pipe;
    os::Output output;
    const std::string_view pattern = startup_options().log.view();
    if (!pattern.empty()) output.open(log_name(pattern), os::Output::Mode::append);
    output.write(text);
    output.close();
}

} // namespace tarn
