// SPDX-License-Identifier: MIT

#include "tracer/unwinder.h"

#include <array>
#include <limits>
#include <optional>

#include "src/os/probe.h"
#include "tracer/arena.h"
#include "tracer/dwarf_reader.h"
#include "tracer/own_code.h"
#include "tracer/process_maps.h"

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

/// Bytes of an instruction `call r/m64`, which begins with 0xFF.
/// Source: Intel SDM volume 2, CALL and tables 2-2 and 2-3.
std::size_t size_of_indirect_call(const unsigned char* code)
{
    const unsigned mode = code[1] >> 6U;
    const unsigned base = code[1] & 7U;
    const bool has_sib = mode != 3 && base == 4;
    const bool has_wide = mode == 2 || (mode == 0 && (has_sib ? (code[2] & 7U) : base) == 5);
    return 2U + (has_sib ? 1U : 0U) + (has_wide ? 4U : 0U) + (mode == 1 ? 1U : 0U);
}

/// Whether a call may return there.
bool is_behind_call(std::uintptr_t address)
{
    constexpr std::size_t kLongest = 7;
    std::array<unsigned char, kLongest> code{};
    if (!os::read_memory(address - kLongest, code.data(), kLongest)) return false;
    if (code[2] == 0xE8) return true; // call rel32
    for (std::size_t size = 2; size <= kLongest; ++size) {
        const unsigned char* const at = code.data() + kLongest - size;
        const bool is_call = at[0] == 0xFF && (at[1] & 0x38U) == 0x10;
        if (is_call && size_of_indirect_call(at) == size) return true;
    }
    return false;
}

/// Memory that is executable and of no module, as far as it was looked up. For the holder of
/// frame_mutex.
class GeneratedCode {
public:
    bool has(std::uintptr_t address)
    {
        for (const MemoryRange& range : known_)
            if (range.contains(address)) return true;
        return looks_ < kMostLooks && look_up(address);
    }

private:
    bool look_up(std::uintptr_t address)
    {
        ++looks_;
        reader_.emplace();
        Mapping mapping;
        bool is_found = false;
        while (!is_found && reader_->next(mapping))
            is_found = mapping.executable && mapping.range.contains(address);
        reader_.reset();
        if (is_found) known_[next_++ % known_.size()] = mapping.range;
        return is_found;
    }

    // Each takes 100 us, and what is no code may be another word each time.
    static constexpr std::size_t kMostLooks = 2000;

    std::array<MemoryRange, 16> known_{};
    std::size_t next_ = 0;
    std::size_t looks_ = 0;
    std::optional<MapsReader> reader_; // its buffer is too much for a small stack
};
constinit GeneratedCode generated_code;

/// Whether somebody may have been called from there. Interpreters push an address to return to that
/// no call is in front of, and jump.
bool may_return_to(std::uintptr_t address, ModuleId module)
{
    return is_behind_call(address) || (module == kNoModule && generated_code.has(address));
}

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
    if (entries_.load(std::memory_order_relaxed) != nullptr) keep(address, rule);
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

/// Of code without tables, by rbp. Errors: Caller::unknown, it leads to no call.
Caller step_by_pointer(RegisterValues& registers, bool& is_interrupted)
{
    using Kind = UnwindRule::Kind;
    const std::uintptr_t frame = registers[kFramePointer];
    std::array<std::uintptr_t, 2> saved{};
    const std::uintptr_t address = registers[kReturnAddress];
    std::byte byte{};
    // A call through a bad pointer has made no frame yet.
    const bool may_be_code = is_interrupted ? os::read_memory(address, &byte, 1)
                                            : rule_cache.find(address).kind() == Kind::by_pointer;
    const bool is_known = unwinding != Unwind::cfi && may_be_code &&
                          frame >= registers[kStackPointer] && frame % sizeof(frame) == 0 &&
                          os::read_memory(frame, saved.data(), sizeof saved) &&
                          rule_cache.find(saved[1]).kind() != Kind::unknown;
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
    const std::uintptr_t address = registers[kReturnAddress] - (is_interrupted ? 0 : 1);
    Caller result = Caller::unknown;
    if (step_by_table(address, registers, is_interrupted, result)) return result;
    return step_by_pointer(registers, is_interrupted);
}

} // namespace tarn
