// SPDX-License-Identifier: MIT
//
// From a function to its caller, in two ways that agree: by a rule of eight bytes that is
// remembered for each address (5 ns), for the code of compilers; and by everything that call frame
// information can say (microseconds), for signal frames and the like.

#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "src/base/options.h"
#include "src/os/mutex.h"
#include "tracer/dwarf_expression.h"
#include "tracer/modules.h"

namespace tarn {

/// How to leave a function at one address, in the words of UnwindRule::Kind.
struct alignas(8) UnwindRule { // aligned, or clang would call libatomic
    enum class Kind : std::uint8_t {
        none,          // not looked up yet
        from_stack,    // CFA = rsp + cfa
        from_frame,    // CFA = rbp + cfa
        through_frame, // CFA = the word at rbp + cfa: the stack was realigned
        by_pointer,    // as from_frame, if that leads to a call: there is nothing but rbp to go by
        outermost,     // there is no caller
        special,       // more than these can say
        unknown,       // nothing is known about this code
    };

    std::int32_t cfa = 0;              // bytes
    std::int16_t saved_rbp = 0;        // words from the CFA (through_frame: from rbp); 0: not saved
    std::uint16_t kind_and_module = 0; // Kind << kModuleBits | module

    static constexpr int kModuleBits = 12;
    /// As the rule lies in memory.
    static constexpr std::uint64_t kModuleMask = ((std::uint64_t{1} << kModuleBits) - 1) << 48U;
    static_assert(kMostModules <= std::size_t{1} << kModuleBits);

    Kind kind() const { return static_cast<Kind>(kind_and_module >> kModuleBits); }
    ModuleId module() const { return kind_and_module & ((std::uint16_t{1} << kModuleBits) - 1); }
    /// Whether the caller is found in the same way as by `other`.
    bool leads_as(const UnwindRule& other) const
    {
        const auto changed =
            std::bit_cast<std::uint64_t>(*this) ^ std::bit_cast<std::uint64_t>(other);
        return (changed & ~kModuleMask) == 0 && kind() <= Kind::by_pointer;
    }
    /// `address` with the module above its 48 bits: a Call, see stack_trie.h.
    std::uint64_t with_module(std::uintptr_t address) const
    {
        return (std::bit_cast<std::uint64_t>(*this) & kModuleMask) |
               (address & ((std::uint64_t{1} << 48U) - 1));
    }
    void set(Kind kind, ModuleId module)
    {
        kind_and_module =
            static_cast<std::uint16_t>(static_cast<unsigned>(kind) << kModuleBits | module);
    }
};
static_assert(sizeof(UnwindRule) == 8);

/// How rules are found, from the start on: by tables alone (cfi); by them, and by frame pointers in
/// code that has none, as just-in-time compilers make it (automatic); by frame pointers but in our
/// own code and in signal frames (fp); by libunwind but in our own code (libunwind).
/// Requires: nobody walks. At first it is automatic.
void set_unwinding(Unwind how);
Unwind current_unwinding();

/// Rules by return address. Thread safety: any thread.
class RuleCache {
public:
    /// The rule for a call that returns to `address`. Cost: 2 ns, or some microseconds the first
    /// time, with a lock.
    UnwindRule find(std::uintptr_t address)
    {
        const Entry* const entries = entries_.load(std::memory_order_acquire);
        if (entries == nullptr) return look_up(address);
        const Entry& entry = entries[hash_of(address) % kCapacity];
        const Key key = key_of(address);
        if (entry.key.load(std::memory_order_acquire) == key) [[likely]] {
            const UnwindRule rule = entry.rule.load(std::memory_order_acquire);
            // Not replaced in between.
            if (entry.key.load(std::memory_order_relaxed) == key) [[likely]]
                return rule;
        }
        return find_further(address);
    }

    /// After dlclose(): forgets all, because what lies there now may be something else.
    void clear() { epoch_.fetch_add(1, std::memory_order_acq_rel); }
    /// Of clear(): what was found out in another one may be wrong.
    std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

private:
    /// An address, which has 48 bits, and above it the epoch in which its rule was made.
    using Key = std::uint64_t;

    struct Entry {
        std::atomic<Key> key; // 0: free
        std::atomic<UnwindRule> rule;
    };

    static constexpr std::size_t kCapacity = std::size_t{1} << 16;
    static constexpr std::size_t kMostProbes = 32;
    static constexpr int kEpochShift = 48;
    static constexpr Key kChanging = 1; // no address is that

    static std::size_t hash_of(std::uintptr_t address)
    {
        return (address * 0x9E3779B97F4A7C15U) >> 40U;
    }
    Key key_of(std::uintptr_t address) const { return address ^ epoch() << kEpochShift; }
    UnwindRule find_further(std::uintptr_t address);
    UnwindRule look_up(std::uintptr_t address);
    void keep(std::uintptr_t address, UnwindRule rule);

    std::atomic<Entry*> entries_{nullptr}; // kCapacity, in the arena
    std::atomic<std::uint64_t> epoch_{0};
    os::Mutex mutex_; // for changes, and for find_frame_row()
};

extern constinit RuleCache rule_cache;

/// Registers of the function that this becomes part of, as far as its callees preserve them, and
/// where it is. Elsewhere than on x86-64 all are zero, and no walk leads anywhere.
[[gnu::always_inline]] inline RegisterValues current_registers()
{
    RegisterValues registers{};
#if defined(__x86_64__)
    asm volatile("movq %%rbx, 24(%0)\n\t"
                 "movq %%rbp, 48(%0)\n\t"
                 "movq %%rsp, 56(%0)\n\t"
                 "movq %%r12, 96(%0)\n\t"
                 "movq %%r13, 104(%0)\n\t"
                 "movq %%r14, 112(%0)\n\t"
                 "movq %%r15, 120(%0)\n\t"
                 "leaq 0(%%rip), %%rax\n\t"
                 "movq %%rax, 128(%0)"
                 :
                 : "r"(registers.data())
                 : "rax", "memory");
#endif
    return registers;
}

/// Where a walk is: in a call that returns to `address`, or, at first, at it.
struct Position {
    std::uintptr_t address;
    std::uintptr_t stack_pointer;
    std::uintptr_t frame_pointer;
};

/// Of the function that this becomes part of: what a walk begins with. All of the registers would
/// be a fifth of its cost.
[[gnu::always_inline]] inline Position current_position()
{
    Position position{};
#if defined(__x86_64__)
    asm volatile("leaq 0(%%rip), %0\n\t"
                 "movq %%rsp, %1\n\t"
                 "movq %%rbp, %2"
                 : "=&r"(position.address), "=&r"(position.stack_pointer),
                   "=&r"(position.frame_pointer));
#endif
    return position;
}

enum class Caller : std::uint8_t { found, none, unknown };

/// Replaces the registers of a function by those of its caller, whatever that takes.
/// `registers[kReturnAddress]` is where it is; `is_interrupted`: not by a call from there, and will
/// say the same of the caller. Errors: Caller::unknown.
Caller step_out(RegisterValues& registers, bool& is_interrupted);

} // namespace tarn
