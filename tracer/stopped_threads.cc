// SPDX-License-Identifier: MIT

#include "tracer/stopped_threads.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "src/base/print.h"
#include "src/base/text.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"
#include "src/os/mutex.h"
#include "src/os/process.h"

namespace tarn {

// Source: glibc, sysdeps/x86_64/nptl/tls.h and sysdeps/aarch64/nptl/tls.h, tcbhead_t.
std::uintptr_t tls_block()
{
    const auto* const words = static_cast<const std::uintptr_t*>(__builtin_thread_pointer());
#if defined(__x86_64__)
    const std::uintptr_t second_entry = words[1];
#else
    const std::uintptr_t second_entry = words[0];
#endif
    return second_entry - 2 * sizeof(std::uintptr_t);
}

namespace {

constexpr std::uint64_t kPatience = 500; // milliseconds for a thread to answer

/// Between the one that stops and the one that is being stopped: one at a time. `asked` is taken by
/// whoever is first, the thread that answers or the one that gives up waiting for it; `asked_id` is
/// that thread's until it has answered.
constinit std::atomic<StoppedThread*> asked{nullptr};
constinit std::atomic<int> asked_id{0};
constinit std::atomic<std::uint32_t> stopped{0}; // 1: threads that got the signal wait
constinit struct sigaction previous_action {};

int own_id()
{
    return static_cast<int>(::syscall(SYS_gettid));
}

void save_registers(StoppedThread& thread, const ucontext_t& context)
{
    const auto& machine = context.uc_mcontext;
#if defined(__x86_64__)
    for (std::size_t i = 0; i < 16; ++i) // REG_R8 .. REG_RSP
        thread.registers[i] = static_cast<std::uintptr_t>(machine.gregs[i]);
    thread.stack_point = static_cast<std::uintptr_t>(machine.gregs[REG_RSP]);
#elif defined(__aarch64__)
    for (std::size_t i = 0; i < 31; ++i)
        thread.registers[i] = machine.regs[i];
    thread.stack_point = machine.sp;
#else
    static_cast<void>(machine);
    thread.stack_point = 0;
#endif
}

void wait_until_resumed(int /*signal*/, siginfo_t* /*info*/, void* context)
{
    const os::ErrnoGuard guard;
    // Late: nobody waits for this one any more.
    if (asked_id.load(std::memory_order_acquire) != own_id()) return;
    StoppedThread* thread = asked.exchange(nullptr);
    if (thread == nullptr) return;
    auto& interrupted = *static_cast<ucontext_t*>(context);
    save_registers(*thread, interrupted);
    const WaitingCall call = thread->call;
    thread->registers.back() = tls_block();
    thread->answered = true;
    asked_id.store(0, std::memory_order_release);
    while (stopped.load(std::memory_order_acquire) != 0)
        os::futex_wait(stopped, 1);
    make_again(call, interrupted);
}

std::uint64_t take_number(std::string_view& text, std::uint64_t base)
{
    std::uint64_t value = 0;
    for (; !text.empty(); text = slice(text, 1)) {
        const char c = text[0];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
        if (static_cast<std::uint64_t>(digit) >= base) break;
        value = value * base + static_cast<std::uint64_t>(digit);
    }
    return value;
}

FixedText<64> file_of(int thread, std::string_view name)
{
    FixedText<64> path;
    path << "/proc/self/task/" << static_cast<std::uint64_t>(thread) << "/" << name;
    return path;
}

/// What a thread waits in, and where its stack ends then.
WaitingCall waiting_call_of(int thread)
{
    os::SmallFile<256> file;
    return read_waiting_call(file.read(file_of(thread, "syscall").c_str()));
}

enum class Readiness : unsigned char { answers, blocks, has_ended };

/// Whether the thread would run a handler of `signal`. Says what it waits in.
Readiness readiness(StoppedThread& stopped_thread, int signal)
{
    const int thread = stopped_thread.id;
    os::SmallFile<4096> file;
    const std::string_view status = file.read(file_of(thread, "status").c_str());
    const std::size_t state = status.find("State:\t");
    const std::size_t at = status.find("SigBlk:\t");
    if (state == std::string_view::npos || at == std::string_view::npos)
        return Readiness::has_ended;
    const std::string_view letter = slice(status, state + 7, 1);
    if (letter == "Z" || letter == "X") return Readiness::has_ended;
    std::string_view mask = slice(status, at + 8);
    if ((take_number(mask, 16) >> (signal - 1) & 1) != 0) return Readiness::blocks;
    // A thread in sigwait() would take it for one of the program's.
    stopped_thread.call = waiting_call_of(thread);
    return stopped_thread.call.number == SYS_rt_sigtimedwait ? Readiness::blocks
                                                             : Readiness::answers;
}

/// A real-time signal that the program leaves alone, the last ones first: the first ones are taken
/// by programs that count from SIGRTMIN. 0: none.
int find_unused_signal()
{
    for (int signal = SIGRTMAX - 1; signal > SIGRTMIN; --signal) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL)
            return signal;
    }
    return 0;
}

