// SPDX-License-Identifier: MIT

#include "src/heap/observed_path.h"

#include <cstdint>

#include "src/heap/bad_free.h"
#include "src/heap/give_back.h"
#include "src/heap/observed.h"
#include "src/heap/pooled_notes.h"
#include "src/heap/slow_path.h"
#include "src/heap/stay.h"

namespace tarn {

namespace {

/// What to keep of a block during calls: what they leave on the stack must not look like a pointer
/// to it, which the leak report would believe.
class Disguised {
public:
    explicit Disguised(const void* block) : word_(~reinterpret_cast<std::uintptr_t>(block))
    {
        asm volatile("" : "+r"(word_)); // or the compiler would keep the block instead
    }
    std::byte* block() const { return reinterpret_cast<std::byte*>(~word_); }

private:
    std::uintptr_t word_;
};

/// Hands out a block with room for `taken` bytes. Errors: nullptr, out of memory.
[[gnu::always_inline]] inline void* allocate_told(Heap& heap, std::size_t taken, std::size_t size,
                                                  std::size_t padded, std::size_t alignment)
{
    const SizeClass size_class = size_class_for(taken);
    auto* const popped = static_cast<FreeBlock*>(heap.allocate_from_bin(size_class, padded));
    if (popped == nullptr) return nullptr;
    // What linked it to the next free block would look like a pointer of the program's.
    popped->next = nullptr;
    const Disguised disguised(popped);
    PooledNote* const note = pooled_notes.make(
        place_of(popped, address_range.granule_of(popped), heap.descriptor_for(size_class)));
    const Observer& observer = *settings.observer;
    const SizeClass room_class = size_class_for(padded);
    const BlockOrigin origin = observer.allocated(size, shape_of(room_class).block_size, 1);
    if (note != nullptr) [[likely]]
        note->set(origin, size, room_class);
    std::byte* const block = disguised.block();
    if (observer.placed != nullptr) [[unlikely]]
        observer.placed(block, size, origin.trace, alignment);
    return block;
}

enum class Free : std::uint8_t { done, second, others };

[[gnu::always_inline]] inline Free take_back(void* address)
{
    const SlowPath path;
    if (!path.entered() || path.heap() == nullptr) [[unlikely]]
        return Free::others;
    const std::size_t granule = address_range.granule_of(address);
    const Descriptor descriptor = address_range.descriptor(granule);
    if (descriptor == 0) [[unlikely]]
        return Free::others;
    const BlockPlace place = place_of(address, granule, descriptor);
    PooledNote* const note = pooled_notes.find(place);
    if (note == nullptr || !place.begins_block()) [[unlikely]]
        return Free::others;
    if (!note->is_in_use()) [[unlikely]]
        return pooled_notes.has_all() ? Free::second : Free::others;
    const BlockNote taken = note->get();
    *note = {};
    const Observer& observer = *settings.observer;
    if (observer.removed != nullptr) [[unlikely]]
        observer.removed(address);
    // Unknown, as what there was no memory for.
    if (taken.trace != 0) observer.freed(taken);
    give_back(path.heap(), static_cast<FreeBlock*>(address));
    return Free::done;
}

} // namespace

void* allocate_observed(std::size_t size, std::size_t padded, std::size_t alignment)
{
    const std::size_t taken = with_gap(size, padded, alignment);
    if (taken <= kMaxPooledSize && alignment <= kMaxPooledAlignment) [[likely]] {
        const SlowPath path;
        if (path.entered() && path.heap() != nullptr) [[likely]]
            if (void* const block = allocate_told(*path.heap(), taken, size, padded, alignment))
                return block;
    }
    return allocate_any_way(size, padded, alignment);
}

bool deallocate_observed(void* address)
{
    switch (take_back(address)) {
    case Free::done:
        return true;
    case Free::others:
        return false;
    case Free::second:
        break;
    }
    // Not on a slow path, or there would be no report at the end of a process that this ends.
    tell_bad_free(address, BadFree::double_free);
    return true;
}

} // namespace tarn
