// SPDX-License-Identifier: MIT
//
// Observed mode: every call of malloc and free takes a slow path, on which an observer hears of it.
//
// The fast paths are the same in every mode. An observed heap keeps its bins where malloc does not
// look, and gives the thread an owner id that no slab has (Heap::attach); so every pop misses and
// no block seems the thread's own. What is remembered of a block lies in a side array, by the
// number of its granule and its number in the slab; of large blocks in a table.
//
// Where all blocks are observed, none is handed out that its request fills: a pointer to the end,
// which every full vector has, would be one to the next block, and that one never lost.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/heap_view.h"
#include "src/base/observer.h"
#include "src/heap/address_range.h"
#include "src/heap/allocate.h"
#include "src/heap/sampled.h"
#include "src/heap/settings.h"

namespace tarn {

/// No slab's owner: ids are counted from 1 up to AddressRange::max_heaps().
inline constexpr Descriptor kNobody = ~Descriptor{0} << kOwnerShift;

/// Makes room for notes. To be called with `settings.observer` set, once the range is reserved.
/// Without room there are no notes: every trace is unknown.
void initialise_notes();

namespace detail {
inline constinit std::atomic<std::uint64_t> resizes{0};
void* tell_allocated(void* block, std::size_t size, std::size_t padded, std::size_t alignment);
BlockNote take_note(const void* block);
void put_note(const void* block, const BlockNote& note);
void tell_freed(const void* block);
void tell_freed(const BlockNote& note);
void tell_removed(const void* block, const BlockNote& note);
void tell_resized(const void* block, std::size_t copied);
std::size_t noted_room(const void* block, std::size_t usable);
} // namespace detail

/// The observer, if there is one, may have heard of `block`, or is to.
inline bool is_observed(const void* block)
{
    if (settings.observer == nullptr) [[likely]]
        return false;
    return !is_sampling() || !address_range.contains(block) || sample_heap.owns(block);
}

/// Whether each block is to end before the next one begins.
inline bool leaves_gaps()
{
    return settings.observer != nullptr && !is_sampling();
}

/// What to ask for instead of `padded` bytes, which are enough for `size` at that alignment.
inline std::size_t with_gap(std::size_t size, std::size_t padded, std::size_t alignment)
{
    if (!leaves_gaps()) [[likely]]
        return padded;
    const bool pooled = size < kMaxPooledSize && alignment <= kMaxPooledAlignment;
    return std::max(padded, pooled ? padded_for(size + 1, alignment) : size + 1);
}

/// Whether `size` bytes would fill an observed block.
inline bool needs_gap(std::size_t size, std::size_t usable)
{
    return size >= usable && leaves_gaps();
}

/// What a block of `usable` bytes would have room for without a gap.
inline std::size_t room_in_place(const void* block, std::size_t usable)
{
    return leaves_gaps() ? detail::noted_room(block, usable) : usable;
}

/// Tells the observer, if there is one, that `block` is handed out for `size` bytes, for which
/// `padded` would have been asked for without a gap. Returns it.
inline void* told(void* block, std::size_t size, std::size_t padded,
                  std::size_t alignment = kMinAlignment)
{
    if (settings.observer == nullptr || block == nullptr) [[likely]]
        return block;
    // What linked it to the next free block would look like a pointer of the program's.
    if (address_range.contains(block)) static_cast<FreeBlock*>(block)->next = nullptr;
    return detail::tell_allocated(block, size, padded, alignment);
}

/// Tells the observer, if there is one, that `block` comes back; before anyone else can have it.
inline void tell_freed(const void* block)
{
    if (is_observed(block)) [[unlikely]]
        detail::tell_freed(block);
}

/// Runs `resize`, which makes `block` hold `size` bytes and may move it, as a free and a malloc.
/// Errors: what `resize` returns, nullptr; the block is remembered as before.
template <class Resize> void* told_resize(void* block, std::size_t size, Resize resize)
{
    if (!is_observed(block)) [[likely]]
        return resize();
    const BlockNote before = detail::take_note(block); // its place may be another's at once
    void* const resized = resize();
    if (resized == nullptr) {
        detail::put_note(block, before);
        return nullptr;
    }
    detail::tell_removed(block, before);
    const bool is_pooled = address_range.contains(resized); // and stays, see keep_in_place()
    const std::size_t padded = is_pooled ? std::max(size, before.room) : size;
    detail::tell_allocated(resized, size, padded, kMinAlignment);
    detail::tell_resized(resized, 0); // if it moved, then by its pages
    detail::resizes.fetch_add(1, std::memory_order_relaxed);
    return resized;
}

/// How often told_resize() has resized a block: as many frees and mallocs that the heap's own
/// counts have not.
inline std::uint64_t resizes_so_far()
{
    return detail::resizes.load(std::memory_order_relaxed);
}

/// What is remembered of a block in use; nothing known: all zero.
BlockNote note_of(const void* block);

/// Sets kIgnored in what is remembered of a block in use. False: nothing is remembered.
bool ignore_block(const void* block);

/// Memory that the notes take. Returns how many ranges were written.
std::size_t list_note_memory(std::span<MemoryRange> ranges);

} // namespace tarn
