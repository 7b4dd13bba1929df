// SPDX-License-Identifier: MIT

#include "preload/faults.h"

#include <array>
#include <csignal>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "preload/checks.h"
#include "preload/leaks.h"
#include "preload/misaligned.h"
#include "preload/report.h"
#include "preload/signals.h"
#include "preload/startup.h"
#include "src/checks/access.h"
#include "src/os/errno_guard.h"
#include "src/os/memory.h"
#include "src/os/process.h"
#include "src/os/stack.h"
#include "tracer/fault_stack.h"

namespace tarn {

namespace {

[[gnu::tls_model("initial-exec")]] constinit thread_local unsigned reports_of_own = 0;

/// What the handler knows, for the report, which has a stack of its own.
[[gnu::tls_model("initial-exec")]] constinit thread_local Access* current_access = nullptr;
[[gnu::tls_model("initial-exec")]] constinit thread_local const RegisterValues* fault_registers =
    nullptr;

constexpr std::size_t kReportStack = KiB(256);

void report_on_own_stack()
{
    if (has_stacks_of_checks()) current_access->stack = find_interrupted_stack(*fault_registers);
    if (!report_access(*current_access)) look_for_overrun(current_access->address);
}

#if defined(__x86_64__)

/// In the order of RegisterValues, which is DWARF's; the last one is where the instruction is.
struct RegisterName {
    const char* name;
    int index; // in gregset_t
};
constexpr std::array<RegisterName, kRegisters> kRegisterNames{{{"rax", REG_RAX},
                                                               {"rdx", REG_RDX},
                                                               {"rcx", REG_RCX},
                                                               {"rbx", REG_RBX},
                                                               {"rsi", REG_RSI},
                                                               {"rdi", REG_RDI},
                                                               {"rbp", REG_RBP},
                                                               {"rsp", REG_RSP},
                                                               {"r8", REG_R8},
                                                               {"r9", REG_R9},
                                                               {"r10", REG_R10},
                                                               {"r11", REG_R11},
                                                               {"r12", REG_R12},
                                                               {"r13", REG_R13},
                                                               {"r14", REG_R14},
                                                               {"r15", REG_R15},
                                                               {"rip", REG_RIP}}};

/// Source: Intel SDM volume 3A, 4.7 "Page-Fault Exceptions"; 13: general protection.
AccessKind kind_of(const mcontext_t& context)
{
    constexpr long long kPageFault = 14;
    if (context.gregs[REG_TRAPNO] != kPageFault) return AccessKind::unknown;
    const auto code = static_cast<unsigned>(context.gregs[REG_ERR]);
    if ((code & 16U) != 0) return AccessKind::execute;
    return (code & 2U) != 0 ? AccessKind::write : AccessKind::read;
}

struct FaultState {
    RegisterValues values{};
    std::array<NamedRegister, kRegisters> named{};
    AccessKind kind = AccessKind::unknown;

    explicit FaultState(const void* context)
    {
        const mcontext_t& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
        for (std::size_t i = 0; i < kRegisters; ++i) {
            values[i] = static_cast<std::uintptr_t>(machine.gregs[kRegisterNames[i].index]);
            named[i] = {kRegisterNames[i].name, values[i]};
        }
        kind = kind_of(machine);
    }
};

#else

struct FaultState {
    RegisterValues values{};
    std::array<NamedRegister, kRegisters> named{};
    AccessKind kind = AccessKind::unknown;

    explicit FaultState(const void*) {}
};

#endif

Access access_of(int signal, const siginfo_t& info, const FaultState& state)
{
    // No address: the processor has refused it before it was looked up.
    const bool has_address = info.si_code != SI_KERNEL;
    return {.kind = state.kind,
            .has_address = has_address,
            .is_bus_error = signal == SIGBUS,
            .is_inside_malloc = is_inside_malloc(),
            .address = has_address ? reinterpret_cast<std::uintptr_t>(info.si_addr) : 0,
            .instruction = state.values[kReturnAddress],
            .stack_pointer = state.values[kStackPointer],
            .registers = state.named};
}

/// What on_error says. True: the program goes on.
bool act_on_access(const Access& access)
{
    const Options& options = startup_options();
    if (options.on_error == OnError::abort || options.on_error == OnError::exit) wait_for_reports();
    switch (options.on_error) {
    case OnError::exit:
        ::syscall(SYS_exit_group, static_cast<int>(options.exitcode));
        return false;
    case OnError::stop:
        stop_for_debugger();
        return let_pass(access);
    case OnError::resume:
        return let_pass(access);
    case OnError::abort:
        return false; // by the signal itself: a core file shows the instruction
    }
    return false;
}

bool look_at_fault(int signal, siginfo_t* info, void* context, bool has_handler)
{
    // Sent by somebody, or by ourselves.
    if (info->si_code <= 0 || reports_of_own != 0) return false;
    const Misaligned misaligned = go_around_alignment(context);
    if (misaligned.goes_on) return true;
    const FaultState state(context);
    Access access = access_of(signal, *info, state);
    if (misaligned.beyond != 0) {
        access.has_address = true;
        access.address = misaligned.beyond;
    }
    // Programs that have a handler have reasons for faults; guarded blocks are none.
    if (has_handler && !(access.has_address && is_guarded(access.address))) return false;
    const NoFaultReports only_one;
    current_access = &access;
    fault_registers = &state.values;
    if (!os::call_on_own_stack(kReportStack, report_on_own_stack)) report_access(access);
    return act_on_access(access);
}

constexpr std::size_t kAlternateStack = KiB(64);
[[gnu::tls_model("initial-exec")]] constinit thread_local void* alternate_stack = nullptr;

} // namespace

NoFaultReports::NoFaultReports()
{
    ++reports_of_own;
}

NoFaultReports::~NoFaultReports()
{
    --reports_of_own;
}

/// When the stack has overflown, no handler could be called on it.
void begin_fault_reports_of_thread()
{
    const os::ErrnoGuard guard;
    stack_t before{};
    if (::sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) return;
    stack_t own{};
    own.ss_sp = os::map(kAlternateStack, os::kPageSize);
    own.ss_size = kAlternateStack;
    if (own.ss_sp == nullptr) return;
    if (::sigaltstack(&own, nullptr) == 0)
        alternate_stack = own.ss_sp;
    else
        os::unmap(own.ss_sp, kAlternateStack);
}

void end_fault_reports_of_thread()
{
    const os::ErrnoGuard guard;
    forget_displaced_code();
    stack_t now{};
    // The program may have its own by now, and come back to ours.
    if (alternate_stack == nullptr || ::sigaltstack(nullptr, &now) != 0 ||
        now.ss_sp != alternate_stack || (now.ss_flags & SS_ONSTACK) != 0)
        return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
    os::unmap(alternate_stack, kAlternateStack);
    alternate_stack = nullptr;
}

void start_fault_reports()
{
    begin_fault_reports_of_thread();
    filter_faults(look_at_fault, static_cast<bool>(startup_options().guard));
}

} // namespace tarn
