// SPDX-License-Identifier: MIT
//
// What resources that hand out one block behind the other have in common: the way that most
// requests take.

#pragma once

#include <cstddef>
#include <cstdint>

#include <tarn/resource.h>

namespace tarn::detail {

/// `Self` is the class derived from it, and has allocate_slowly(): a block that has no room between
/// the cursor and the end, or nullptr. Where something watches, the end is 0, so that the fast way
/// finds no room ever and need not ask.
template <class Self> class BumpResource : public Resource {
public:
    /// Like those of Resource; where the type is known, they are inlined.
    [[nodiscard]] void* allocate(std::size_t bytes,
                                 std::size_t alignment = alignof(std::max_align_t))
    {
        return bump<&BumpResource::allocate_or_throw>(bytes, alignment);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept
    {
        return bump<&BumpResource::allocate_or_refuse>(bytes, alignment);
    }

protected:
    using Resource::Resource;

    void* do_allocate(std::size_t bytes, std::size_t alignment) final
    {
        return BumpResource::allocate(bytes, alignment);
    }
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept final
    {
        return BumpResource::try_allocate(bytes, alignment);
    }

    /// `Slow`: what takes over where there is no room.
    template <void* (BumpResource::*Slow)(std::size_t bytes, std::size_t alignment)>
    void* bump(std::size_t bytes, std::size_t alignment)
    {
        const std::uintptr_t start = (cursor_ + alignment - 1) & ~(std::uintptr_t{alignment} - 1);
        std::uintptr_t last = 0; // byte of the block; that of none is too large, too
        // The alignment is a constant mostly.
        if (!is_alignment(alignment) || __builtin_add_overflow(start, bytes - 1, &last) ||
            last >= end_) [[unlikely]]
            return (this->*Slow)(bytes, alignment);
        cursor_ = start + bytes;
        ++allocations_;
        return reinterpret_cast<void*>(start);
    }
    /// For a caller that has another way.
    void* refuse(std::size_t /*bytes*/, std::size_t /*alignment*/) { return nullptr; }

    /// The block allocated last ends at `cursor` now, with what lies behind it.
    void move_cursor(std::uintptr_t cursor) noexcept
    {
        if (cursor_ > high_) high_ = cursor_;
        cursor_ = cursor;
    }
    /// It began at `address`, and is given back.
    void retreat(std::uintptr_t address) noexcept
    {
        move_cursor(address);
        ++deallocations_;
    }

    // What an allocation touches: one cache line.
    std::uintptr_t cursor_ = 0;
    std::uintptr_t end_ = 0;  // 0 where something watches
    std::uintptr_t high_ = 0; // highest end of a block that was given back since
    std::uint64_t allocations_ = 0;
    std::uint64_t deallocations_ = 0;

private:
    void* allocate_or_refuse(std::size_t bytes, std::size_t alignment)
    {
        return static_cast<Self*>(this)->allocate_slowly(bytes, alignment);
    }
    [[gnu::noinline]] void* allocate_or_throw(std::size_t bytes, std::size_t alignment)
    {
        if (void* const block = allocate_or_refuse(bytes, alignment)) return block;
        throw_bad_alloc();
    }
};

} // namespace tarn::detail
