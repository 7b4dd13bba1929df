// SPDX-License-Identifier: MIT

#include "src/heap/resize.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"

namespace tarn {

namespace {

/// A block may keep its place while at least half of it stays in use; for small ones the copy is
/// cheaper than the waste.
bool may_stay(std::size_t size, std::size_t usable)
{
    return size <= usable && (size >= usable / 2 || usable <= 64);
}

} // namespace

void* reallocate(void* block, std::size_t size)
{
    if (!address_range.contains(block)) return reallocate_foreign(block, size);
    const std::size_t usable = usable_size(block);
    if (may_stay(size, usable)) return block;
    const int saved = errno;
    void* const moved = size > kMaxPooledSize ? allocate_to_grow(size) : allocate(size);
    if (moved == nullptr) {
        if (size > usable) return nullptr;
        errno = saved; // no failure: the block is large enough where it is
        return block;
    }
    std::memcpy(moved, block, std::min(size, usable));
    deallocate(block);
    return moved;
}

} // namespace tarn
