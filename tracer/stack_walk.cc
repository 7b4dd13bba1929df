// SPDX-License-Identifier: MIT

#include "tracer/stack_walk.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "src/os/memory.h"
#include "src/os/probe.h"
#include "tracer/slow_walk.h"

namespace tarn {

namespace {

/// Up to here all pages between two frames are looked at.
constexpr std::uintptr_t kLargestGap = std::uintptr_t{1} << 20;

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);

constexpr std::size_t kNothingChanged = std::numeric_limits<std::size_t>::max();

std::uintptr_t load(std::uintptr_t address)
{
    return *reinterpret_cast<const std::uintptr_t*>(address);
}

std::uintptr_t signed_offset(std::int64_t offset)
{
    return static_cast<std::uintptr_t>(offset);
}

} // namespace

[[gnu::always_inline]] inline StackWalker::Detail& StackWalker::add(std::uintptr_t address,
                                                                    std::uintptr_t value, Kind kind)
{
    fresh_[fresh_size_] = {address, value};
    Detail& detail = fresh_details_[fresh_size_++];
    detail.node = kNoTrace;
    detail.kind = kind;
    detail.need = Need::none;
    return detail;
}

/// Whether a word on the stack can be read. Rules may be wrong, of code that is not a compiler's;
/// and a coroutine's stack ends where its maker thought that nobody looks.
[[gnu::always_inline]] inline bool StackWalker::is_readable(std::uintptr_t address)
{
    if (address - stack_.start <= stack_.size() - kWord) [[likely]]
        return true;
    if (address < stack_.start || address - stack_.end > kLargestFrame) return false;
    std::byte byte{};
    const std::uintptr_t last = (address + kWord - 1) & ~(os::kPageSize - 1);
    // Large arrays are stepped over: what lies between is not looked at, and not remembered.
    if (last - stack_.end > kLargestGap) return os::read_memory(address, &byte, 1);
    for (; stack_.end <= last; stack_.end += os::kPageSize)
        if (!os::read_memory(stack_.end, &byte, 1)) return false;
    return true;
}

/// Makes stack_ that of the stack pointer.
inline void StackWalker::find_stack(std::uintptr_t stack_pointer)
{
    if (stack_.contains(stack_pointer)) [[likely]]
        return;
    std::byte byte{};
    const std::uintptr_t page = stack_pointer & ~(os::kPageSize - 1);
    bool is_same = stack_pointer < stack_.start && stack_.start - page <= kLargestGap;
    for (std::uintptr_t at = stack_.start; is_same && at > page; at -= os::kPageSize)
        is_same = os::read_memory(at - os::kPageSize, &byte, 1);
    stack_ = {page, is_same ? stack_.end : page + os::kPageSize};
}

/// Goes to the caller, noting in fresh_ on which words that depends.
[[gnu::always_inline]] inline StackWalker::Step StackWalker::step(Position& at,
                                                                  const UnwindRule& rule)
{
    using Rule = UnwindRule::Kind;
    const std::uintptr_t offset = signed_offset(rule.cfa);
    std::uintptr_t cfa = 0;
    std::uintptr_t rbp_base = 0;
    switch (rule.kind()) {
    case Rule::from_stack:
        rbp_base = cfa = at.stack_pointer + offset;
        break;
    case Rule::by_pointer:
        if (const Step found = look_at_frame(at); found != Step::call) return found;
        [[fallthrough]];
    case Rule::from_frame:
        rbp_base = cfa = at.frame_pointer + offset;
        break;
    case Rule::through_frame:
        if (at.frame_pointer - at.stack_pointer > kLargestFrame ||
            !is_readable(at.frame_pointer + offset))
            return Step::end;
        cfa = load(at.frame_pointer + offset);
        add(at.frame_pointer + offset, cfa, Kind::other);
        rbp_base = at.frame_pointer;
        break;
    case Rule::special:
        return Step::special;
    default:
        return end_of_stack(at.stack_pointer);
    }
    if (cfa - at.stack_pointer - kWord > kLargestFrame || cfa % kWord != 0 ||
        !is_readable(cfa - kWord))
        return Step::end;
    if (rule.saved_rbp != 0) {
        const std::uintptr_t slot = rbp_base + signed_offset(rule.saved_rbp) * kWord;
        if (!is_readable(slot)) return Step::end;
        at.frame_pointer = load(slot);
        add(slot, at.frame_pointer, Kind::saved_rbp);
    }
    at.address = load(cfa - kWord);
    at.stack_pointer = cfa;
    if (at.address == 0) [[unlikely]]
        return end_of_stack(cfa);
    return Step::call;
}

