// SPDX-License-Identifier: MIT

#include "preload/misaligned.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ucontext.h>

#include "src/checks/access.h"
#include "src/checks/displaced_code.h"
#include "src/heap/size_class.h"
#include "src/os/memory.h"
#include "src/os/probe.h"

namespace tarn {

namespace {

/// So many at once: a signal handler may come while the thread is in one of them.
constexpr std::size_t kCodes = os::kPageSize / sizeof(DisplacedCode);

[[gnu::tls_model("initial-exec")]] constinit thread_local DisplacedCode* codes = nullptr;
[[gnu::tls_model("initial-exec")]] constinit thread_local std::size_t next_code = 0;

} // namespace

#if defined(__x86_64__)

namespace {

CodeRegisters registers_of(const mcontext_t& machine)
{
    constexpr std::array kOrder{REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
    CodeRegisters registers{};
    for (std::size_t i = 0; i < registers.size(); ++i)
        registers[i] = static_cast<std::uintptr_t>(machine.gregs[kOrder[i]]);
    return registers;
}

/// Whether alignment, of what malloc promises, is what is wrong with it.
bool is_misaligned(const VectorAccess& access)
{
    return access.address % kMinAlignment != 0 && is_guarded(access.address);
}

/// What was executed. Nobody says that it can be read: a jump to where no memory can be is a fault
/// of the same kind. Errors: all zero, which is no instruction that is looked for.
std::array<std::uint8_t, 16> code_at(std::uintptr_t instruction)
{
    std::array<std::uint8_t, 16> code{};
    // It may end where its page does.
    const std::size_t in_page = os::kPageSize - instruction % os::kPageSize;
    if (!os::read_memory(instruction, code.data(), code.size()))
        os::read_memory(instruction, code.data(), std::min(in_page, code.size()));
    return code;
}

std::uintptr_t first_unreadable(std::uintptr_t address)
{
    std::byte byte{};
    return os::read_memory(address, &byte, sizeof byte) ? round_up(address + 1, os::kPageSize)
                                                        : address;
}

/// Where the calling thread is to go on. nullptr: the system has no memory, or forbids it.
const std::uint8_t* prepare_code(const VectorAccess& access, const VectorCopy& copy,
                                 std::uintptr_t back)
{
    if (codes == nullptr)
        codes = static_cast<DisplacedCode*>(os::map(os::kPageSize, os::kPageSize));
    // Never writable and executable at once.
    if (codes == nullptr || !os::commit(codes, os::kPageSize)) return nullptr;
    DisplacedCode& code = codes[next_code++ % kCodes];
    code.copy = copy;
    displace(access, back, code);
    return os::make_executable(codes, os::kPageSize) ? code.code.data() : nullptr;
}

} // namespace

Misaligned go_around_alignment(void* context)
{
    constexpr long long kGeneralProtection = 13; // Intel SDM volume 3A, 6.3.1
    mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    if (machine.gregs[REG_TRAPNO] != kGeneralProtection) return {};
    const auto instruction = static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
    const std::optional<VectorAccess> access =
        decode_vector_access(code_at(instruction).data(), registers_of(machine));
    if (!access || !is_misaligned(*access)) return {};
    VectorCopy copy{};
    if (!os::read_memory(access->address, copy.data(), access->size))
        return {.beyond = first_unreadable(access->address)};
    const std::uint8_t* const code = prepare_code(*access, copy, instruction + access->length);
    if (code == nullptr) return {};
    machine.gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(code));
    return {.goes_on = true};
}

#else

Misaligned go_around_alignment(void* /*context*/)
{
    return {};
}

#endif

void forget_displaced_code()
{
    if (codes != nullptr) os::unmap(codes, os::kPageSize);
    codes = nullptr;
}

} // namespace tarn
