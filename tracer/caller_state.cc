// SPDX-License-Identifier: MIT

#include "tracer/caller_state.h"

#include <cstddef>

namespace tarn {

namespace {
[[gnu::tls_model("initial-exec")]] constinit thread_local const CallerState* known_caller = nullptr;
} // namespace

KnownCaller::KnownCaller(const CallerState& caller) : caller_(caller), before_(known_caller)
{
    known_caller = &caller_;
}

KnownCaller::~KnownCaller()
{
    known_caller = before_;
}

const CallerState* KnownCaller::get()
{
    return known_caller;
}

CallerState interrupted_caller(const ucontext_t& context, bool is_call)
{
    CallerState caller{};
#if defined(__x86_64__)
    constexpr std::uintptr_t kRedZone = 128; // Source: System V ABI, AMD64, 3.2.2
    const greg_t* const registers = context.uc_mcontext.gregs;
    std::size_t count = 0;
    for (const int name : {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15, REG_RAX, REG_RCX,
                           REG_RDX, REG_RDI, REG_RSI, REG_R8, REG_R9, REG_R10, REG_R11}) {
        if (name == REG_RAX && is_call) break;
        caller.registers[count++] = static_cast<std::uintptr_t>(registers[name]);
    }
    caller.stack_point = static_cast<std::uintptr_t>(registers[REG_RSP]) - kRedZone;
#elif defined(__aarch64__)
    static_cast<void>(is_call);
    for (std::size_t i = 0; i < 31; ++i)
        caller.registers[i] = context.uc_mcontext.regs[i];
    caller.stack_point = context.uc_mcontext.sp;
#endif
    return caller;
}

} // namespace tarn