/// Makes `at` the first caller of `start` that is not our own, if the way there is one of
/// own_paths_.
[[gnu::always_inline]] inline bool StackWalker::leave_known(const Position& start,
                                                            const MemoryRange& own, Position& at)
{
    const std::uintptr_t stack_pointer = start.stack_pointer;
    for (const OwnPath& path : own_paths_) {
        const std::uintptr_t outside = stack_pointer + path.size;
        bool is_same = path.size != 0 && is_readable(outside - kWord);
        for (std::size_t i = 0; is_same && i < path.count; ++i)
            is_same = static_cast<std::uint32_t>(load(stack_pointer + path.checks[i].offset)) ==
                      path.checks[i].value;
        // Another one may go on where this ends.
        if (!is_same || own.contains(load(outside - kWord))) continue;
        at = {.address = load(outside - kWord),
              .stack_pointer = outside,
              .frame_pointer =
                  path.saved_rbp != 0 ? load(stack_pointer + path.saved_rbp) : start.frame_pointer};
        return true;
    }
    return false;
}

/// Goes to the first caller that is not our own, and remembers the way if it is always the same.
[[gnu::noinline]] StackWalker::Step StackWalker::leave_own(Position& at, const MemoryRange& own)
{
    OwnPath path{};
    const std::uintptr_t start = at.stack_pointer;
    bool is_fixed = true;
    for (;;) {
        const UnwindRule rule = rule_cache.find(at.address);
        const std::uintptr_t before = at.stack_pointer;
        const Step result = step(at, rule);
        fresh_size_ = 0;
        if (result != Step::call) return result;
        is_fixed = is_fixed && rule.kind() == UnwindRule::Kind::from_stack;
        const std::uintptr_t cfa = before + signed_offset(rule.cfa);
        if (rule.saved_rbp != 0)
            path.saved_rbp =
                static_cast<std::uint32_t>(cfa + signed_offset(rule.saved_rbp) * kWord - start);
        if (!own.contains(at.address)) break;
        is_fixed = is_fixed && path.count < path.checks.size();
        if (!is_fixed) continue;
        path.checks[path.count++] = {
            .offset = static_cast<std::uint32_t>(at.stack_pointer - kWord - start),
            .value = static_cast<std::uint32_t>(at.address)};
    }
    path.size = static_cast<std::uint32_t>(at.stack_pointer - start);
    if (is_fixed) own_paths_[next_own_path_++ % own_paths_.size()] = path;
    return Step::call;
}

/// Whether the last stack went through here; what it had further inside is dropped.
[[gnu::always_inline]] inline bool StackWalker::joins(const Position& at)
{
    const std::uintptr_t slot = at.stack_pointer - kWord;
    while (last_size_ != 0 &&
           (last_[last_size_ - 1].address < slot || details_[last_size_ - 1].kind != Kind::call))
        --last_size_;
    if (last_size_ == 0 || last_[last_size_ - 1].address != slot) return false;
    const Detail& detail = details_[last_size_ - 1];
    if (detail.need == Need::rbp && detail.rbp != at.frame_pointer) return false;
    return last_[last_size_ - 1].value == at.address || replaces(last_size_ - 1, at.address);
}

/// Out of fewer pages than those of the cache of all.
[[gnu::always_inline]] inline UnwindRule StackWalker::rule_of(std::uintptr_t address)
{
    const std::size_t hash =
        (address * 0x9E3779B97F4A7C15U) >> static_cast<unsigned>(64 - kRecentBits);
    RecentRule& recent = recent_rules_[hash];
    if (recent.address != address) [[unlikely]]
        recent = {.address = address, .rule = rule_cache.find(address)};
    return recent.rule;
}

