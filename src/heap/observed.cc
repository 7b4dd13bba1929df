// SPDX-License-Identifier: MIT

#include "src/heap/observed.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "src/fallback/address_table.h"
#include "src/heap/large.h"
#include "src/heap/pooled_notes.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"

namespace tarn {

constinit PooledNotes pooled_notes;

namespace {

constinit AddressTable<BlockNote> large_notes;

/// What a block stands for; 0: it is not in the sample.
std::uint32_t weight_of(const void* block, std::size_t size)
{
    if (!address_range.contains(block))
        return sample_heap.choose_large(size) ? sample_heap.weigh(size) : 0;
    if (!sample_heap.owns(block)) return 0;
    const Descriptor descriptor = address_range.descriptor(address_range.granule_of(block));
    return sample_heap.weigh(block_size(class_of(descriptor)));
}

/// Bytes that `block` takes, or would without a gap.
std::size_t room_of(const void* block, std::size_t padded)
{
    if (address_range.contains(block)) return block_size(size_class_for(padded));
    const std::size_t usable = large_usable_size(block);
    return leaves_gaps() ? std::min(usable, fallback->size_for(padded, kMinAlignment)) : usable;
}

/// What is remembered of a block, no longer.
[[gnu::always_inline]] inline BlockNote taken_note(const void* block)
{
    if (!address_range.contains(block)) return large_notes.remove(block);
    PooledNote* const own = pooled_notes.find(place_of(block));
    return own != nullptr ? std::exchange(*own, {}).get() : BlockNote{};
}

/// Apart, so that those who need not know where a block was do not pay for it.
[[gnu::noinline]] void tell_removed_now(const void* block)
{
    detail::tell_removed(block, detail::take_note(block));
}

} // namespace

void initialise_notes()
{
    pooled_notes.initialise();
}

void detail::put_note(const void* block, const BlockNote& note)
{
    if (!address_range.contains(block))
        large_notes.insert(block, note);
    else if (PooledNote* const own = pooled_notes.make(place_of(block)))
        own->set({.born = note.born, .trace = note.trace}, note.size, size_class_for(note.room));
}

BlockNote detail::take_note(const void* block)
{
    return taken_note(block);
}

void* detail::tell_allocated(void* block, std::size_t size, std::size_t padded,
                             std::size_t alignment)
{
    const std::uint32_t weight = is_sampling() ? weight_of(block, size) : 1;
    if (weight == 0) return block;
    const std::size_t room = room_of(block, padded);
    const auto [born, trace] = settings.observer->allocated(size, room, weight);
    put_note(block, {.trace = trace, .born = born, .size = size, .room = room});
    if (const auto placed = settings.observer->placed) [[unlikely]]
        placed(block, size, trace, alignment);
    return block;
}

void detail::tell_freed(const void* block)
{
    if (settings.observer->removed != nullptr) [[unlikely]]
        return tell_removed_now(block);
    tell_freed(taken_note(block));
}

void detail::tell_freed(const BlockNote& note)
{
    // Unknown, as what a signal handler got while its thread was inside malloc.
    if (note.trace != 0) settings.observer->freed(note);
}

void detail::tell_removed(const void* block, const BlockNote& note)
{
    if (const auto removed = settings.observer->removed) removed(block);
    tell_freed(note);
}

void detail::tell_resized(const void* block, std::size_t copied)
{
    if (const BlockNote note = note_of(block); note.trace != 0)
        settings.observer->resized(note, copied);
}

std::size_t detail::noted_room(const void* block, std::size_t usable)
{
    const BlockNote note = note_of(block);
    return note.trace != 0 ? note.room : usable;
}

BlockNote note_of(const void* block)
{
    if (settings.observer == nullptr) return {};
    if (!address_range.contains(block)) return large_notes.find(block);
    const PooledNote* const own = pooled_notes.find(place_of(block));
    return own != nullptr ? own->get() : BlockNote{};
}

bool ignore_block(const void* block)
{
    BlockNote note = note_of(block);
    if (note.trace == 0) return false;
    note.trace |= kIgnored;
    detail::put_note(block, note);
    return true;
}

std::size_t list_note_memory(std::span<MemoryRange> ranges)
{
    if (settings.observer == nullptr || ranges.size() < 2) return 0;
    ranges[0] = pooled_notes.memory();
    ranges[1] = large_notes.memory();
    return 2;
}

} // namespace tarn