/// An entry of a directory as the kernel writes it; libc's readdir() allocates.
struct DirectoryEntry {
    std::uint64_t inode;
    std::int64_t next;
    unsigned short length;
    unsigned char type;
    char name[1];
};

} // namespace

/// Appends a thread unless it is known or the calling one. Errors: false, no memory.
bool StoppedThreads::add(int id, bool& found)
{
    if (id == own_id()) return true;
    for (const StoppedThread& thread : threads_.all())
        if (thread.id == id) return true;
    found = true;
    return threads_.push_back({.id = id,
                               .answered = false,
                               .ended = false,
                               .stack_point = 0,
                               .registers = {},
                               .call = {}});
}

/// Appends the threads that are not known yet.
bool StoppedThreads::add_new_ones(bool& found)
{
    found = false;
    const int directory = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return false;
    alignas(DirectoryEntry) std::array<char, 4096> buffer;
    bool fits = true;
    for (;;) {
        const long got = ::syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
        if (got <= 0) break;
        for (long at = 0; at < got;) {
            const auto* const entry = reinterpret_cast<const DirectoryEntry*>(buffer.data() + at);
            at += entry->length;
            std::string_view name(static_cast<const char*>(entry->name));
            if (name[0] != '.') fits = add(static_cast<int>(take_number(name, 10)), found) && fits;
        }
    }
    ::close(directory);
    return fits;
}

void StoppedThreads::signal_one(StoppedThread& thread)
{
    const std::uint64_t deadline = os::clock_milliseconds() + kPatience;
    Readiness ready = readiness(thread, signal_);
    // libc blocks all signals while it starts a thread, and soon lets them in again.
    for (; ready == Readiness::blocks; ready = readiness(thread, signal_)) {
        thread.stack_point = waiting_call_of(thread.id).stack_pointer;
        if (thread.stack_point != 0 || os::clock_milliseconds() > deadline) return;
        os::yield_processor();
    }
    thread.ended = ready == Readiness::has_ended;
    if (thread.ended) return;
    asked.store(&thread, std::memory_order_relaxed);
    asked_id.store(thread.id, std::memory_order_release);
    thread.ended = ::syscall(SYS_tgkill, ::getpid(), thread.id, signal_) != 0;
    while (!thread.ended && asked_id.load(std::memory_order_acquire) != 0) {
        if (os::clock_milliseconds() > deadline && asked.exchange(nullptr) != nullptr) {
            thread.stack_point = waiting_call_of(thread.id).stack_pointer;
            everyone_answers_ = false;
            break;
        }
        os::yield_processor();
    }
    asked.store(nullptr, std::memory_order_relaxed);
    asked_id.store(0, std::memory_order_relaxed);
}

bool StoppedThreads::stop()
{
    const os::ErrnoGuard guard;
    signal_ = find_unused_signal();
    if (signal_ == 0) return false;
    struct sigaction action {};
    action.sa_sigaction = wait_until_resumed;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    ::sigfillset(&action.sa_mask);
    set_own_signal(signal_, wait_until_resumed);
    ::sigaction(signal_, &action, &previous_action);
    stopped.store(1, std::memory_order_release);
    // A thread may have started another one before it was stopped: until there are no new ones.
    bool found = true;
    for (std::size_t done = 0; found;) {
        if (!add_new_ones(found)) {
            resume();
            return false;
        }
        // The array may move when it grows, but nobody is being asked then.
        for (; done < threads_.size(); ++done)
            signal_one(threads_[done]);
    }
    return true;
}

void StoppedThreads::resume()
{
    if (signal_ == 0) return;
    const os::ErrnoGuard guard;
    stopped.store(0, std::memory_order_release);
    os::futex_wake(stopped, 1 << 30);
    // A thread that did not answer in time may still get the signal, which by default would end the
    // process: then the handler stays.
    if (everyone_answers_) {
        ::sigaction(signal_, &previous_action, nullptr);
        set_own_signal(signal_, nullptr);
    }
    signal_ = 0;
}

} // namespace tarn
