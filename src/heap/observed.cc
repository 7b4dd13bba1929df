// SPDX-License-Identifier: MIT

#include "src/heap/observed.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "src/fallback/address_table.h"
#include "src/heap/granule_array.h"
#include "src/heap/large.h"
#include "src/os/memory.h"
#include "src/os/mutex.h"

namespace tarn {

namespace {

/// A BlockNote of the pools, whose blocks have at most a megabyte. Its room is that of a class.
struct PooledNote {
    std::uint64_t born;
    std::uint32_t trace;
    std::uint32_t size : 24;
    std::uint32_t size_class : 8;

    void set(const BlockNote& note)
    {
        born = note.born;
        trace = note.trace;
        size = static_cast<std::uint32_t>(note.size & kSizeBits);
        size_class = static_cast<std::uint8_t>(size_class_for(note.room));
    }
    BlockNote get() const
    {
        return {.trace = trace,
                .born = born,
                .size = size,
                .room = block_size(static_cast<SizeClass>(size_class))};
    }

private:
    static constexpr std::uint32_t kSizeBits = (std::uint32_t{1} << 24U) - 1;
    static_assert(kMaxPooledSize <= kSizeBits);
};
static_assert(sizeof(PooledNote) == 16);

/// Where the notes of a slab are: as many as the smallest blocks need in a granule, of which slabs
/// of larger blocks use the beginning. A cache line more, or the first notes of all slabs would
/// compete for the same lines of the CPU's cache.
constexpr std::size_t kNotesInGranule = kGranule / kMinAlignment;
constexpr std::size_t kNoteBytesInGranule = kNotesInGranule * sizeof(PooledNote) + 64;
constexpr Descriptor kClassMask = (Descriptor{1} << kOwnerShift) - 1;

/// Notes of the blocks in the pools. Each is written by who owns the block.
class PooledNotes {
public:
    void initialise() { array_.reserve(address_range.granule_count()); }

    /// nullptr: there is no memory for it.
    PooledNote* find(const void* block, bool make)
    {
        const std::size_t granule = address_range.granule_of(block);
        const Descriptor descriptor = address_range.descriptor_at_once(granule);
        const auto size_class = static_cast<SizeClass>(descriptor & kClassMask);
        const std::size_t first = AddressRange::first_granule(granule, size_class);
        std::byte* const notes = make ? array_.make(first) : array_.find(first);
        if (notes == nullptr) return nullptr;
        const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(block) -
                                                     address_range.granule_address(first));
        return reinterpret_cast<PooledNote*>(notes) + block_index(shape_of(size_class), offset);
    }

    MemoryRange memory() const { return array_.memory(); }

private:
    GranuleArray<kNoteBytesInGranule> array_;
};

constinit PooledNotes pooled_notes;
constinit AddressTable<BlockNote> large_notes;

/// What a block stands for; 0: it is not in the sample.
std::uint32_t weight_of(const void* block, std::size_t size)
{
    if (!address_range.contains(block))
        return sample_heap.choose_large(size) ? sample_heap.weigh(size) : 0;
    if (!sample_heap.owns(block)) return 0;
    const Descriptor descriptor = address_range.descriptor(address_range.granule_of(block));
    return sample_heap.weigh(block_size(static_cast<SizeClass>(descriptor & kClassMask)));
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
    PooledNote* const own = pooled_notes.find(block, false);
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
    else if (PooledNote* const own = pooled_notes.find(block, true))
        own->set(note);
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
    const PooledNote* const own = pooled_notes.find(block, false);
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
