// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace tarn::detail {

/// Makes a peak at least `value`. Relaxed: a number that nobody decides by.
template <class Value> void raise_to(std::atomic<Value>& peak, Value value) noexcept
{
    Value before = peak.load(std::memory_order_relaxed);
    while (before < value &&
           !peak.compare_exchange_weak(before, value, std::memory_order_relaxed)) {
    }
}

} // namespace tarn::detail
