// SPDX-License-Identifier: MIT

#include "tracer/unwinder.h"

#include <array>
#include <limits>

#include "src/os/probe.h"
#include "tracer/arena.h"
#include "tracer/dwarf_reader.h"
#include "tracer/frame_pointer.h"
#include "tracer/own_code.h"

namespace tarn {

constinit RuleCache rule_cache;

namespace {

constexpr std::int64_t kWord = sizeof(std::uintptr_t);

// Too much for a small stack; for the holder of frame_mutex.
constinit FrameRow row{};
constinit os::Mutex frame_mutex;

/// The single register and offset of an expression "DW_OP_bregN offset", and whether a DW_OP_deref
/// follows. Errors: false, it is another one.
struct RegisterOffset {
    std::size_t number;
    std::int64_t offset;
    bool is_loaded;
};

bool read_simple(std::int64_t expression, RegisterOffset& found)
{
    const auto* const start = reinterpret_cast<const std::byte*>(expression);
    DwarfReader length(start, start + 10);
    const std::uint64_t size = length.uleb();
    DwarfReader reader(length.position(), length.position() + size);
    const auto code = reader.read<std::uint8_t>();
    if (code < 0x70 || code > 0x8F) return false;
    found = {.number = code - 0x70U, .offset = reader.sleb(), .is_loaded = false};
    if (reader.done()) return true;
    found.is_loaded = reader.read<std::uint8_t>() == 0x06;
    return found.is_loaded && reader.done();
}

bool fits(std::int64_t cfa, std::int64_t saved_rbp)
{
    return cfa >= std::numeric_limits<std::int32_t>::min() &&
           cfa <= std::numeric_limits<std::int32_t>::max() && saved_rbp % kWord == 0 &&
           saved_rbp / kWord >= std::numeric_limits<std::int16_t>::min() &&
           saved_rbp / kWord <= std::numeric_limits<std::int16_t>::max();
}

/// `cfa` in bytes, `saved_rbp` in bytes from where rbp is saved relative to. Requires: fits().
UnwindRule make_rule(UnwindRule::Kind kind, std::int64_t cfa = 0, std::int64_t saved_rbp = 0)
{
    UnwindRule rule{.cfa = static_cast<std::int32_t>(cfa),
                    .saved_rbp = static_cast<std::int16_t>(saved_rbp / kWord)};
    rule.set(kind, kNoModule);
    return rule;
}

/// Of a function that realigns its stack: CFA = *(rbp + a), and the caller's rbp = *(rbp + b).
UnwindRule realigned_rule(const RegisterRule& frame_pointer)
{
    RegisterOffset cfa{};
    RegisterOffset saved{};
    const bool is_known =
        row.cfa.how == Recovery::is_expression && read_simple(row.cfa.value, cfa) &&
        cfa.is_loaded && cfa.number == kFramePointer &&
        frame_pointer.how == Recovery::at_expression && read_simple(frame_pointer.value, saved) &&
        !saved.is_loaded && saved.number == kFramePointer && fits(cfa.offset, saved.offset);
    if (!is_known) return make_rule(UnwindRule::Kind::special);
    return make_rule(UnwindRule::Kind::through_frame, cfa.offset, saved.offset);
}

/// What `row` comes to.
UnwindRule rule_of_row()
{
    using Kind = UnwindRule::Kind;
    const RegisterRule& address = row.registers[kReturnAddress];
    const RegisterRule& frame_pointer = row.registers[kFramePointer];
    if (address.how == Recovery::undefined) return make_rule(Kind::outermost);
    if (row.is_signal_frame || address.how != Recovery::at_offset || address.value != -kWord)
        return make_rule(Kind::special);
    if (row.cfa.how != Recovery::in_register) return realigned_rule(frame_pointer);

    const bool is_saved = frame_pointer.how == Recovery::at_offset;
    // A frame that leaves rbp undefined has no callers that need it.
    const bool is_kept =
        frame_pointer.how == Recovery::same || frame_pointer.how == Recovery::undefined;
    const std::int64_t saved = is_saved ? frame_pointer.value : 0;
    const bool has_base = row.cfa_register == kStackPointer || row.cfa_register == kFramePointer;
    if (!has_base || !(is_saved || is_kept) || !fits(row.cfa.value, saved))
        return make_rule(Kind::special);
    return make_rule(row.cfa_register == kStackPointer ? Kind::from_stack : Kind::from_frame,
                     row.cfa.value, saved);
}

constinit Unwind unwinding = Unwind::automatic;

/// `rule` is that of the tables.
UnwindRule adapted(UnwindRule rule, std::uintptr_t address, ModuleId module)
{
    using Kind = UnwindRule::Kind;
    if (unwinding == Unwind::cfi || own_code().contains(address)) return rule;
    if (unwinding == Unwind::libunwind) return make_rule(Kind::special);
    const bool is_unknown = rule.kind() == Kind::unknown;
    // Tables know where a stack begins, and signal frames.
    const bool is_wanted = unwinding == Unwind::fp && rule.kind() <= Kind::through_frame;
    if (!is_unknown && !is_wanted) return rule;
    return may_return_to(address, module) ? make_rule(Kind::by_pointer, 2 * kWord, -2 * kWord)
                                          : make_rule(Kind::unknown);
}

UnwindRule rule_at(std::uintptr_t address)
{
    // The call is before where it returns to, which may be another function.
    bool has_changed = false;
    const ModuleId module = module_table.find(address - 1, has_changed);
    if (has_changed) rule_cache.clear();
    UnwindRule rule = make_rule(UnwindRule::Kind::unknown);
    if (module != kNoModule && find_frame_row(module_table[module].unwind_table, address - 1, row))
        rule = rule_of_row();
    rule = adapted(rule, address, module);
    rule.set(rule.kind(), module);
    return rule;
}

} // namespace

UnwindRule RuleCache::find_further(std::uintptr_t address)
{
    const Key key = key_of(address);
    const Entry* const entries = entries_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < kMostProbes; ++i) {
        const Entry& entry = entries[(hash_of(address) + i) % kCapacity];
        const Key found = entry.key.load(std::memory_order_acquire);
        if (found == 0) break;
        if (found != key) continue;
        const UnwindRule rule = entry.rule.load(std::memory_order_acquire);
        if (entry.key.load(std::memory_order_relaxed) == key) return rule;
    }
    return look_up(address);
}