/// Whether the way outwards stays the same when a call returns to `value` instead of where it did.
/// If so, that is what it does from now on.
[[gnu::always_inline]] inline bool StackWalker::replaces(std::size_t number, std::uintptr_t value)
{
    Detail& detail = details_[number];
    if (detail.kind != Kind::call) return false;
    const UnwindRule rule = rule_of(value);
    if (!rule.leads_as(detail.rule)) return false;
    last_[number].value = value;
    detail.rule = rule;
    first_changed_ = std::min(first_changed_, number);
    return true;
}

/// How many of the `count` outermost words of last_ are left without those, from inside, that hold
/// what they held. Most of a walk is this: four at a time take half as long.
[[gnu::always_inline]] inline std::size_t StackWalker::find_changed(std::size_t count) const
{
    const auto is_same = [this](std::size_t number) {
        return load(last_[number].address) == last_[number].value;
    };
    for (; count >= 4; count -= 4) {
        if (!is_same(count - 1)) return count;
        if (!is_same(count - 2)) return count - 1;
        if (!is_same(count - 3)) return count - 2;
        if (!is_same(count - 4)) return count - 3;
    }
    while (count != 0 && is_same(count - 1))
        --count;
    return count;
}

/// Whether all beyond the innermost call of last_ is as it was, but for addresses that make no
/// difference. If not, only what is further outside than the first difference stays.
[[gnu::always_inline]] inline bool StackWalker::is_as_before()
{
    std::size_t count = last_size_ - 1;
    while ((count = find_changed(count)) != 0) {
        --count;
        if (replaces(count, load(last_[count].address))) [[likely]]
            continue;
        last_size_ = count;
        first_changed_ = kNothingChanged;
        return false;
    }
    return true;
}

[[gnu::always_inline]] inline TraceId StackWalker::child(TraceId parent, std::uint64_t call)
{
    // The parent high up: next to each other its numbers and the addresses would cancel out.
    const std::size_t hash = ((call ^ std::uint64_t{parent} << 32U) * 0x9E3779B97F4A7C15U) >>
                             static_cast<unsigned>(64 - kRecentBits);
    RecentNode& recent = recent_nodes_[hash];
    if (recent.call != call || recent.parent != parent || recent.node == kNoTrace) [[unlikely]]
        recent = {.call = call,
                  .parent = parent,
                  .node = stack_trie.child(parent, std::bit_cast<Call>(call))};
    return recent.node;
}

/// Finds the nodes of last_ from word `first` on. Errors: kNoTrace, no memory.
[[gnu::always_inline]] inline TraceId StackWalker::find_nodes(std::size_t first)
{
    TraceId node = kNoTrace;
    for (std::size_t i = first; i-- > 0 && node == kNoTrace;)
        if (details_[i].kind == Kind::call) node = details_[i].node;
    if (node == kNoTrace) node = root_;
    const std::size_t size = last_size_;
    for (std::size_t i = first; i < size; ++i) {
        Detail& detail = details_[i];
        if (detail.kind != Kind::call) continue;
        node = child(node, detail.rule.with_module(last_[i].value));
        detail.node = node;
        if (node == kNoTrace) break;
    }
    if (node == kNoTrace) last_size_ = 0;
    return node;
}

/// Puts fresh_ on top of last_ and finds the nodes.
[[gnu::always_inline]] inline TraceId StackWalker::join()
{
    std::size_t count = 0;
    Need need = Need::none;
    const std::size_t joint = last_size_;
    if (joint != 0) {
        count = details_[joint - 1].count;
        need = details_[joint - 1].need;
    }
    while (fresh_size_ != 0) {
        const Detail& fresh = fresh_details_[--fresh_size_];
        // Where rbp was saved matters if somebody further outside is found by it.
        if (fresh.kind == Kind::saved_rbp && need != Need::rbp) continue;
        last_[last_size_] = fresh_[fresh_size_];
        Detail& added = details_[last_size_++];
        added = fresh;
        if (fresh.kind != Kind::call) continue;
        if (fresh.need != Need::like_caller) need = fresh.need;
        added.need = need;
        added.count = static_cast<std::uint16_t>(++count);
    }
    const std::size_t first = has_new_root_ ? 0 : std::min(first_changed_, joint);
    has_new_root_ = false;
    return first < last_size_ ? find_nodes(first) : details_[last_size_ - 1].node;
}

