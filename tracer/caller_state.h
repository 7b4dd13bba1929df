// SPDX-License-Identifier: MIT
//
// Where the program is that a report has come to: its stack and the registers that it goes on with.

#pragma once

#include <array>
#include <cstdint>
#include <ucontext.h>

namespace tarn {

struct CallerState {
    std::uintptr_t stack_point; // lowest address of its stack in use
    std::array<std::uintptr_t, 32> registers;
};

/// The function that this becomes part of, with the registers that its caller expects to find
/// again; or the KnownCaller.
[[gnu::always_inline]] inline CallerState current_caller();

/// What a signal handler has interrupted. What lies between it and the handler is the kernel's,
/// with registers that may have been dead for long, those of vectors among them. `is_call`: it has
/// called what raised the signal, so that what callees need not preserve is dead, too.
CallerState interrupted_caller(const ucontext_t& context, bool is_call);

/// In its life, reports of the calling thread begin at `caller`: not at frames of our own, which
/// hold what calls before them have left on the stack.
class KnownCaller {
public:
    explicit KnownCaller(const CallerState& caller); // copied
    KnownCaller(const KnownCaller&) = delete;
    KnownCaller& operator=(const KnownCaller&) = delete;
    ~KnownCaller();

    /// nullptr: none.
    static const CallerState* get();

private:
    const CallerState caller_;
    const CallerState* const before_;
};

inline CallerState current_caller()
{
    if (const CallerState* const known = KnownCaller::get()) return *known;
    CallerState caller{};
#if defined(__x86_64__)
    std::uintptr_t* const registers = caller.registers.data();
    asm volatile("movq %%rbx, 0(%0)\n\t"
                 "movq %%rbp, 8(%0)\n\t"
                 "movq %%r12, 16(%0)\n\t"
                 "movq %%r13, 24(%0)\n\t"
                 "movq %%r14, 32(%0)\n\t"
                 "movq %%r15, 40(%0)"
                 :
                 : "r"(registers)
                 : "memory");
    // Not the frame's address: what the caller's registers held may have been saved below it.
    asm volatile("movq %%rsp, %0" : "=r"(caller.stack_point));
#elif defined(__aarch64__)
    __builtin_unwind_init(); // puts them on the stack
    asm volatile("mov %0, sp" : "=r"(caller.stack_point));
#endif
    return caller;
}

} // namespace tarn
