// SPDX-License-Identifier: MIT
//
// What AddressSanitizer adds to each block of an arena.

#pragma once

#include "src/resources/sanitizer.h"

namespace tarn::test {

/// Bytes behind each block of a resource that is not checked.
inline std::size_t gap()
{
    return detail::has_address_sanitizer() ? detail::kRedzone : 0;
}

} // namespace tarn::test
