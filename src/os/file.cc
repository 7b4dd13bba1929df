// SPDX-License-Identifier: MIT

#include "src/os/file.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/print.h"
#include "src/os/errno_guard.h"

namespace tarn {

namespace {

// By number: libc's own are cancellation points, and malloc is none.
int open_file(const char* path, int flags)
{
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644));
}

ssize_t read_some(int descriptor, void* buffer, std::size_t size)
{
    return ::syscall(SYS_read, descriptor, buffer, size);
}

ssize_t write_some(int descriptor, const void* buffer, std::size_t size)
{
    return ::syscall(SYS_write, descriptor, buffer, size);
}

void close_file(int descriptor)
{
    ::syscall(SYS_close, descriptor);
}

/// A reader that has gone away, or a limit to the size of files, is no reason to end the program:
/// what the calling thread writes meanwhile raises no SIGPIPE and no SIGXFSZ.
class NoSignals {
public:
    NoSignals()
    {
        ::sigemptyset(&ours_);
        for (const int signal : kSignals)
            ::sigaddset(&ours_, signal);
        ::pthread_sigmask(SIG_BLOCK, &ours_, &before_);
        sigset_t pending;
        ::sigpending(&pending);
        for (const int signal : kSignals)
            if (::sigismember(&pending, signal) == 1) ::sigdelset(&ours_, signal);
    }
    NoSignals(const NoSignals&) = delete;
    NoSignals& operator=(const NoSignals&) = delete;
    ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    /// To be called when something could not be written.
    void take_back() const
    {
        constexpr std::size_t kKernelSet = 8; // bytes of a set of signals
        const ::timespec at_once{};
        // The raw call: libc's is a point where threads are cancelled.
        ::syscall(SYS_rt_sigtimedwait, &ours_, nullptr, &at_once, kKernelSet);
    }

private:
    static constexpr std::array kSignals{SIGPIPE, SIGXFSZ};

    sigset_t ours_; // those that were not pending before
    sigset_t before_;
};

/// Returns 0 or an error number.
int write_all(int descriptor, std::string_view text)
{
    const os::ErrnoGuard guard;
    const NoSignals no_signals;
    while (!text.empty()) {
        const ssize_t written = write_some(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            const int error = written < 0 ? errno : EIO; // closed, full or gone
            no_signals.take_back();
            return error;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

/// A second descriptor of the stderr that the program was started with, and what tells whether it
/// still is one: programs close descriptors that they do not know, and reuse numbers.
struct KeptDescriptor {
    int descriptor = -1;
    dev_t device = 0;
    ino_t inode = 0;

    bool is_set() const { return descriptor >= 0; }
    bool is_still(int candidate) const
    {
        struct stat now = {};
        return ::fstat(candidate, &now) == 0 && now.st_dev == device && now.st_ino == inode;
    }
};
constinit KeptDescriptor kept_stderr{};

} // namespace

void write_to_stderr(std::string_view text)
{
    const os::ErrnoGuard guard;
    // What cannot be written is lost: a report is not worth more trouble.
    if (!kept_stderr.is_set()) {
        write_all(STDERR_FILENO, text);
        return;
    }
    for (const int descriptor : {kept_stderr.descriptor, STDERR_FILENO})
        if (kept_stderr.is_still(descriptor)) {
            write_all(descriptor, text);
            return;
        }
}

namespace os {

void keep_stderr()
{
    const ErrnoGuard guard;
    // Well above the numbers that a program expects its own files to get.
    constexpr int kFirst = 200;
    struct stat now = {};
    if (::fstat(STDERR_FILENO, &now) != 0) return;
    const int copy = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kFirst);
    kept_stderr = {.descriptor = copy, .device = now.st_dev, .inode = now.st_ino};
}

void forget_stderr()
{
    const ErrnoGuard guard;
    if (!kept_stderr.is_set()) return;
    if (kept_stderr.is_still(kept_stderr.descriptor)) ::close(kept_stderr.descriptor);
    // What is there must still be what was there, or it is a file of the program's.
    kept_stderr.descriptor = STDERR_FILENO;
}

void close_all_but_stderr()
{
    const ErrnoGuard guard;
    const auto close_from = [](unsigned first, unsigned last) {
#ifdef SYS_close_range
        if (first <= last) ::syscall(SYS_close_range, first, last, 0);
#endif
    };
    const auto kept = static_cast<unsigned>(std::max(kept_stderr.descriptor, STDERR_FILENO));
    close_from(0, STDERR_FILENO - 1);
    close_from(STDERR_FILENO + 1, kept - 1);
    close_from(kept + 1, ~0U);
}

std::string_view current_directory(std::span<char> room)
{
    const ErrnoGuard guard;
    // libc's allocates, and says "(unreachable)" of what lies outside of chroot().
    const long result = ::syscall(SYS_getcwd, room.data(), room.size());
    if (result <= 0 || room[0] != '/') return {};
    auto size = static_cast<std::size_t>(result); // with the closing null
    if (size == sizeof("/"))
        --size;
    else
        room[size - 1] = '/';
    return {room.data(), size};
}

std::size_t read_file(const char* path, char* buffer, std::size_t room)
{
    const ErrnoGuard guard;
    const int descriptor = open_file(path, O_RDONLY);
    if (descriptor < 0) return 0;
    std::size_t used = 0;
    while (used < room) {
        const ssize_t got = read_some(descriptor, buffer + used, room - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        used += static_cast<std::size_t>(got);
    }
    close_file(descriptor);
    return used;
}

bool Output::open(const char* path, Mode mode)
{
    const ErrnoGuard guard;
    const int how = mode == Mode::append ? O_APPEND : O_TRUNC;
    problem_ = 0;
    descriptor_ = open_file(path, O_WRONLY | O_CREAT | how);
    if (descriptor_ >= 0) return true;

    complain_of_file(path, errno);
    return false;
}

void complain_of_file(const char* path, int problem)
{
    // Once: what a report is written in are pieces, and each would say so again.
    static constinit std::atomic<bool> said{false};
    if (said.exchange(true, std::memory_order_relaxed)) return;
    Printer(write_to_stderr) << "tarn: cannot write '" << path
                             << "': " << ::strerrordesc_np(problem) << "\n";
}

void Output::write(std::string_view text)
{
    if (descriptor_ < 0)
        write_to_stderr(text);
    else if (problem_ == 0)
        problem_ = write_all(descriptor_, text);
}

int Output::close()
{
    const ErrnoGuard guard;
    if (descriptor_ >= 0) close_file(descriptor_);
    descriptor_ = -1;
    return problem_;
}

} // namespace os

} // namespace tarn
