// SPDX-License-Identifier: MIT
//
// What the kernel tells of each page of the process.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tarn {

/// Reads /proc/thread-self/pagemap. Thread safety: one thread. Cost: 8 bytes are read for each
/// page, of pages that follow each other a thousand at once.
class Pagemap {
public:
    // Source: Documentation/admin-guide/mm/pagemap.rst.
    static constexpr std::uint64_t kPresent = std::uint64_t{1} << 63U;
    static constexpr std::uint64_t kSwapped = std::uint64_t{1} << 62U;

    Pagemap();
    Pagemap(const Pagemap&) = delete;
    Pagemap& operator=(const Pagemap&) = delete;
    ~Pagemap();

    bool is_readable() const { return descriptor_ >= 0; }

    /// The entry of a page, by its number. Errors: nullptr, the kernel does not say.
    const std::uint64_t* find(std::uintptr_t page);

private:
    int descriptor_;
    std::uintptr_t first_ = 0; // page number of entries_[0]
    std::size_t count_ = 0;    // entries that are loaded
    std::array<std::uint64_t, 1024> entries_;
};

} // namespace tarn
