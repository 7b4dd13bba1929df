// SPDX-License-Identifier: MIT

#include "src/checks/quarantine.h"

#include <algorithm>

#include "src/heap/size_class.h"
#include "src/os/memory.h"

namespace tarn {

constinit Quarantine quarantine;

namespace {

/// Blocks above that lie in mappings of their own.
constexpr std::size_t kMostHeldMemory = kMaxPooledSize;

/// What a block counts for. The pages of large ones are given back, what they take is address space
/// and a place in the kernel's list of mappings.
std::size_t weight_of(const CheckedPlace& place)
{
    return std::min(place.room, kMostHeldMemory);
}

/// Who leaves has not been looked at for a while: memory takes longer to answer than all else that
/// is done with a block. So many entries ahead it is asked for.
constexpr std::size_t kAhead = 6;
constexpr std::size_t kMostFetched = 512; // the CPU goes on by itself

void fetch(const CheckedPlace& place)
{
    __builtin_prefetch(place.record);
    const std::size_t size = std::min(place.room, kMostFetched);
    for (std::size_t offset = 0; offset < size; offset += 64)
        __builtin_prefetch(reinterpret_cast<const void*>(place.raw + offset));
}

} // namespace

bool Quarantine::take_in(CheckedPlace place)
{
    const os::LockGuard guard(mutex_);
    if (end_ - first_ == capacity_ && !grow()) return false;
    entries_[end_++ & (capacity_ - 1)] = place;
    bytes_ += weight_of(place);
    return true;
}

CheckedPlace Quarantine::take_surplus()
{
    const os::LockGuard guard(mutex_);
    if (bytes_ <= most_) return {};
    const CheckedPlace place = entries_[first_++ & (capacity_ - 1)];
    bytes_ -= weight_of(place);
    if (end_ - first_ > kAhead) fetch(entries_[(first_ + kAhead) & (capacity_ - 1)]);
    return place;
}

bool Quarantine::grow()
{
    const std::size_t capacity = std::max(capacity_ * 2, std::size_t{1024});
    auto* const entries =
        static_cast<CheckedPlace*>(os::map(capacity * sizeof(CheckedPlace), os::kPageSize));
    if (entries == nullptr) return false;
    for (std::size_t i = first_; i != end_; ++i)
        entries[i & (capacity - 1)] = entries_[i & (capacity_ - 1)];
    if (entries_ != nullptr) os::unmap(entries_, capacity_ * sizeof(CheckedPlace));
    entries_ = entries;
    capacity_ = capacity;
    return true;
}

MemoryRange Quarantine::memory()
{
    const os::LockGuard guard(mutex_);
    const auto start = reinterpret_cast<std::uintptr_t>(entries_);
    return {start, start + capacity_ * sizeof(CheckedPlace)};
}

} // namespace tarn
