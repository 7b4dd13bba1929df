// SPDX-License-Identifier: MIT
//
// Objects that remember whose memory they are in.

#pragma once

#include <memory>
#include <memory_resource>
#include <utility>

namespace tarn {

/// Gives an object back to the resource that it came from: no other, and not malloc.
template <class T> class OwnerDeleter {
public:
    OwnerDeleter() = default;
    explicit OwnerDeleter(std::pmr::memory_resource& owner) noexcept : owner_(&owner) {}

    void operator()(T* object) const
    {
        std::destroy_at(object);
        owner_->deallocate(object, sizeof(T), alignof(T));
    }
    std::pmr::memory_resource* owner() const noexcept { return owner_; }

private:
    std::pmr::memory_resource* owner_ = nullptr;
};

/// A std::unique_ptr that knows the resource. It does not convert to one of a base class: that
/// would give back another size.
template <class T> using Owned = std::unique_ptr<T, OwnerDeleter<T>>;

/// Makes an object in a resource, and lets its members allocate there if they can.
/// Errors: what the resource and the constructor throw.
template <class T, class... Arguments>
Owned<T> make_owned(std::pmr::memory_resource& resource, Arguments&&... arguments)
{
    void* const place = resource.allocate(sizeof(T), alignof(T));
    try {
        return Owned<T>(std::uninitialized_construct_using_allocator(
                            static_cast<T*>(place), std::pmr::polymorphic_allocator<>(&resource),
                            std::forward<Arguments>(arguments)...),
                        OwnerDeleter<T>(resource));
    } catch (...) {
        resource.deallocate(place, sizeof(T), alignof(T));
        throw;
    }
}

} // namespace tarn
