// SPDX-License-Identifier: MIT
//
// The stack of the calling thread, as a node of the trie.
//
// From one malloc to the next most of a stack stays as it is. So each thread remembers its last
// one: for every call the slot on the stack where its return address lies, and the node. A walk
// goes from malloc outwards by the rules of unwinder.h; as soon as it comes to a slot that it
// knows, with the same contents, it only compares the slots beyond it with what they held before.
// If all are the same, the rest of the walk would be the same, step by step: each rule depends on
// nothing but the address that was compared, and, where a frame is found by rbp, on a saved rbp
// that is compared as well. A slot that holds another address, whose rule is the same, changes the
// node of its call and of those inside it, but not where the others are. Source of the idea:
// design/debugging.md 4.3.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tracer/stack_trie.h"
#include "tracer/unwinder.h"

namespace tarn {

/// Calls of a stack that are kept at most, the innermost.
inline constexpr std::size_t kMostCalls = 2048;

/// One thread's last stack. All zero is one that knows nothing. Thread safety: one thread at a
/// time, and none of its signal handlers.
class StackWalker {
public:
    /// The stack above `start`, the current_position() of the caller, always at the same place.
    /// Calls of `own` that are innermost are left out. At most `most_calls`, which is kMostCalls or
    /// less. Below `root`, a node that is no call; kNoTrace: below none.
    /// Errors: kNoTrace, no memory. Cost: 20 to 60 ns for 30 calls of which a few are new.
    TraceId walk(const Position& start, const MemoryRange& own, std::size_t most_calls,
                 TraceId root = kNoTrace);

    /// Before another thread has it: that one's stack may lie where this one's was.
    void forget()
    {
        last_size_ = 0;
        stack_ = {};
        top_ = 0;
    }

private:
    /// A word of the stack that was read, and what it held: where a call returns to; or something
    /// on which the way outwards depends, between the calls that it leads from and to.
    struct Word {
        std::uintptr_t address;
        std::uintptr_t value;
    };
    enum class Kind : std::uint8_t { call, other, saved_rbp };
    /// Whether the way outwards from a call depends on what rbp is when it returns.
    enum class Need : std::uint8_t { none, like_caller, rbp };
    /// What else is known of a word.
    struct Detail {
        std::uintptr_t rbp;  // of a call: when it returns
        UnwindRule rule;     // of a call: for where it returns to
        TraceId node;        // of a call; kNoTrace: to be found
        std::uint16_t count; // of a call: calls up to here, from outside
        Kind kind;
        Need need;
    };

    /// A way out of our own functions, all of which have frames of fixed sizes.
    struct OwnPath {
        struct Check {
            std::uint32_t offset; // of a return address, from the first stack pointer
            std::uint32_t value;  // its low half
        };
        std::array<Check, 7> checks;
        std::uint32_t count;
        std::uint32_t size;      // from the first stack pointer to the caller's; 0: not in use
        std::uint32_t saved_rbp; // offset; 0: not saved
    };

    /// A call that was looked up lately.
    struct RecentNode {
        std::uint64_t call; // UnwindRule::with_module()
        TraceId parent;
        TraceId node;
    };

    /// A rule that was looked up lately.
    struct RecentRule {
        std::uintptr_t address;
        UnwindRule rule;
    };

    enum class Step : std::uint8_t { call, end, special };

    bool is_readable(std::uintptr_t address);
    Step look_at_frame(const Position& at);
    Step end_of_stack(std::uintptr_t stack_pointer);
    void find_stack(std::uintptr_t stack_pointer);
    bool leave_known(const Position& start, const MemoryRange& own, Position& at);
    Step leave_own(Position& at, const MemoryRange& own);
    Step step(Position& at, const UnwindRule& rule);
    Detail& add(std::uintptr_t address, std::uintptr_t value, Kind kind);
    bool joins(const Position& at);
    std::size_t find_changed(std::size_t count) const;
    bool is_as_before();
    bool may_join(std::size_t calls, std::size_t most_calls) const;
    bool replaces(std::size_t number, std::uintptr_t value);
    UnwindRule rule_of(std::uintptr_t address);
    TraceId child(TraceId parent, std::uint64_t call);
    TraceId find_nodes(std::size_t first);
    TraceId join();
    Step walk_new(Position& at, std::size_t most_calls, bool& has_joined);
    TraceId walk_anyhow(const Position& start, const MemoryRange& own, std::size_t most_calls);

    // Beyond the largest frames there are; what a rule says of broken code is not followed.
    static constexpr std::uintptr_t kLargestFrame = std::uintptr_t{64} << 20;
    static constexpr int kRecentBits = 10;
    static constexpr std::size_t kMostFresh = 3 * kMostCalls;
    // A stack that is deeper than what is kept is joined to what is known of it, up to twice as
    // much.
    static constexpr std::size_t kMostWords = 2 * kMostFresh;

    std::size_t last_size_;
    std::size_t fresh_size_;
    std::size_t fresh_calls_;
    std::size_t first_changed_; // word of last_ from which on nodes are to be found
    TraceId root_;              // the nodes of last_ are to be below it
    bool has_new_root_;         // but are below another one
    bool is_cut_;               // last_ begins further inside than the stack does
    std::uint64_t epoch_;       // of the rules by which last_ was found
    MemoryRange stack_;         // pages around the stack pointer that can be read
    std::uintptr_t top_;        // where a walk by tables alone ended: all below is of this stack
    std::size_t next_own_path_;
    std::array<OwnPath, 4> own_paths_;
    std::array<RecentNode, std::size_t{1} << kRecentBits> recent_nodes_;
    std::array<RecentRule, std::size_t{1} << kRecentBits> recent_rules_;
    // The last stack, from outside.
    std::array<Word, kMostWords> last_;
    std::array<Detail, kMostWords> details_;
    // What is new of this one, from inside.
    std::array<Word, kMostFresh> fresh_;
    std::array<Detail, kMostFresh> fresh_details_;
};

} // namespace tarn