/// Whether so many calls as now, the last of which is the one that joins, are as many as they may
/// be and should: where the last stack was cut there may be more outside.
inline bool StackWalker::may_join(std::size_t calls, std::size_t most_calls) const
{
    const std::size_t all = details_[last_size_ - 1].count + calls - 1;
    const std::size_t most = most_calls == kMostCalls ? 2 * kMostCalls : most_calls;
    return all <= most && (!is_cut_ || all >= most_calls);
}

/// From a call of the program on: all that is not as it was the last time.
[[gnu::always_inline]] inline StackWalker::Step
StackWalker::walk_new(Position& at, std::size_t most_calls, bool& has_joined)
{
    using Rule = UnwindRule::Kind;
    for (std::size_t calls = 1;; ++calls) {
        if (joins(at) && may_join(calls, most_calls) && is_as_before()) {
            has_joined = true;
            return Step::call;
        }
        Detail& added = add(at.stack_pointer - kWord, at.address, Kind::call);
        const UnwindRule rule = rule_of(at.address);
        added.rbp = at.frame_pointer;
        added.rule = rule;
        if (rule.kind() >= Rule::from_frame && rule.kind() <= Rule::by_pointer)
            added.need = Need::rbp;
        else if (rule.kind() == Rule::from_stack && rule.saved_rbp == 0)
            added.need = Need::like_caller;
        fresh_calls_ = calls;
        if (calls == most_calls) return Step::end;
        const Step result = step(at, rule);
        if (result != Step::call) return result;
    }
}

/// For what rules cannot express. It is not remembered: such a stack may have parts.
[[gnu::noinline]] TraceId StackWalker::walk_anyhow(const Position& start, const MemoryRange& own,
                                                   std::size_t most_calls)
{
    last_size_ = 0;
    fresh_size_ = 0;
    walk_slowly(start, own, most_calls,
                {this, [](void* context, std::uintptr_t address, ModuleId module) {
                     auto& walker = *static_cast<StackWalker*>(context);
                     walker.add(0, address, Kind::call).rule.set(UnwindRule::Kind::special, module);
                 }});
    const TraceId node = fresh_size_ != 0 ? join() : kNoTrace;
    last_size_ = 0;
    return node;
}

TraceId StackWalker::walk(const Position& start, const MemoryRange& own, std::size_t most_calls,
                          TraceId root)
{
    if (root != root_) [[unlikely]] {
        root_ = root;
        has_new_root_ = true;
    }
    if (const std::uint64_t epoch = rule_cache.epoch(); epoch != epoch_) [[unlikely]] {
        last_size_ = 0;
        recent_rules_.fill({});
        recent_nodes_.fill({}); // not = {}, for which a debug build has one on the stack
        epoch_ = epoch;
    }
    fresh_size_ = 0;
    fresh_calls_ = 0;
    first_changed_ = kNothingChanged;
    find_stack(start.stack_pointer);
    bool has_joined = false;
    Position at; // NOLINT(cppcoreguidelines-pro-type-member-init): copying would be 5 ns
    Step result = Step::call;
    if (!leave_known(start, own, at)) [[unlikely]] {
        at = start;
        result = leave_own(at, own);
    }
    if (result == Step::call) result = walk_new(at, most_calls, has_joined);
    if (result == Step::special) return walk_anyhow(start, own, most_calls);
    if (!has_joined) { // the whole stack is new
        last_size_ = 0;
        is_cut_ = fresh_calls_ == most_calls;
    }
    return has_joined || fresh_size_ != 0 ? join() : kNoTrace;
}

} // namespace tarn
