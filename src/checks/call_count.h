// SPDX-License-Identifier: MIT
//
// check_every=: calls of malloc and free are counted, and at every so many of them all blocks are
// looked at. Not at once: who counts is inside malloc.

#pragma once

#include <atomic>
#include <cstdint>

#include "src/checks/damage.h"

namespace tarn {

/// Calls of malloc and free by all threads, while they are counted.
inline constinit std::atomic<std::uint64_t> counted_calls{0};

/// Of one call; says when a look is due.
inline void count_call()
{
    const std::size_t every = check_settings.check_every;
    if (every == 0) [[likely]]
        return;
    if ((counted_calls.fetch_add(1, std::memory_order_relaxed) + 1) % every == 0)
        check_settings.look_is_due();
}

} // namespace tarn
