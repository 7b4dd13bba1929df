// SPDX-License-Identifier: MIT
//
// Assertions that are safe inside malloc: no stdio, no allocation, one line and abort().

#pragma once

namespace tarn {

/// True in builds configured with -Dchecks=true.
inline constexpr bool kChecks = TARN_CHECKS;

namespace detail {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
} // namespace detail

} // namespace tarn

/// Checked in -Dchecks=true builds only, compiled in every build, so that its code cannot rot.
#define TARN_ASSERT(condition)                                                                     \
    ((!::tarn::kChecks || (condition))                                                             \
         ? static_cast<void>(0)                                                                    \
         : ::tarn::detail::assertion_failed(#condition, __FILE__, __LINE__))
