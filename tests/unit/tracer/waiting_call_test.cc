// SPDX-License-Identifier: MIT
//
// That threads notice nothing is tests/leaks/waiting_threads_do_not_notice_reports.py.

#include "tracer/waiting_call.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <sys/syscall.h>

#include <gtest/gtest.h>

namespace tarn {

TEST(WaitingCall, IsReadFromWhatTheKernelSays)
{
    const WaitingCall poll =
        read_waiting_call("7 0x7ffe10 0x2 0x1388 0x0 0x0 0xabcdef 0x7ffe08 0x7f12ff\n");
    EXPECT_EQ(poll.number, 7);
    EXPECT_EQ(poll.arguments, (std::array<std::uintptr_t, 6>{0x7ffe10, 2, 0x1388, 0, 0, 0xabcdef}));
    EXPECT_EQ(poll.stack_pointer, 0x7ffe08U);
    EXPECT_EQ(poll.address, 0x7f12ffU);

    const WaitingCall none = read_waiting_call("-1 0x7ffe08 0x7f12ff\n");
    EXPECT_EQ(none.number, -1);
    EXPECT_EQ(none.stack_pointer, 0x7ffe08U);
    for (const char* const text : {"running\n", "", "-", "12"}) {
        const WaitingCall other = read_waiting_call(text);
        EXPECT_EQ(other.stack_pointer, 0U) << text;
    }
}

#if defined(__x86_64__)

namespace {

constexpr std::uintptr_t kAddress = 0x7f1200000010;

WaitingCall call_of(long number, std::array<std::uintptr_t, 6> arguments = {1, 2, 3, 4, 5, 6})
{
    return {.number = number,
            .arguments = arguments,
            .stack_pointer = 0x7ffe00000008,
            .address = kAddress};
}

/// As the kernel leaves it for the handler.
ucontext_t interrupted(const WaitingCall& call)
{
    ucontext_t context{};
    gregset_t& registers = context.uc_mcontext.gregs;
    const std::array<int, 6> names{REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    for (std::size_t i = 0; i < names.size(); ++i)
        registers[names[i]] = static_cast<long long>(call.arguments[i]);
    registers[REG_RAX] = -EINTR;
    registers[REG_RIP] = static_cast<long long>(call.address);
    registers[REG_RSP] = static_cast<long long>(call.stack_pointer);
    return context;
}

bool is_made_again(const WaitingCall& call, ucontext_t context)
{
    make_again(call, context);
    const gregset_t& registers = context.uc_mcontext.gregs;
    const bool is_back = registers[REG_RIP] == static_cast<long long>(kAddress) - 2;
    EXPECT_EQ(registers[REG_RAX], is_back ? call.number : -EINTR);
    return is_back;
}

bool is_made_again(const WaitingCall& call)
{
    return is_made_again(call, interrupted(call));
}

} // namespace

TEST(WaitingCall, IsMadeAgainIfItIsTheOneThatWasInterrupted)
{
    EXPECT_TRUE(is_made_again(call_of(SYS_pause)));
    EXPECT_FALSE(is_made_again(call_of(SYS_futex))) << "whose callers know EINTR";
    EXPECT_FALSE(is_made_again(call_of(-1)));
    for (const int name : {REG_RIP, REG_RSP, REG_RDI, REG_RAX}) {
        ucontext_t context = interrupted(call_of(SYS_pause));
        context.uc_mcontext.gregs[name] += 1;
        const long long address = context.uc_mcontext.gregs[REG_RIP];
        make_again(call_of(SYS_pause), context);
        EXPECT_EQ(context.uc_mcontext.gregs[REG_RIP], address) << name;
    }
}

TEST(WaitingCall, IsNotMadeAgainWhenASignalOfTheProgramIsDue)
{
    sigset_t usr1{};
    sigset_t before{};
    ::sigemptyset(&usr1);
    ::sigaddset(&usr1, SIGUSR1);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
    ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
    ucontext_t context = interrupted(call_of(SYS_pause));
    EXPECT_FALSE(is_made_again(call_of(SYS_pause), context)) << "it lets SIGUSR1 in";
    context.uc_sigmask = usr1;
    EXPECT_TRUE(is_made_again(call_of(SYS_pause), context)) << "it blocks SIGUSR1";
    int taken = 0;
    ::sigwait(&usr1, &taken);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

namespace {
void ours(int /*signal*/, siginfo_t* /*info*/, void* /*context*/) {}

void of_the_program(int /*signal*/, siginfo_t* /*info*/, void* /*context*/) {}

void handle_usr1(void (*handler)(int, siginfo_t*, void*))
{
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
}
} // namespace

TEST(WaitingCall, IsMadeAgainWhenASignalOfOursIsDue)
{
    sigset_t usr1{};
    sigset_t before{};
    ::sigemptyset(&usr1);
    ::sigaddset(&usr1, SIGUSR1);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
    handle_usr1(ours);
    ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
    const ucontext_t context = interrupted(call_of(SYS_pause));
    EXPECT_FALSE(is_made_again(call_of(SYS_pause), context)) << "nobody has said that it is ours";
    set_own_signal(SIGUSR1, ours);
    EXPECT_TRUE(is_made_again(call_of(SYS_pause), context));
    handle_usr1(of_the_program);
    EXPECT_FALSE(is_made_again(call_of(SYS_pause), context)) << "the program has taken it over";
    handle_usr1(ours);
    set_own_signal(SIGUSR1, nullptr);
    EXPECT_FALSE(is_made_again(call_of(SYS_pause), context)) << "it is ours no longer";
    int taken = 0;
    ::sigwait(&usr1, &taken);
    ::signal(SIGUSR1, SIG_DFL);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(WaitingCall, WaitsForWhatIsLeft)
{
    const WaitingCall first = call_of(SYS_poll, {1, 2, 5000, 4, 5, 6});
    ucontext_t context = interrupted(first);
    make_again(first, context);
    long long& timeout = context.uc_mcontext.gregs[REG_RDX];
    EXPECT_EQ(timeout, 5001) << "it is not known since when it waits";
    // Interrupted once more.
    WaitingCall second = first;
    second.arguments[2] = static_cast<std::uintptr_t>(timeout);
    context = interrupted(second);
    make_again(second, context);
    EXPECT_LE(timeout, 5000 + 1);

    const WaitingCall endless = call_of(SYS_poll, {1, 2, static_cast<unsigned>(-1), 4, 5, 6});
    context = interrupted(endless);
    make_again(endless, context);
    EXPECT_EQ(static_cast<int>(timeout), -1);
}

TEST(WaitingCall, SleepsForTheRestThatTheKernelHasWritten)
{
    const WaitingCall with_rest = call_of(SYS_nanosleep, {0x1000, 0x2000, 0, 0, 0, 0});
    ucontext_t context = interrupted(with_rest);
    make_again(with_rest, context);
    EXPECT_EQ(context.uc_mcontext.gregs[REG_RDI], 0x2000);

    const ::timespec asked{.tv_sec = 3, .tv_nsec = 5};
    WaitingCall without =
        call_of(SYS_nanosleep, {reinterpret_cast<std::uintptr_t>(&asked), 0, 0, 0, 0, 0});
    for (int i = 0; i < 3; ++i) {
        context = interrupted(without);
        make_again(without, context);
        const auto* const request =
            reinterpret_cast<const ::timespec*>(context.uc_mcontext.gregs[REG_RDI]);
        ASSERT_NE(request, &asked) << "it may be constant";
        EXPECT_LE(request->tv_sec, 3);
        without.arguments[0] = reinterpret_cast<std::uintptr_t>(request);
    }

    for (const std::uintptr_t rest : {0, 0x2000}) {
        const WaitingCall until =
            call_of(SYS_clock_nanosleep, {CLOCK_MONOTONIC, TIMER_ABSTIME,
                                          reinterpret_cast<std::uintptr_t>(&asked), rest, 0, 0});
        EXPECT_TRUE(is_made_again(until));
        context = interrupted(until);
        make_again(until, context);
        EXPECT_EQ(context.uc_mcontext.gregs[REG_RDX], reinterpret_cast<long long>(&asked))
            << "that moment stays the same";
    }
}

#endif

} // namespace tarn
