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

TraceId StackTrie::find_in_table(TraceId parent, Call call) const
{
    const Table& table = *table_.load(std::memory_order_acquire);
    for (std::size_t slot = hash_of(parent, call);; ++slot) {
        const TraceId id = table.slots[slot & (table.capacity - 1)].load(std::memory_order_acquire);
        if (id == kNoTrace) return kNoTrace;
        const Node& found = node(id);
        if (found.parent == parent && found.call == call) return id;
    }
}

TraceId StackTrie::find(TraceId parent, Call call)
{
    TraceId id = first_of(parent).load(std::memory_order_acquire);
    if (id == kMany) return find_in_table(parent, call);
    while (id != kNoTrace) {
        const Node& found = node(id);
        if (found.call == call) break;
        id = found.next.load(std::memory_order_relaxed);
    }
    return id;
}

TraceId StackTrie::child(TraceId parent, Call call)
{
    const TraceId found = find(parent, call);
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

/// Whether a child more would be listed with those that there are.
bool StackTrie::has_room_in_list(TraceId parent)
{
    TraceId at = first_of(parent).load(std::memory_order_relaxed);
    if (at == kMany) return false;
    std::size_t listed = 0;
    for (; at != kNoTrace; at = node(at).next.load(std::memory_order_relaxed))
        ++listed;
    return listed < kMostListed;
}

/// A table with room for the children of one more. The one before stays: somebody may be reading
/// it. Errors: nullptr, no memory.
const StackTrie::Table* StackTrie::grown(const Table* table)
{
    if (table != nullptr && (in_table_ + kMostListed + 1) * 2 <= table->capacity) return table;
    const std::size_t capacity = table == nullptr ? kFirstCapacity : table->capacity * 2;
    void* const memory = arena.take(sizeof(Table) + capacity * sizeof(std::atomic<TraceId>));
    if (memory == nullptr) return nullptr;
    auto* const next = new (memory) Table{.capacity = capacity,
                                          .slots = reinterpret_cast<std::atomic<TraceId>*>(
                                              static_cast<std::byte*>(memory) + sizeof(Table))};
    for (std::size_t slot = 0; table != nullptr && slot < table->capacity; ++slot) {
        const TraceId id = table->slots[slot].load(std::memory_order_relaxed);
        if (id != kNoTrace) place(*next, id);
    }
    table_.store(next, std::memory_order_release);
    return next;
}

void StackTrie::put_in_list(TraceId id)
{
    std::atomic<TraceId>& first = first_of(parent(id));
    node(id).next.store(first.load(std::memory_order_relaxed), std::memory_order_relaxed);
    first.store(id, std::memory_order_release);
}

/// With those that had been listed.
void StackTrie::put_in_table(const Table& table, TraceId id)
{
    std::atomic<TraceId>& first = first_of(parent(id));
    place(table, id);
    ++in_table_;
    TraceId at = first.load(std::memory_order_relaxed);
    if (at == kMany) return;
    for (; at != kNoTrace; at = node(at).next.load(std::memory_order_relaxed)) {
        place(table, at);
        ++in_table_;
    }
    first.store(kMany, std::memory_order_release);
}

TraceId StackTrie::add(TraceId parent, Call call)
{
    const os::LockGuard guard(mutex_);
    if (const TraceId found = find(parent, call)) return found; // by another thread
    const std::size_t number = size_.load(std::memory_order_relaxed) + 1;
    if (number / kNodesInChunk >= kMostChunks) return kNoTrace;
    std::atomic<Node*>& chunk = chunks_[number / kNodesInChunk];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
        auto* const fresh =
            static_cast<Node*>(take_table(StateChunk::nodes, kNodesInChunk * sizeof(Node)));
        if (fresh == nullptr) return kNoTrace;
        chunk.store(fresh, std::memory_order_release);
    }
    const Table* table = nullptr;
    if (!has_room_in_list(parent)) {
        table = grown(table_.load(std::memory_order_relaxed));
        if (table == nullptr) return kNoTrace;
    }
    const auto id = static_cast<TraceId>(number);
    node(id).call = call;
    node(id).parent = parent;
    // First counted, then found: a reader of the state file knows the nodes of all sites.
    size_.store(number, std::memory_order_release);
    state_file.note_nodes(number);
    if (table == nullptr)
        put_in_list(id);
    else
        put_in_table(*table, id);
    return id;
}

} // namespace tarn
