// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn {

/// A pointer that says how far away its object is: it stays right when both are mapped elsewhere,
/// as from a file. It must lie in the same mapping as the object. Copies point to the same object;
/// so it is not trivially copyable, and memcpy breaks it.
template <class T> class OffsetPtr {
public:
    OffsetPtr() = default;
    OffsetPtr(T* target) noexcept { set(target); } // NOLINT(google-explicit-constructor): a pointer
    OffsetPtr(const OffsetPtr& other) noexcept { set(other.get()); }
    OffsetPtr& operator=(const OffsetPtr& other) noexcept
    {
        set(other.get());
        return *this;
    }
    OffsetPtr& operator=(T* target) noexcept
    {
        set(target);
        return *this;
    }

    T* get() const noexcept
    {
        if (offset_ == kNull) return nullptr;
        return reinterpret_cast<T*>(reinterpret_cast<std::intptr_t>(this) + offset_);
    }
    T* operator->() const noexcept { return get(); }
    T& operator*() const noexcept { return *get(); }
    explicit operator bool() const noexcept { return offset_ != kNull; }
    friend bool operator==(const OffsetPtr& a, const OffsetPtr& b) { return a.get() == b.get(); }

private:
    // It cannot point to itself, and memory of a new file is a null pointer.
    static constexpr std::intptr_t kNull = 0;

    void set(T* target) noexcept
    {
        offset_ = target == nullptr ? kNull
                                    : reinterpret_cast<std::intptr_t>(target) -
                                          reinterpret_cast<std::intptr_t>(this);
    }

    std::intptr_t offset_ = kNull;
};

} // namespace tarn
