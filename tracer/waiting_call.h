// SPDX-License-Identifier: MIT
//
// System calls that threads wait in when they are stopped by a signal, and go on with afterwards.
//
// A signal handler makes poll(), pause(), nanosleep() and the like return EINTR, whatever
// SA_RESTART says (signal(7)), and a program whose signals are all its own need not expect that.
// /proc says which call a thread waits in; the handler, before it returns, makes the thread begin
// it again.

#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <ucontext.h>

namespace tarn {

struct WaitingCall {
    long number = -1; // -1: waits in none
    std::array<std::uintptr_t, 6> arguments{};
    std::uintptr_t stack_pointer = 0; // 0: the thread runs
    std::uintptr_t address = 0;       // behind the instruction that calls
};

/// Reads what /proc/self/task/NUMBER/syscall says. Source: proc(5).
WaitingCall read_waiting_call(std::string_view text);

/// The call that a signal handler has interrupted, where libc's code says which: it puts the number
/// into a register right before. None: nothing says so.
WaitingCall interrupted_call(const ucontext_t& context);

/// From now on a signal ends no call, as long as this is its handler; nullptr: no longer.
void set_own_signal(int signal, void (*handler)(int, siginfo_t*, void*));

/// In the handler of the signal that has interrupted `call`, with all signals blocked, as the last
/// thing: if EINTR would be its result, it is made again, but for the time that it has waited for
/// as far as that is known: of poll(), epoll_wait(), and nanosleep() that is not asked for the
/// rest, only since it was first made again. Not if another signal has come, whose handler
/// interrupts it in its own right. Elsewhere than on x86-64 nothing is done.
void make_again(const WaitingCall& call, ucontext_t& context);

} // namespace tarn
