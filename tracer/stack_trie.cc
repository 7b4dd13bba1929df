// SPDX-License-Identifier: MIT

#include "tracer/stack_trie.h"

#include <bit>
#include <new>

#include "tracer/arena.h"
#include "tracer/state_file.h"

namespace tarn {

constinit StackTrie stack_trie;

namespace {

constexpr std::size_t kFirstCapacity = 1024;

/// All bits must count: the low ones of addresses in one function are alike in many stacks.
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014), mix13.
std::size_t hash_of(TraceId parent, Call call)
{
    std::uint64_t hash = std::bit_cast<std::uint64_t>(call) + parent * 0x9E3779B97F4A7C15U;
    hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9U;
    hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBU;
    return hash ^ (hash >> 31);
}

} // namespace

TraceId StackTrie::find(const Table* table, TraceId parent, Call call) const
{
    if (table == nullptr) return kNoTrace;
    for (std::size_t slot = hash_of(parent, call);; ++slot) {
        const TraceId id =
            table->slots[slot & (table->capacity - 1)].load(std::memory_order_acquire);
        if (id == kNoTrace) return kNoTrace;
        const Node& found = node(id);
        if (found.parent == parent && found.call == call) return id;
    }
}

TraceId StackTrie::child(TraceId parent, Call call)
{
    const TraceId found = find(table_.load(std::memory_order_acquire), parent, call);
    return found != kNoTrace ? found : add(parent, call);
}

void StackTrie::place(const Table& table, TraceId id) const
{
    const Node& own = node(id);
    std::size_t slot = hash_of(own.parent, own.call);
    while (table.slots[slot & (table.capacity - 1)].load(std::memory_order_relaxed) != kNoTrace)
        ++slot;
    table.slots[slot & (table.capacity - 1)].store(id, std::memory_order_release);
}

/// A table with room for one more. The one before stays: somebody may be reading it.
/// Errors: nullptr, no memory.
const StackTrie::Table* StackTrie::grown(const Table* table)
{
    const std::size_t size = size_.load(std::memory_order_relaxed);
    if (table != nullptr && (size + 1) * 2 <= table->capacity) return table;
    const std::size_t capacity = table == nullptr ? kFirstCapacity : table->capacity * 2;
    void* const memory = arena.take(sizeof(Table) + capacity * sizeof(std::atomic<TraceId>));
    if (memory == nullptr) return nullptr;
    auto* const next = new (memory) Table{.capacity = capacity,
                                          .slots = reinterpret_cast<std::atomic<TraceId>*>(
                                              static_cast<std::byte*>(memory) + sizeof(Table))};
    for (std::size_t id = 1; id <= size; ++id)
        place(*next, static_cast<TraceId>(id));
    table_.store(next, std::memory_order_release);
    return next;
}

TraceId StackTrie::add(TraceId parent, Call call)
{
    const os::LockGuard guard(mutex_);
    const Table* const table = grown(table_.load(std::memory_order_relaxed));
    if (table == nullptr) return kNoTrace;
    if (const TraceId found = find(table, parent, call)) return found; // by another thread
    const std::size_t id = size_.load(std::memory_order_relaxed) + 1;
    if (id / kNodesInChunk >= kMostChunks) return kNoTrace;
    std::atomic<Node*>& chunk = chunks_[id / kNodesInChunk];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
        auto* const fresh =
            static_cast<Node*>(take_table(StateChunk::nodes, kNodesInChunk * sizeof(Node)));
        if (fresh == nullptr) return kNoTrace;
        chunk.store(fresh, std::memory_order_release);
    }
    Node& fresh = chunk.load(std::memory_order_relaxed)[id % kNodesInChunk];
    fresh.call = call;
    fresh.parent = parent;
    size_.store(id, std::memory_order_release);
    state_file.note_nodes(id);
    place(*table, static_cast<TraceId>(id));
    return static_cast<TraceId>(id);
}

} // namespace tarn
