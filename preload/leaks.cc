// SPDX-License-Identifier: MIT

#include "preload/leaks.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/export.h"
#include "preload/report.h"
#include "preload/signals.h"
#include "preload/startup.h"
#include "src/heap/live_blocks.h"
#include "src/heap/settings.h"
#include "src/heap/statistics.h"
#include "src/heap/thread_cache.h"
#include "src/include/tarn/malloc.h"
#include "src/os/errno_guard.h"
#include "tracer/dead_stacks.h"
#include "tracer/leak_report.h"
#include "tracer/leak_scan.h"
#include "tracer/stopped_threads.h"

namespace tarn {

namespace {

static_assert(kLeakDefinite == 1U << static_cast<unsigned>(Reach::lost));
static_assert(kLeakIndirect == 1U << static_cast<unsigned>(Reach::indirect));
static_assert(kLeakPossible == 1U << static_cast<unsigned>(Reach::possible));
static_assert(kLeakReachable == 1U << static_cast<unsigned>(Reach::reachable));

/// The process whose end is reported. A child of vfork() has another number, but our memory.
constinit std::atomic<::pid_t> owner{0};
constinit std::atomic<bool> is_forked{false};

HeapTotals totals()
{
    tarn_statistics now{};
    collect_statistics(now);
    return {.allocations = now.allocations, .frees = now.frees};
}

constexpr HeapView kHeapView{.hold = hold_heap,
                             .release = release_heap,
                             .for_each_live = for_each_live_block,
                             .own_memory = list_own_memory,
                             .totals = totals};

void note_thread_end(const void* address_on_its_stack)
{
    dead_stacks.add(address_on_its_stack, tls_block());
}

void after_fork()
{
    is_forked.store(true, std::memory_order_relaxed);
    owner.store(startup_options().children ? ::getpid() : 0, std::memory_order_relaxed);
}

/// True once for each process.
bool claim_report()
{
    ::pid_t expected = ::getpid();
    return owner.compare_exchange_strong(expected, 0);
}

/// Returns how many blocks are lost.
std::uint64_t report_now(bool only_leaks)
{
    const Options& options = startup_options();
    return report_leaks(
        kHeapView,
        {.show = options.leaks_show, .most_groups = options.leaks_max, .only_leaks = only_leaks},
        write_report);
}

void report_before_signal()
{
    report_leaks_at_end(0);
}

void report_at_quick_exit()
{
    if (const int status = report_leaks_at_end(0)) leave_with(status);
}

} // namespace

void prepare_leak_report()
{
    settings.thread_leaves = note_thread_end;
}

void start_leak_reports()
{
    owner.store(::getpid(), std::memory_order_relaxed);
    ::pthread_atfork(nullptr, nullptr, after_fork);
    ::at_quick_exit(report_at_quick_exit);
    report_before_fatal_signals(report_before_signal);
}

int report_leaks_at_end(int status, bool only_leaks)
{
    const Options& options = startup_options();
    if (!options.leaks || !claim_report()) return status;
    if (this_thread_cache().busy) {
        write_report("tarn: no leak report: the process ended inside malloc\n");
        return status;
    }
    const std::uint64_t leaked = report_now(only_leaks);
    const auto exitcode = static_cast<int>(options.leaks_exitcode);
    return leaked != 0 && exitcode != 0 ? exitcode : status;
}

void report_leaks_before_exec()
{
    // A child that was forked in order to become another program has nothing to say of its own.
    if (is_forked.load(std::memory_order_relaxed)) return;
    const os::ErrnoGuard guard;
    const ::pid_t process = owner.load(std::memory_order_relaxed);
    report_leaks_at_end(0, true);
    // It may fail, and the program go on.
    if (process == ::getpid()) owner.store(process, std::memory_order_relaxed);
}

void leave_with(int status)
{
    std::fflush(nullptr);
    for (;;)
        ::syscall(SYS_exit_group, status);
}

} // namespace tarn

TARN_EXPORT int tarn_report_leaks()
{
    if (!tarn::startup_options().leaks) return -1;
    constexpr std::uint64_t kMost = std::numeric_limits<int>::max();
    return static_cast<int>(std::min(tarn::report_now(false), kMost));
}
