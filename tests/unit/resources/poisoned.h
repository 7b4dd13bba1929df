// SPDX-License-Identifier: MIT
//
// Memory of a resource that is nobody's: AddressSanitizer stops who touches it.

#pragma once

#include <cstdlib>

#include <gtest/gtest.h>

#include "src/resources/sanitizer.h"

namespace tarn::test {

/// Writes to a byte in a copy of the process, which dies of it under AddressSanitizer. Without, who
/// does so is not stopped: there is nothing that could.
inline void expect_poisoned(volatile char* byte)
{
    const auto write = [byte] {
        *byte = 'x';
        std::_Exit(0);
    };
    if (detail::has_address_sanitizer())
        EXPECT_DEATH(write(), "use-after-poison");
    else
        EXPECT_EXIT(write(), testing::ExitedWithCode(0), "");
}

} // namespace tarn::test
