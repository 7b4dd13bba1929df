// SPDX-License-Identifier: MIT

#include "preload/endings.h"

#include <atomic>
#include <cstdlib>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/checks.h"
#include "preload/failures.h"
#include "preload/leaks.h"
#include "src/os/fork.h"

namespace tarn {

namespace {

/// A child of vfork() has another number, but our memory: it has nothing to report.
constinit std::atomic<::pid_t> owner{0};
constinit std::atomic<bool> is_done{false};

void after_fork()
{
    owner.store(::getpid(), std::memory_order_relaxed);
    is_done.store(false, std::memory_order_relaxed);
}

void report_at_quick_exit()
{
    if (const int status = report_end(0)) ::syscall(SYS_exit_group, status);
}

} // namespace

void start_end_reports()
{
    owner.store(::getpid(), std::memory_order_relaxed);
    os::add_fork_hooks({nullptr, nullptr, after_fork});
    ::at_quick_exit(report_at_quick_exit);
}

int report_end(int status)
{
    const bool is_ours = owner.load(std::memory_order_relaxed) == ::getpid();
    if (is_ours && !is_done.exchange(true)) status = check_blocks_at_end(report_failures(status));
    return report_leaks_at_end(status);
}

} // namespace tarn
