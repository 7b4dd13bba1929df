// SPDX-License-Identifier: MIT

#include "src/checks/thread_stacks.h"

namespace tarn {

constinit ThreadStacks thread_stacks;

namespace {

/// libc's descriptor of a thread lies at the thread pointer, above the stack, and is no larger.
constexpr std::size_t kDescriptor = 4096;

bool is_in(MemoryRange range, std::uintptr_t address)
{
    return address >= range.start && address < range.end;
}

} // namespace

void ThreadStacks::add(std::uint32_t thread)
{
    if (thread >= kMost) return;
    const auto pointer = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
    const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    entries_[thread].top.store(pointer + kDescriptor, std::memory_order_relaxed);
    entries_[thread].stack.store(frame, std::memory_order_relaxed);
}

void ThreadStacks::remove(std::uint32_t thread)
{
    if (thread < kMost) entries_[thread].stack.store(0, std::memory_order_relaxed);
}

std::uint32_t ThreadStacks::owner_of(std::uintptr_t address, MemoryRange mapping) const
{
    // The latest, if the stack of one that has ended unseen is another's now.
    for (std::size_t thread = kMost; thread-- > 0;) {
        const std::uintptr_t stack = entries_[thread].stack.load(std::memory_order_relaxed);
        if (stack == 0 || !is_in(mapping, stack)) continue;
        // The kernel joins the mapping of a stack with what is mapped above it.
        const std::uintptr_t top = entries_[thread].top.load(std::memory_order_relaxed);
        const bool is_above = is_in(mapping, top - kDescriptor) && address >= top;
        if (!is_above) return static_cast<std::uint32_t>(thread);
    }
    return kNoThread;
}

} // namespace tarn
