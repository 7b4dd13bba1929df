// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

namespace tarn {

/// Bytes of a cache line. Source: x86-64 and most AArch64;
/// std::hardware_destructive_interference_size is missing in clang 14, and warned of by g++ in
/// interfaces.
inline constexpr std::size_t kCacheLine = 64;

/// A value that shares its cache lines with no other: for what threads write often. It is as large
/// as the lines that it takes; no padding is added beyond that.
template <class T> struct alignas(kCacheLine) CacheAligned {
    T value;

    T& operator*() noexcept { return value; }
    const T& operator*() const noexcept { return value; }
    T* operator->() noexcept { return &value; }
    const T* operator->() const noexcept { return &value; }
};

} // namespace tarn
