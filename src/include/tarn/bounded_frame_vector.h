// SPDX-License-Identifier: MIT
//
// A vector in a frame that never grows: one piece of the frame, of which nothing is left behind.
//
//     Frame frame(frames);
//     BoundedFrameVector<Contact> contacts(frame.arena(), most_contacts);
//     if (contacts.try_push_back(contact) == nullptr) ++dropped;

#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

namespace tarn {

/// Up to a fixed number of objects, as std::inplace_vector of C++26, but that the room is taken
/// from a resource when the vector is made. Objects never move, so that their addresses stay, and
/// need not be movable; where they take an allocator it is that resource, too. The vector must end
/// before the frame does; its end runs the destructors.
///
/// Cost: an allocation at the start and none after. Thread safety: one thread at a time.
template <class T> class BoundedFrameVector {
public:
    using value_type = T;
    using iterator = T*;
    using const_iterator = const T*;

    /// Errors: std::bad_alloc.
    BoundedFrameVector(std::pmr::memory_resource& resource, std::size_t capacity)
        : allocator_(&resource), data_(capacity != 0 ? allocator_.allocate(capacity) : nullptr),
          capacity_(capacity)
    {}
    BoundedFrameVector(const BoundedFrameVector&) = delete;
    BoundedFrameVector& operator=(const BoundedFrameVector&) = delete;
    /// Takes the room along with the objects, which stay where they are; the other one has no
    /// capacity any more.
    BoundedFrameVector(BoundedFrameVector&& other) noexcept
        : allocator_(other.allocator_), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)), capacity_(std::exchange(other.capacity_, 0))
    {}
    BoundedFrameVector& operator=(BoundedFrameVector&&) = delete;
    ~BoundedFrameVector()
    {
        clear();
        if (data_ != nullptr) allocator_.deallocate(data_, capacity_);
    }

    /// Errors: nullptr if it is full; the arguments are as they were then.
    template <class... Arguments> T* try_emplace_back(Arguments&&... arguments)
    {
        if (is_full()) return nullptr;
        T* const place = data_ + size_;
        allocator_.construct(place, std::forward<Arguments>(arguments)...);
        ++size_; // if that did not throw
        return place;
    }
    T* try_push_back(const T& value) { return try_emplace_back(value); }
    T* try_push_back(T&& value) { return try_emplace_back(std::move(value)); }

    /// Errors: std::bad_alloc if it is full; the arguments are as they were then.
    template <class... Arguments> T& emplace_back(Arguments&&... arguments)
    {
        T* const place = try_emplace_back(std::forward<Arguments>(arguments)...);
        if (place == nullptr) throw std::bad_alloc();
        return *place;
    }
    T& push_back(const T& value) { return emplace_back(value); }
    T& push_back(T&& value) { return emplace_back(std::move(value)); }

    /// Requires: it is not empty.
    void pop_back() noexcept { std::destroy_at(data_ + --size_); }
    /// The last one first. Its room stays.
    void clear() noexcept
    {
        if constexpr (std::is_trivially_destructible_v<T>) {
            size_ = 0;
        } else {
            while (size_ != 0)
                pop_back();
        }
    }

    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    bool is_full() const noexcept { return size_ == capacity_; }

    /// Requires: index < size().
    T& operator[](std::size_t index) noexcept { return data_[index]; }
    const T& operator[](std::size_t index) const noexcept { return data_[index]; }
    T& back() noexcept { return data_[size_ - 1]; }
    const T& back() const noexcept { return data_[size_ - 1]; }
    T* data() noexcept { return data_; }
    const T* data() const noexcept { return data_; }
    iterator begin() noexcept { return data_; }
    iterator end() noexcept { return data_ + size_; }
    const_iterator begin() const noexcept { return data_; }
    const_iterator end() const noexcept { return data_ + size_; }

private:
    std::pmr::polymorphic_allocator<T> allocator_;
    T* data_;
    std::size_t size_ = 0;
    std::size_t capacity_;
};

} // namespace tarn
