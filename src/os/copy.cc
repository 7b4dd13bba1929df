// SPDX-License-Identifier: MIT

#include "src/os/copy.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/os/errno_guard.h"
#include "src/os/file.h"
#include "src/os/memory.h"
#include "src/os/process.h"

namespace tarn::os {

namespace {

/// A child with no signal at its end, which only wait4() with __WCLONE sees. Its number; in it 0;
/// or an error number below 0.
long clone_process()
{
    // By number: libc's fork() calls handlers. In this order on every processor, since all are 0.
    const long child = ::syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
    return child >= 0 ? child : -errno;
}

/// Likewise, but does not return in it.
long start_child(const CopyWork& work)
{
    if (const long child = clone_process(); child != 0) return child;
    work.run(work.context);
    for (;;)
        ::syscall(SYS_exit_group, 0);
}

struct Between {
    const CopyWork* work;
    long copy;
};

/// A process in between, which has our memory and ends at once: so the copy is nobody's child.
int start_from_between(void* context)
{
    Between& between = *static_cast<Between*>(context);
    between.copy = start_child(*between.work);
    return 0;
}

long start_orphan(const CopyWork& work)
{
    auto* const stack = static_cast<std::byte*>(map(work.stack_size, kPageSize));
    if (stack == nullptr) return -ENOMEM;
    Between between{.work = &work, .copy = -EAGAIN};
    const int process =
        ::clone(start_from_between, stack + work.stack_size, CLONE_VM | CLONE_VFORK, &between);
    if (process < 0) between.copy = -errno;
    if (process > 0) ::syscall(SYS_wait4, process, nullptr, __WCLONE, nullptr);
    unmap(stack, work.stack_size);
    return between.copy;
}

/// Whether processes without a parent become children of this one: their end would be a SIGCHLD.
bool adopts()
{
    int is_subreaper = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper, 0, 0, 0);
    return is_subreaper != 0 || ::getpid() == 1;
}

using Action = void (*)();
constinit Action when_crashed = nullptr;

void crash(int /*signal*/)
{
    if (when_crashed != nullptr) when_crashed();
    ::syscall(SYS_exit_group, 1);
}

/// The program shall not be killed for what its copy takes.
void be_killed_first()
{
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    constexpr std::string_view kMost = "1000";
    ::syscall(SYS_write, file, kMost.data(), kMost.size());
    ::close(file);
}

/// What clone_process() has returned.
StartedCopy started(long process, bool is_child)
{
    return {.process = static_cast<int>(std::max(process, 0L)),
            .problem = static_cast<int>(std::max(-process, 0L)),
            .is_child = is_child && process > 0};
}

} // namespace

StartedCopy start_copy(const CopyWork& work)
{
    const ErrnoGuard guard;
    const bool is_child = work.is_waited_for || adopts();
    return started(is_child ? start_child(work) : start_orphan(work), is_child);
}

StartedCopy start_copy_here()
{
    const ErrnoGuard guard;
    return started(clone_process(), true);
}

int wait_for_copy(const StartedCopy& copy)
{
    const ErrnoGuard guard;
    int status = -1;
    while (::syscall(SYS_wait4, copy.process, &status, __WCLONE, nullptr) < 0 && errno == EINTR) {
    }
    return status;
}

std::optional<int> status_of_copy(const StartedCopy& copy)
{
    const ErrnoGuard guard;
    int status = 0;
    const long ended = ::syscall(SYS_wait4, copy.process, &status, __WCLONE | WNOHANG, nullptr);
    return ended == copy.process ? std::optional(status) : std::nullopt;
}

void forget_copy(const StartedCopy& copy)
{
    const ErrnoGuard guard;
    if (copy.is_child) ::syscall(SYS_wait4, copy.process, nullptr, __WCLONE | WNOHANG, nullptr);
}

bool is_running(const StartedCopy& copy)
{
    const ErrnoGuard guard;
    return ::kill(copy.process, 0) == 0 || errno == EPERM; // as after setuid()
}

void settle_in_copy(std::uint64_t original, void (*crashed)())
{
    set_process_id(original);
    close_all_but_stderr();
    ::prctl(PR_SET_NAME, "tarn-leaks", 0, 0, 0);
    be_killed_first();
    when_crashed = crashed;
    struct sigaction action {};
    action.sa_handler = crash;
    sigset_t faults;
    ::sigemptyset(&faults);
    for (const int signal : {SIGSEGV, SIGBUS}) {
        ::sigaction(signal, &action, nullptr);
        ::sigaddset(&faults, signal);
    }
    ::pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
}

void* map_shared(std::size_t size)
{
    const ErrnoGuard guard;
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : nullptr;
}

} // namespace tarn::os
