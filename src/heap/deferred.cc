// SPDX-License-Identifier: MIT

#include "src/heap/deferred.h"

#include <array>

namespace tarn {

namespace {

/// Not one place only: a report that is due would take that of a signal which is to end the
/// process.
constinit std::array<std::atomic<void (*)()>, 8> deferred{};

} // namespace

void defer_until_outside(void (*action)())
{
    for (std::atomic<void (*)()>& waiting : deferred) {
        void (*expected)() = nullptr;
        if (waiting.compare_exchange_strong(expected, action) || expected == action) break;
    }
    // Behind it: whoever sees the flag finds the action.
    detail::has_deferred.store(true);
}

void detail::run_all_deferred()
{
    if (!has_deferred.exchange(false)) return;
    for (std::atomic<void (*)()>& waiting : deferred)
        if (auto* const action = waiting.exchange(nullptr)) action();
}

} // namespace tarn
