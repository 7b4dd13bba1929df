// SPDX-License-Identifier: MIT

#pragma once

#include "src/base/heap_view.h"

// Start and end of this library in memory. Source: ld(1), symbols that the linker provides.
// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier): the names are the linker's
extern "C" {
[[gnu::visibility("hidden")]] extern const char __ehdr_start;
[[gnu::visibility("hidden")]] extern const char _end;
}
// NOLINTEND(readability-identifier-naming,*-reserved-identifier)

namespace tarn {

/// This library in memory, or the program that it is linked into.
inline MemoryRange own_code()
{
    return {reinterpret_cast<std::uintptr_t>(&__ehdr_start),
            reinterpret_cast<std::uintptr_t>(&_end)};
}

} // namespace tarn