UnwindRule RuleCache::look_up(std::uintptr_t address)
{
    const os::LockGuard guard(mutex_);
    if (entries_.load(std::memory_order_relaxed) == nullptr)
        entries_.store(static_cast<Entry*>(arena.take(kCapacity * sizeof(Entry))),
                       std::memory_order_release);
    UnwindRule rule{};
    {
        const os::LockGuard row_guard(frame_mutex);
        rule = rule_at(address);
    }
    // Any word may be looked up where frame pointers are not what they seem: those are not kept.
    const bool is_code = rule.kind() != UnwindRule::Kind::unknown || rule.module() != kNoModule;
    if (is_code && entries_.load(std::memory_order_relaxed) != nullptr) keep(address, rule);
    return rule;
}

void RuleCache::keep(std::uintptr_t address, UnwindRule rule)
{
    const Key key = key_of(address);
    for (std::size_t i = 0; i < kMostProbes; ++i) {
        Entry& entry = entries_.load(std::memory_order_relaxed)[(hash_of(address) + i) % kCapacity];
        const Key found = entry.key.load(std::memory_order_relaxed);
        if (found == key) return; // another thread was quicker
        if (found != 0 && found >> kEpochShift == key >> kEpochShift) continue;
        entry.key.store(kChanging, std::memory_order_release);
        entry.rule.store(rule, std::memory_order_release);
        entry.key.store(key, std::memory_order_release);
        return;
    }
}

void set_unwinding(Unwind how)
{
    if (unwinding == how) return; // or all threads would begin by clearing what they remember
    unwinding = how;
    rule_cache.clear();
}

Unwind current_unwinding()
{
    return unwinding;
}

