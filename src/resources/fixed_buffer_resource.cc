// SPDX-License-Identifier: MIT
#include <algorithm>

#include <tarn/fixed_buffer_resource.h>

#include "src/base/units.h"
#include "src/resources/atomic_peak.h"
#include "src/resources/block_ledger.h"
#include "src/resources/sanitizer.h"

namespace tarn {

namespace {

std::size_t gap_of(const FixedBufferOptions& options)
{
    return options.checked || detail::has_address_sanitizer() ? detail::kRedzone : 0;
}

void poison_range(std::uintptr_t begin, std::uintptr_t end)
{
    detail::poison(reinterpret_cast<void*>(begin), end - begin);
}

} // namespace

FixedBufferResource::FixedBufferResource(std::span<std::byte> buffer, const Options& options)
    : BumpResource(options.name), gap_(gap_of(options)),
      begin_(reinterpret_cast<std::uintptr_t>(buffer.data())), limit_(begin_ + buffer.size()),
      ledger_(options.checked ? std::make_unique<detail::BlockLedger>(options.name) : nullptr)
{
    cursor_ = high_ = begin_;
    end_ = gap_ == 0 ? limit_ : 0;
    poison_range(begin_, limit_);
}

FixedBufferResource::~FixedBufferResource()
{
    if (ledger_ != nullptr) ledger_->remove_since(0);
    detail::unpoison(reinterpret_cast<void*>(begin_), limit_ - begin_);
}

// Where nothing watches: what the fast path had no room for.
void* FixedBufferResource::allocate_slowly(std::size_t bytes, std::size_t alignment)
{
    if (bytes == 0) return try_allocate(1, alignment);
    ++failures_;
    if (gap_ == 0 || !detail::is_serviceable(bytes, alignment)) return nullptr;
    const std::uintptr_t start = round_up(cursor_, std::max<std::size_t>(alignment, 8));
    if (start > limit_ || bytes + gap_ > limit_ - start) return nullptr;
    auto* const block = reinterpret_cast<void*>(start);
    detail::unpoison(block, bytes);
    if (ledger_ != nullptr && !ledger_->add(block, bytes, alignment)) return nullptr;
    cursor_ = start + bytes + gap_;
    ++allocations_;
    --failures_;
    return block;
}

void FixedBufferResource::deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    if (ledger_ != nullptr && !ledger_->remove(block, bytes, alignment)) return;
    detail::poison(block, bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (address + bytes + gap_ != cursor_) return;
    retreat(address);
}

bool FixedBufferResource::try_resize(void* block, std::size_t bytes, std::size_t new_bytes) noexcept
{
    bytes = detail::at_least_one(bytes);
    new_bytes = detail::at_least_one(new_bytes);
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (ledger_ != nullptr || address + bytes + gap_ != cursor_) return false;
    const std::size_t room = limit_ - address;
    if (new_bytes > room || gap_ > room - new_bytes) return false;
    move_cursor(address + new_bytes + gap_);
    detail::poison(block, std::max(bytes, new_bytes));
    detail::unpoison(block, new_bytes);
    return true;
}

void FixedBufferResource::reset()
{
    if (ledger_ != nullptr) ledger_->remove_since(0);
    high_ = std::max(high_, cursor_);
    cursor_ = begin_;
    poison_range(begin_, limit_);
}

ResourceStatistics FixedBufferResource::do_statistics() const
{
    return {
        .allocations = allocations_,
        .deallocations = deallocations_,
        .failures = failures_,
        .in_use = cursor_ - begin_,
        .peak_in_use = std::max(high_, cursor_) - begin_,
        .reserved = limit_ - begin_,
        .peak_reserved = limit_ - begin_,
    };
}

ConcurrentFixedBufferResource::ConcurrentFixedBufferResource(std::span<std::byte> buffer,
                                                             const Options& options)
    : Resource(options.name), cursor_(reinterpret_cast<std::uintptr_t>(buffer.data())),
      high_(cursor_.load()), gap_(gap_of(options)), begin_(cursor_.load()),
      limit_(begin_ + buffer.size()),
      ledger_(options.checked ? std::make_unique<detail::BlockLedger>(options.name) : nullptr)
{
    poison_range(begin_, limit_);
}

ConcurrentFixedBufferResource::~ConcurrentFixedBufferResource()
{
    if (ledger_ != nullptr) ledger_->remove_since(0);
    detail::unpoison(reinterpret_cast<void*>(begin_), limit_ - begin_);
}

void* ConcurrentFixedBufferResource::do_try_allocate(std::size_t bytes,
                                                     std::size_t alignment) noexcept
{
    const std::size_t granule = gap_ != 0 ? 8 : 1;
    std::uintptr_t cursor = cursor_.load(std::memory_order_relaxed);
    std::uintptr_t start = 0;
    do {
        start = round_up(cursor, std::max(alignment, granule));
        if (!detail::is_serviceable(bytes, alignment) || start > limit_ ||
            bytes + gap_ > limit_ - start) {
            failures_.fetch_add(1, std::memory_order_relaxed);
            return nullptr;
        }
    } while (
        !cursor_.compare_exchange_weak(cursor, start + bytes + gap_, std::memory_order_relaxed));
    return hand_out(start, bytes, alignment);
}

void* ConcurrentFixedBufferResource::hand_out(std::uintptr_t start, std::size_t bytes,
                                              std::size_t alignment) noexcept
{
    auto* const block = reinterpret_cast<void*>(start);
    detail::unpoison(block, bytes);
    if (ledger_ != nullptr) {
        const std::lock_guard lock(mutex_);
        if (!ledger_->add(block, bytes, alignment)) return nullptr;
    }
    allocations_.fetch_add(1, std::memory_order_relaxed);
    return block;
}

bool ConcurrentFixedBufferResource::take_back(void* block, std::size_t bytes, std::size_t alignment)
{
    if (ledger_ != nullptr) {
        const std::lock_guard lock(mutex_);
        if (!ledger_->remove(block, bytes, alignment)) return false;
    }
    detail::poison(block, bytes);
    return true;
}

void ConcurrentFixedBufferResource::do_deallocate(void* block, std::size_t bytes,
                                                  std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    if (!take_back(block, bytes, alignment)) return;
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    // As long as the cursor stands behind this block nobody has one beyond it.
    std::uintptr_t last = address + bytes + gap_;
    if (!cursor_.compare_exchange_strong(last, address, std::memory_order_relaxed)) return;
    detail::raise_to(high_, address + bytes + gap_);
    deallocations_.fetch_add(1, std::memory_order_relaxed);
}

void ConcurrentFixedBufferResource::reset()
{
    if (ledger_ != nullptr) ledger_->remove_since(0);
    high_ = std::max(high_.load(), cursor_.load());
    cursor_ = begin_;
    poison_range(begin_, limit_);
}

ResourceStatistics ConcurrentFixedBufferResource::do_statistics() const
{
    const std::uintptr_t cursor = cursor_.load(std::memory_order_relaxed);
    return {
        .allocations = allocations_.load(std::memory_order_relaxed),
        .deallocations = deallocations_.load(std::memory_order_relaxed),
        .failures = failures_.load(std::memory_order_relaxed),
        .in_use = cursor - begin_,
        .peak_in_use = std::max(high_.load(std::memory_order_relaxed), cursor) - begin_,
        .reserved = limit_ - begin_,
        .peak_reserved = limit_ - begin_,
    };
}

} // namespace tarn
