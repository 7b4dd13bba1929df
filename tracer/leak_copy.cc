// SPDX-License-Identifier: MIT

#include "tracer/leak_copy.h"

#include <atomic>
#include <cerrno>

#include "src/os/copy.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"
#include "src/os/process.h"

namespace tarn {

namespace {

/// In memory that both have.
struct Answer {
    std::atomic<std::uint32_t> is_complete;
    std::uint64_t leaked;
};

struct Running {
    os::StartedCopy copy;
    Answer* answer; // nullptr: there is none

    bool is_at_work() const
    {
        return answer != nullptr && answer->is_complete.load(std::memory_order_acquire) == 0 &&
               os::is_running(copy);
    }
};

constinit Running waited_for{};
constinit Running left_alone{}; // the last one that nobody waits for
constinit CopiedReport current{};
constinit Answer* answer = nullptr;   // of the current one
constinit std::uint64_t original = 0; // process

void crashed()
{
    if (!current.options.is_waited_for)
        current.sink("tarn: no leak report: stw=fork cannot read memory that is not copied "
                     "(MADV_DONTFORK); stw=signal can\n");
}

/// In the copy.
void write_in_copy(void* /*context*/)
{
    os::settle_in_copy(original, crashed);
    current.options.begin();
    // Two reports at once would be written into each other.
    constexpr unsigned kMilliseconds = 10;
    std::atomic<std::uint32_t> nothing{0};
    while (left_alone.is_at_work())
        os::futex_wait_for(nothing, 0, kMilliseconds);
    answer->leaked = current.write(current.context);
    answer->is_complete.store(1, std::memory_order_release);
}

void forget(Running& running)
{
    os::unmap(running.answer, os::kPageSize);
    running = {};
}

/// What is left of one that has ended.
void clear_up(Running& running, TextSink sink)
{
    if (running.answer == nullptr || running.is_at_work()) return;
    os::forget_copy(running.copy);
    if (running.answer->is_complete.load(std::memory_order_acquire) == 0)
        sink("tarn: the last leak report is not complete: its process has been killed\n");
    forget(running);
}

} // namespace

bool may_report_in_copy(const CopyOptions& options, TextSink sink)
{
    clear_up(left_alone, sink);
    if (options.is_waited_for || left_alone.answer == nullptr) return true;
    sink("tarn: no leak report: the one before is still being made\n");
    return false;
}

int start_report_in_copy(const CopiedReport& report, std::size_t stack_size)
{
    current = report;
    original = os::process_id();
    answer = static_cast<Answer*>(os::map_shared(os::kPageSize));
    if (answer == nullptr) return ENOMEM;
    const os::StartedCopy copy = os::start_copy({.run = write_in_copy,
                                                 .context = nullptr,
                                                 .is_waited_for = report.options.is_waited_for,
                                                 .stack_size = stack_size});
    Running& running = report.options.is_waited_for ? waited_for : left_alone;
    running = {.copy = copy, .answer = answer};
    if (copy.process == 0) forget(running);
    return copy.problem;
}

std::optional<std::uint64_t> wait_for_report()
{
    os::wait_for_copy(waited_for.copy);
    std::optional<std::uint64_t> leaked;
    if (waited_for.answer->is_complete.load(std::memory_order_acquire) != 0)
        leaked = waited_for.answer->leaked;
    forget(waited_for);
    return leaked;
}

} // namespace tarn
