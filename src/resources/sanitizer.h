// SPDX-License-Identifier: MIT
//
// AddressSanitizer, if the process runs under it: memory that a resource holds but has not handed
// out is forbidden. Found at run time, so that one library serves programs with and without it.

#pragma once

#include <cstddef>

// NOLINTBEGIN(bugprone-reserved-identifier): names of the sanitizer's interface
extern "C" {
__attribute__((weak)) void __asan_poison_memory_region(const volatile void* address,
                                                       std::size_t size);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* address,
                                                         std::size_t size);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace tarn::detail {

/// Bytes between blocks where AddressSanitizer or a checked mode watches; a multiple of ASan's
/// granule of 8, and of the alignment that most blocks have.
inline constexpr std::size_t kRedzone = 16;

inline bool has_address_sanitizer() noexcept
{
    return __asan_poison_memory_region != nullptr;
}

inline void poison(const void* address, std::size_t size) noexcept
{
    if (has_address_sanitizer()) __asan_poison_memory_region(address, size);
}

inline void unpoison(const void* address, std::size_t size) noexcept
{
    if (has_address_sanitizer()) __asan_unpoison_memory_region(address, size);
}

} // namespace tarn::detail
