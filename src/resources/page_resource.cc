// SPDX-License-Identifier: MIT
#include <algorithm>

#include <tarn/page_resource.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/resources/atomic_peak.h"
#include "src/resources/block_ledger.h"
#include "src/resources/never_destroyed.h"

namespace tarn {

PageResource::PageResource(const Options& options)
    : Resource(options.name), options_(options), gap_(options.checked ? detail::kRedzone : 0),
      ledger_(options.checked ? std::make_unique<detail::BlockLedger>(options.name) : nullptr)
{}

PageResource::~PageResource() = default;

std::size_t PageResource::page_size() noexcept
{
    return os::kPageSize;
}

// A guarded block ends at its guard, as near as the alignment lets it.
PageResource::Extent PageResource::extent_of(std::size_t bytes,
                                             std::size_t alignment) const noexcept
{
    const std::size_t pages = round_up(bytes + gap_, os::kPageSize);
    const bool is_moved = options_.guard && alignment < os::kPageSize;
    return {is_moved ? (pages - bytes - gap_) & ~(alignment - 1) : 0, pages};
}

void* PageResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (!detail::is_serviceable(bytes, alignment)) {
        failures_.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    const Extent extent = extent_of(bytes, alignment);
    const std::size_t guard = options_.guard ? os::kPageSize : 0;
    auto* const pages =
        static_cast<std::byte*>(os::map(extent.bytes + guard, std::max(alignment, os::kPageSize)));
    if (pages == nullptr) {
        failures_.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    if (guard != 0) os::forbid(pages + extent.bytes, guard);
    if (options_.huge) os::advise_huge_pages(pages, extent.bytes, os::HugePages::wanted);
    void* const block = pages + extent.offset;
    if (ledger_ != nullptr) {
        const std::lock_guard lock(mutex_);
        if (!ledger_->add(block, bytes, alignment)) {
            os::unmap(pages, extent.bytes + guard);
            failures_.fetch_add(1, std::memory_order_relaxed);
            return nullptr;
        }
        detail::poison(static_cast<std::byte*>(block) + bytes, gap_);
    }
    allocations_.fetch_add(1, std::memory_order_relaxed);
    count(bytes, extent.bytes);
    return block;
}

void PageResource::count(std::size_t bytes, std::size_t pages) noexcept
{
    detail::raise_to(peak_in_use_, in_use_.fetch_add(bytes, std::memory_order_relaxed) + bytes);
    detail::raise_to(peak_reserved_, reserved_.fetch_add(pages, std::memory_order_relaxed) + pages);
}

void PageResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    const Extent extent = extent_of(bytes, alignment);
    auto* const pages = static_cast<std::byte*>(block) - extent.offset;
    if (ledger_ != nullptr) {
        const std::lock_guard lock(mutex_);
        if (!ledger_->remove(block, bytes, alignment)) return;
        ledger_->forget(pages, extent.bytes);
        detail::unpoison(pages,
                         extent.bytes); // it would be forbidden to whoever gets the addresses
    }
    os::unmap(pages, extent.bytes + (options_.guard ? os::kPageSize : 0));
    deallocations_.fetch_add(1, std::memory_order_relaxed);
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
    reserved_.fetch_sub(extent.bytes, std::memory_order_relaxed);
}

void* PageResource::try_reallocate(void* block, std::size_t bytes, std::size_t new_bytes) noexcept
{
    bytes = detail::at_least_one(bytes);
    new_bytes = detail::at_least_one(new_bytes);
    if (options_.guard || ledger_ != nullptr || new_bytes > detail::kMaxRequest) return nullptr;
    const std::size_t old_pages = extent_of(bytes, 1).bytes;
    const std::size_t new_pages = extent_of(new_bytes, 1).bytes;
    void* const moved = old_pages == new_pages ? block : os::remap(block, old_pages, new_pages);
    if (moved == nullptr) return nullptr;
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
    reserved_.fetch_sub(old_pages, std::memory_order_relaxed);
    count(new_bytes, new_pages);
    return moved;
}

bool PageResource::do_owns(const void* address) const noexcept
{
    if (ledger_ == nullptr) return false;
    const std::lock_guard lock(mutex_);
    return ledger_->has(address);
}

ResourceStatistics PageResource::do_statistics() const
{
    return {
        .allocations = allocations_.load(std::memory_order_relaxed),
        .deallocations = deallocations_.load(std::memory_order_relaxed),
        .failures = failures_.load(std::memory_order_relaxed),
        .in_use = in_use_.load(std::memory_order_relaxed),
        .peak_in_use = peak_in_use_.load(std::memory_order_relaxed),
        .reserved = reserved_.load(std::memory_order_relaxed),
        .peak_reserved = peak_reserved_.load(std::memory_order_relaxed),
    };
}

PageResource* page_resource() noexcept
{
    static detail::NeverDestroyed<PageResource> resource;
    return &resource.get();
}

} // namespace tarn
