// SPDX-License-Identifier: MIT
//
// How much to do: enough to meet rare interleavings, but done in seconds, also when a sanitizer
// makes every step ten times as slow.

#pragma once

#include "tests/unit/support/sanitizer.h"

namespace tarn::test {

constexpr int scaled(int steps)
{
    return kSanitized ? steps / 10 : steps;
}

} // namespace tarn::test
