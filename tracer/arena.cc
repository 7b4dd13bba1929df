// SPDX-License-Identifier: MIT

#include "tracer/arena.h"

#include <algorithm>

#include "src/base/units.h"
#include "src/os/memory.h"

namespace tarn {

constinit Arena arena;

namespace {

constexpr std::size_t kLargest = std::size_t{1} << 36;
constexpr std::size_t kSmallest = MiB(16);
constexpr std::size_t kStep = MiB(1); // made usable at once

} // namespace

bool Arena::initialise()
{
    const std::size_t limit = os::address_space_limit() / 8;
    for (std::size_t size = kLargest; size >= kSmallest; size /= 2) {
        if (size > limit) continue;
        start_ = static_cast<std::byte*>(os::reserve(size, os::kPageSize));
        if (start_ == nullptr) continue;
        reserved_ = size;
        return true;
    }
    return false;
}

void* Arena::take(std::size_t size)
{
    const os::LockGuard guard(mutex_);
    const std::size_t used = used_.load(std::memory_order_relaxed);
    const std::size_t end = used + round_up(size, os::kPageSize);
    if (end > reserved_) return nullptr;
    if (end > committed_) {
        const std::size_t target = std::min(round_up(end, kStep), reserved_);
        if (!os::commit(start_ + committed_, target - committed_)) return nullptr;
        committed_ = target;
    }
    used_.store(end, std::memory_order_relaxed);
    return start_ + used;
}

MemoryRange Arena::range() const
{
    const auto start = reinterpret_cast<std::uintptr_t>(start_);
    return {start, start + reserved_};
}

} // namespace tarn
