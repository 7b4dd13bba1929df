// SPDX-License-Identifier: MIT
//
// What cannot be done inside malloc waits until a thread comes out of it.

#pragma once

#include <atomic>

namespace tarn {

/// Has `action` called once, as soon as a thread leaves a slow path or a fork is over: for a signal
/// handler that has interrupted either, or for who is on a slow path itself. The same action waits
/// once only; there may be eight different ones. Async-signal-safe.
void defer_until_outside(void (*action)());

namespace detail {
inline constinit std::atomic<bool> has_deferred{false};
void run_all_deferred();
} // namespace detail

/// Calls what waits. Requires: the thread is on no slow path.
inline void run_deferred()
{
    if (detail::has_deferred.load(std::memory_order_relaxed)) [[unlikely]]
        detail::run_all_deferred();
}

} // namespace tarn
