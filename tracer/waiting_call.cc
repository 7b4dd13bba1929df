// SPDX-License-Identifier: MIT

#include "tracer/waiting_call.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <span>
#include <sys/syscall.h>

#include "src/base/text.h"
#include "src/os/probe.h"

namespace tarn {

namespace {

std::uintptr_t take_hexadecimal(std::string_view& text)
{
    if (has_prefix(text, " ")) text = slice(text, 1);
    if (!has_prefix(text, "0x")) return 0;
    std::uintptr_t value = 0;
    for (text = slice(text, 2); !text.empty(); text = slice(text, 1)) {
        const char c = text[0];
        const bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f')) break;
        value = value * 16 + static_cast<std::uintptr_t>(is_digit ? c - '0' : c - 'a' + 10);
    }
    return value;
}

} // namespace

namespace {

using Handler = void (*)(int, siginfo_t*, void*);

constinit std::array<std::atomic<Handler>, NSIG> own_handlers{};

/// The program may have put a handler of its own in the place of ours.
bool is_own(int signal)
{
    const Handler own =
        own_handlers[static_cast<std::size_t>(signal)].load(std::memory_order_relaxed);
    struct sigaction action {};
    return own != nullptr && ::sigaction(signal, nullptr, &action) == 0 &&
           action.sa_sigaction == own;
}

} // namespace

void set_own_signal(int signal, Handler handler)
{
    own_handlers[static_cast<std::size_t>(signal)].store(handler, std::memory_order_relaxed);
}

WaitingCall read_waiting_call(std::string_view text)
{
    WaitingCall call;
    // "NUMBER 0xARGUMENT ... 0xSP 0xPC"; "-1 0xSP 0xPC", blocked, but not in a call; "running".
    const bool is_call = !text.empty() && text[0] >= '0' && text[0] <= '9';
    if (is_call) {
        call.number = 0;
        for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text = slice(text, 1))
            call.number = call.number * 10 + (text[0] - '0');
        for (std::uintptr_t& argument : call.arguments)
            argument = take_hexadecimal(text);
    } else if (has_prefix(text, "-1")) {
        text = slice(text, 2);
    } else {
        return call;
    }
    call.stack_pointer = take_hexadecimal(text);
    call.address = take_hexadecimal(text);
    return call;
}

#if defined(__x86_64__)

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongest = std::int64_t{1} << 32; // seconds, so that nanoseconds fit

std::int64_t now()
{
    ::timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * kSecond + time.tv_nsec;
}

/// The call of this thread that was made again last, if it waits for a time.
struct TimedCall {
    std::int64_t end;   // by now()
    int milliseconds;   // what poll() is given instead
    ::timespec request; // what nanosleep() is given
};
[[gnu::tls_model("initial-exec")]] constinit thread_local TimedCall timed_call{};

/// Nanoseconds that are left of a wait for `asked` of them.
std::int64_t rest_of(std::int64_t asked, bool is_same_call)
{
    const std::int64_t time = now();
    if (!is_same_call) timed_call.end = time + asked;
    return std::max(timed_call.end - time, std::int64_t{0});
}

void shorten_milliseconds(long long& timeout)
{
    const int asked = static_cast<int>(timeout);
    if (asked <= 0) return; // for ever, or not at all
    const std::int64_t rest =
        rest_of(asked * kMillisecond, asked == timed_call.milliseconds) / kMillisecond;
    // One more for what was rounded off, and so that the program's next call is not taken for it.
    timeout = timed_call.milliseconds =
        static_cast<int>(std::min<std::int64_t>(rest, INT_MAX - 1) + 1);
}