namespace {

/// What a register holds in the caller. Errors: false.
bool recover(const RegisterRule& rule, const RegisterValues& now, std::uintptr_t cfa,
             std::uintptr_t& value)
{
    const auto* const expression = reinterpret_cast<const std::byte*>(rule.value);
    const std::uintptr_t offset = cfa + static_cast<std::uintptr_t>(rule.value);
    switch (rule.how) {
    case Recovery::same:
    case Recovery::undefined:
        return true;
    case Recovery::at_offset:
        return os::read_memory(offset, &value, sizeof value);
    case Recovery::is_offset:
        value = offset;
        return true;
    case Recovery::in_register:
        if (static_cast<std::uint64_t>(rule.value) >= kRegisters) return false;
        value = now[static_cast<std::size_t>(rule.value)];
        return true;
    case Recovery::at_expression: {
        std::uintptr_t at = 0;
        return evaluate(expression, now, cfa, at) && os::read_memory(at, &value, sizeof value);
    }
    case Recovery::is_expression:
        return evaluate(expression, now, cfa, value);
    }
    return false;
}

bool find_cfa(const RegisterValues& now, std::uintptr_t& cfa)
{
    if (row.cfa.how == Recovery::is_expression)
        return evaluate(reinterpret_cast<const std::byte*>(row.cfa.value), now, 0, cfa);
    if (row.cfa_register >= kRegisters) return false;
    cfa = now[row.cfa_register] + static_cast<std::uintptr_t>(row.cfa.value);
    return true;
}

/// As `row` says, for the holder of frame_mutex.
Caller apply_row(RegisterValues& registers, bool& is_interrupted)
{
    const RegisterValues now = registers;
    std::uintptr_t cfa = 0;
    if (!find_cfa(now, cfa)) return Caller::unknown;
    registers[kStackPointer] = cfa;
    for (std::size_t i = 0; i < kRegisters; ++i)
        if (!recover(row.registers[i], now, cfa, registers[i])) return Caller::unknown;
    is_interrupted = row.is_signal_frame;
    return registers[kReturnAddress] == 0 ? Caller::none : Caller::found;
}

/// By the tables of a module. Errors: false, they say nothing of the address.
bool step_by_table(std::uintptr_t address, RegisterValues& registers, bool& is_interrupted,
                   Caller& result)
{
    const ModuleId module = module_table.find(address);
    const os::LockGuard guard(frame_mutex);
    if (module == kNoModule || !find_frame_row(module_table[module].unwind_table, address, row))
        return false;
    result = row.registers[kReturnAddress].how == Recovery::undefined
                 ? Caller::none
                 : apply_row(registers, is_interrupted);
    return true;
}

/// Whether it is code that a frame pointer says how to leave. Of interrupted code: a call through a
/// bad pointer has made no frame yet.
bool goes_by_pointer(std::uintptr_t address, bool is_interrupted)
{
    if (unwinding == Unwind::cfi || !is_address(address)) return false;
    if (!is_interrupted) return rule_cache.find(address).kind() == UnwindRule::Kind::by_pointer;
    const os::LockGuard guard(frame_mutex);
    return is_generated(address);
}

/// Of code without tables, by rbp. Errors: Caller::unknown, it leads to no call.
Caller step_by_pointer(RegisterValues& registers, bool& is_interrupted)
{
    const std::uintptr_t frame = registers[kFramePointer];
    std::array<std::uintptr_t, 2> saved{};
    const bool is_known = frame >= registers[kStackPointer] && frame % sizeof(frame) == 0 &&
                          os::read_memory(frame, saved.data(), sizeof saved) &&
                          is_address(saved[1]) &&
                          rule_cache.find(saved[1]).kind() != UnwindRule::Kind::unknown;
    if (!is_known) return Caller::unknown;
    registers[kFramePointer] = saved[0];
    registers[kReturnAddress] = saved[1];
    registers[kStackPointer] = frame + sizeof saved;
    is_interrupted = false;
    return Caller::found;
}

} // namespace

Caller step_out(RegisterValues& registers, bool& is_interrupted)
{
    const std::uintptr_t returns_to = registers[kReturnAddress];
    const bool is_first_by_pointer = unwinding == Unwind::fp && !is_interrupted;
    if (is_first_by_pointer && goes_by_pointer(returns_to, false))
        return step_by_pointer(registers, is_interrupted);
    Caller result = Caller::unknown;
    const std::uintptr_t address = returns_to - (is_interrupted ? 0 : 1);
    if (step_by_table(address, registers, is_interrupted, result)) return result;
    if (!goes_by_pointer(returns_to, is_interrupted)) return Caller::unknown;
    return step_by_pointer(registers, is_interrupted);
}

} // namespace tarn
