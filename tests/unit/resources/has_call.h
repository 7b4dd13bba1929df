// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/call_stack.h>

namespace tarn::test {

/// Whether this return address is among the calls; not of no stack.
inline bool has_call(const CallStack* stack, const void* address)
{
    if (stack == nullptr) return false;
    const auto calls = stack->calls();
    return std::find(calls.begin(), calls.end(), address) != calls.end();
}

} // namespace tarn::test