/// `request` and `rest`: the arguments of nanosleep() with these names.
void shorten_sleep(long long& request, long long rest)
{
    // The kernel has written there what is left.
    if (rest != 0) {
        request = rest;
        return;
    }
    const auto* const asked = reinterpret_cast<const ::timespec*>(request);
    const std::int64_t seconds = std::min<std::int64_t>(asked->tv_sec, kLongest);
    const std::int64_t left =
        rest_of(seconds * kSecond + asked->tv_nsec, asked == &timed_call.request);
    timed_call.request = {.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
    request = reinterpret_cast<long long>(&timed_call.request);
}

/// Shortens what the call waits for. False: the call is none that is made again; whoever makes it
/// expects EINTR, as of futex(), or it is not known what is left of its time.
bool prepare(long number, gregset_t& registers)
{
    switch (number) {
    case SYS_poll:
        shorten_milliseconds(registers[REG_RDX]);
        return true;
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        shorten_milliseconds(registers[REG_R10]);
        return true;
    case SYS_nanosleep:
        shorten_sleep(registers[REG_RDI], registers[REG_RSI]);
        return true;
    case SYS_clock_nanosleep:
        if ((registers[REG_RSI] & TIMER_ABSTIME) == 0)
            shorten_sleep(registers[REG_RDX], registers[REG_R10]);
        return true;
    case SYS_select: // the kernel writes to these three what is left
    case SYS_pselect6:
    case SYS_ppoll:
    case SYS_pause:
    case SYS_rt_sigsuspend:
    case SYS_semop:
    case SYS_msgrcv:
    case SYS_msgsnd:
        return true;
    default:
        return false;
    }
}

/// Whether a signal of the program waits that the thread lets in.
bool is_signal_due(const sigset_t& blocked)
{
    sigset_t pending{};
    ::sigpending(&pending);
    for (int signal = 1; signal < NSIG; ++signal)
        if (::sigismember(&pending, signal) == 1 && ::sigismember(&blocked, signal) == 0 &&
            !is_own(signal))
            return true;
    return false;
}

} // namespace

void make_again(const WaitingCall& call, ucontext_t& context)
{
    constexpr long long kSizeOfSyscall = 2; // bytes of the instruction
    gregset_t& registers = context.uc_mcontext.gregs;
    const auto is = [&](int name, std::uintptr_t value) {
        return static_cast<std::uintptr_t>(registers[name]) == value;
    };
    const bool is_interrupted = call.number >= 0 && registers[REG_RAX] == -EINTR &&
                                is(REG_RIP, call.address) && is(REG_RSP, call.stack_pointer) &&
                                is(REG_RDI, call.arguments[0]) && is(REG_RSI, call.arguments[1]);
    if (!is_interrupted || is_signal_due(context.uc_sigmask)) return;
    if (!prepare(call.number, registers)) return;
    registers[REG_RAX] = call.number;
    registers[REG_RIP] -= kSizeOfSyscall;
}

namespace {

/// What `mov $NUMBER, %eax` says before `syscall`, with which the code ends; glibc 2.36 has `mov
/// OFFSET(%rsp), %edi` between them at times. -1: it is something else.
/// Source: Intel SDM volume 2, B8+, 8B and 0F 05.
std::int64_t number_before(std::span<const unsigned char, 11> code)
{
    if (code[9] != 0x0F || code[10] != 0x05) return -1;
    const bool is_load_between = code[5] == 0x8B && code[6] == 0x7C && code[7] == 0x24;
    const std::size_t at = is_load_between ? 0 : 4;
    if (code[at] != 0xB8) return -1;
    std::int32_t number = 0;
    std::memcpy(&number, &code[at + 1], sizeof number);
    return number;
}

} // namespace

WaitingCall interrupted_call(const ucontext_t& context)
{
    const gregset_t& registers = context.uc_mcontext.gregs;
    if (registers[REG_RAX] != -EINTR) return {};
    const auto address = static_cast<std::uintptr_t>(registers[REG_RIP]);
    std::array<unsigned char, 11> code{};
    if (!os::read_memory(address - code.size(), code.data(), code.size())) return {};
    const std::int64_t number = number_before(code);
    if (number < 0) return {};
    WaitingCall call{.number = number,
                     .stack_pointer = static_cast<std::uintptr_t>(registers[REG_RSP]),
                     .address = address};
    const std::array<int, 6> names{REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    for (std::size_t i = 0; i < names.size(); ++i)
        call.arguments[i] = static_cast<std::uintptr_t>(registers[names[i]]);
    return call;
}

#else

WaitingCall interrupted_call(const ucontext_t&)
{
    return {};
}
void make_again(const WaitingCall&, ucontext_t&) {}

#endif

} // namespace tarn
