// SPDX-License-Identifier: MIT

#include "src/os/stack.h"

#include "src/os/memory.h"

namespace tarn::os {

namespace {

void call_with_stack(std::byte* top, void (*function)())
{
#if defined(__x86_64__)
    // rbx survives the call, so it brings the old stack back.
    asm volatile("movq %%rsp, %%rbx\n\t"
                 "movq %[top], %%rsp\n\t"
                 "call *%[function]\n\t"
                 "movq %%rbx, %%rsp"
                 : [top] "+r"(top), [function] "+r"(function)
                 :
                 : "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
                   "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#else
    // Where nobody has written the switch yet, the caller's stack has to do.
    static_cast<void>(top);
    function();
#endif
}

} // namespace

bool call_on_own_stack(std::size_t size, void (*function)())
{
    // A page above it: where it ends may be the start of another mapping, and the leak report,
    // which runs here and finds that address in its caller's frame, would take it for a pointer.
    const std::size_t mapping = size + kPageSize;
    auto* const stack = static_cast<std::byte*>(map(mapping, kPageSize));
    if (stack == nullptr) return false;
    call_with_stack(stack + size, function);
    unmap(stack, mapping);
    return true;
}

} // namespace tarn::os
