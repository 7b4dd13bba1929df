// SPDX-License-Identifier: MIT
//
// All stacks that were ever seen, as a tree: a node is a call made by the node above it. Two stacks
// that begin alike share what they have in common, and a stack is known by one number, that of its
// innermost call.
//
//      main ──┬── parse ──── malloc caller a        trace 3 = main, parse, a
//             └── render ─── malloc caller b        trace 5 = main, render, b
//
// Above the outermost call there may be a tag, see tags.h.

#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/os/mutex.h"

namespace tarn {

/// A call: where it returns to, and of which module, because another one may lie there later.
struct Call {
    std::uint64_t address : 48;
    std::uint64_t module : 16; // number in ModuleTable

    friend bool operator==(const Call& a, const Call& b)
    {
        return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
    }
};

/// "Module" of what is no call, but a tag; above all of these. Its address is the tag's number.
inline constexpr std::uint16_t kTagModule = 0xFFFF;

/// Number of a node; kNoTrace is above all of them.
using TraceId = std::uint32_t;
inline constexpr TraceId kNoTrace = 0;

/// Nodes are never removed. Thread safety: any thread; what exists is found without a lock.
class StackTrie {
public:
    /// The node of `call` made from `parent`. Errors: kNoTrace, no memory.
    /// Cost: 5 to 20 ns, a cache miss or two.
    TraceId child(TraceId parent, Call call);

    TraceId parent(TraceId id) const { return node(id).parent; }
    Call call(TraceId id) const { return node(id).call; }
    /// The node of the call that made it; kNoTrace: it is the outermost one. A tag is none.
    TraceId caller(TraceId id) const
    {
        const TraceId above = parent(id);
        return above != kNoTrace && call(above).module == kTagModule ? kNoTrace : above;
    }
    /// A number that somebody gives a node, at first 0.
    std::uint32_t tag(TraceId id) const { return node(id).tag.load(std::memory_order_acquire); }
    void set_tag(TraceId id, std::uint32_t tag)
    {
        node(id).tag.store(tag, std::memory_order_release);
    }
    /// Nodes so far; their numbers are 1 to size().
    std::size_t size() const { return size_.load(std::memory_order_acquire); }

    static constexpr std::size_t kNodeSize = 24;
    static constexpr std::size_t kNodesInChunk = std::size_t{1} << 12;

    /// Takes over the tree of a state file, whose chunks stay where they are; calls of more than
    /// `modules` become those of none. Errors: false, it is no tree. See command/state_image.cc.
    bool adopt(std::span<void* const> chunks, std::size_t size, std::size_t modules);

private:
    struct Node {
        Call call;
        TraceId parent;
        std::atomic<std::uint32_t> tag;
        std::atomic<TraceId> first; // the newest of those that it calls, or kMany
        std::atomic<TraceId> next;  // the next older one of those with the same parent
    };
    static_assert(sizeof(Node) == kNodeSize);

    /// Most nodes have one child or two, which lie close by, made one after the other. Up to
    /// kMostListed are a list; of a node that has more, all are in the table.
    static constexpr TraceId kMany = ~TraceId{0};
    static constexpr std::size_t kMostListed = 8;

    /// Numbers of such nodes by hash, open addressing; half of it is free.
    struct Table {
        std::size_t capacity; // a power of two
        std::atomic<TraceId>* slots;
    };

    static constexpr std::size_t kMostChunks = std::size_t{1} << 14;

    Node& node(TraceId id) const
    {
        return chunks_[id / kNodesInChunk].load(std::memory_order_acquire)[id % kNodesInChunk];
    }
    std::atomic<TraceId>& first_of(TraceId parent)
    {
        return parent != kNoTrace ? node(parent).first : outermost_;
    }
    TraceId find(TraceId parent, Call call);
    TraceId find_in_table(TraceId parent, Call call) const;
    TraceId add(TraceId parent, Call call);
    bool has_room_in_list(TraceId parent);
    const Table* grown(const Table* table);
    void place(const Table& table, TraceId id) const;
    void put_in_list(TraceId id);
    void put_in_table(const Table& table, TraceId id);

    std::atomic<TraceId> outermost_{kNoTrace}; // as Node::first
    std::atomic<const Table*> table_{nullptr};
    std::size_t in_table_ = 0; // guarded by mutex_
    std::array<std::atomic<Node*>, kMostChunks> chunks_{};
    std::atomic<std::size_t> size_{0};
    os::Mutex mutex_; // for changes
};

extern constinit StackTrie stack_trie;

} // namespace tarn
