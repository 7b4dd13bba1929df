// SPDX-License-Identifier: MIT

#include "src/heap/resize.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/observed.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

/// A block may keep its place while at least half of it stays in use; for small ones the copy is
/// cheaper than the waste.
bool may_stay(std::size_t size, std::size_t usable)
{
    return size <= usable && (size >= usable / 2 || usable <= 64);
}

/// What to ask for to make a block of `usable` bytes hold `size`. A block that grows a little is
/// likely to do so again: a quarter at least, so that n steps copy O(n) bytes and not O(n^2). Not
/// below a page, where what is not used yet costs memory.
std::size_t size_to_grow_to(std::size_t size, std::size_t usable)
{
    if (usable < os::kPageSize) return size;
    return std::clamp(usable + usable / 4, size, std::max(size, kMaxPooledSize));
}

void* allocate_grown(std::size_t size, std::size_t usable)
{
    if (size > kMaxPooledSize) return allocate_to_grow(size);
    // An observer of all is to hear what was asked for.
    if (settings.observer != nullptr && !is_sampling()) return allocate(size);
    const int saved = errno;
    if (void* const block = allocate_padded(size, size_to_grow_to(size, usable))) return block;
    errno = saved;
    return allocate(size);
}

void* keep(void* block, std::size_t size)
{
    return is_observed(block) ? keep_in_place(block, size) : block;
}

} // namespace

void* reallocate(void* block, std::size_t size)
{
    if (settings.checks != nullptr || !address_range.contains(block))
        return reallocate_foreign(block, size);
    const std::size_t usable = usable_size(block);
    const std::size_t room = room_in_place(block, usable);
    const bool stays = may_stay(size, room);
    if (stays && !needs_gap(size, usable)) return keep(block, size);
    const int saved = errno;
    void* const moved = size > usable ? allocate_grown(size, usable) : allocate(size);
    if (moved == nullptr) {
        if (size > usable) return nullptr;
        errno = saved; // no failure: the block is large enough where it is
        return keep(block, size);
    }
    std::memcpy(moved, block, std::min(size, usable));
    deallocate(block);
    return tell_moved(moved, stays ? 0 : std::min(size, room));
}

} // namespace tarn
