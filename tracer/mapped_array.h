// SPDX-License-Identifier: MIT
//
// An array that grows, in pages of its own: the tracer may not allocate through the allocator that
// it looks at.

#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

#include "src/base/heap_view.h"
#include "src/base/units.h"
#include "src/os/memory.h"

namespace tarn {

/// Elements are moved as bytes when it grows. Thread safety: one thread.
template <class T> class MappedArray {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    MappedArray() = default;
    MappedArray(const MappedArray&) = delete;
    MappedArray& operator=(const MappedArray&) = delete;
    ~MappedArray()
    {
        if (elements_ != nullptr) os::unmap(elements_, capacity_ * sizeof(T));
    }

    /// Errors: false, no memory; the array is as before.
    bool push_back(const T& element)
    {
        if (size_ == capacity_ && !reserve(std::max(capacity_ * 2, os::kPageSize / sizeof(T))))
            return false;
        elements_[size_++] = element;
        return true;
    }

    T pop_back() { return elements_[--size_]; }

    /// `size` elements of which new ones are zero. Errors: false, no memory.
    bool resize(std::size_t size)
    {
        if (size > capacity_ && !reserve(size)) return false;
        size_ = size;
        return true;
    }

    /// Room for so many elements. Errors: false, no memory.
    bool reserve(std::size_t capacity)
    {
        if (capacity <= capacity_) return true;
        const std::size_t bytes = round_up(capacity * sizeof(T), os::kPageSize);
        const std::size_t alignment =
            bytes >= os::kHugePageSize ? os::kHugePageSize : os::kPageSize;
        void* const grown = elements_ == nullptr
                                ? os::map(bytes, alignment)
                                : os::remap(elements_, capacity_ * sizeof(T), bytes);
        if (grown == nullptr) return false;
        if (bytes >= os::kHugePageSize) os::advise_huge_pages(grown, bytes, os::HugePages::wanted);
        elements_ = static_cast<T*>(grown);
        capacity_ = bytes / sizeof(T);
        return true;
    }

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t index) { return elements_[index]; }
    const T& operator[](std::size_t index) const { return elements_[index]; }
    /// The pages that it has now.
    MemoryRange memory() const
    {
        const auto start = reinterpret_cast<std::uintptr_t>(elements_);
        return {start, start + capacity_ * sizeof(T)};
    }
    std::span<T> all() { return {elements_, size_}; }
    std::span<const T> all() const { return {elements_, size_}; }

private:
    T* elements_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// An object that is never destroyed: threads may need it until the last moment of the process.
template <class T> union Lasting {
    T value{};
    constexpr Lasting() noexcept {} // NOLINT(modernize-use-equals-default): it would be deleted
    Lasting(const Lasting&) = delete;
    Lasting& operator=(const Lasting&) = delete;
    ~Lasting() {} // NOLINT(modernize-use-equals-default): likewise
};

} // namespace tarn
