// SPDX-License-Identifier: MIT
#include <utility>

#include <tarn/limit_resource.h>

#include "src/resources/atomic_peak.h"

namespace tarn {

Budget::Budget(Options options, Budget* parent) : options_(std::move(options)), parent_(parent) {}

bool Budget::tell(BudgetEvent::Kind kind, std::size_t bytes, std::size_t now) noexcept
{
    if (!options_.on_event) return false;
    const bool is_refused = kind == BudgetEvent::Kind::refused;
    return options_.on_event(
        {kind, options_.name, bytes, now, is_refused ? options_.hard : options_.soft});
}

bool Budget::take(std::size_t bytes) noexcept
{
    std::size_t before = in_use();
    do {
        if (before > options_.hard || bytes > options_.hard - before) return false;
    } while (!in_use_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
    detail::raise_to(peak_, before + bytes);
    return true;
}

void Budget::give(std::size_t bytes) noexcept
{
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
}

bool Budget::try_reserve(std::size_t bytes) noexcept
{
    bool is_taken = take(bytes);
    if (!is_taken) {
        refusals_.fetch_add(1, std::memory_order_relaxed);
        is_taken = tell(BudgetEvent::Kind::refused, bytes, in_use()) && take(bytes);
    }
    if (!is_taken) return false;
    if (parent_ != nullptr && !parent_->try_reserve(bytes)) {
        give(bytes);
        return false;
    }
    const std::size_t now = in_use();
    if (now > options_.soft && !is_above_soft_.exchange(true, std::memory_order_relaxed))
        tell(BudgetEvent::Kind::soft_limit, bytes, now);
    return true;
}

void Budget::release(std::size_t bytes) noexcept
{
    give(bytes);
    if (parent_ != nullptr) parent_->release(bytes);
    const std::size_t now = in_use();
    if (now <= options_.soft && is_above_soft_.load(std::memory_order_relaxed) &&
        is_above_soft_.exchange(false, std::memory_order_relaxed))
        tell(BudgetEvent::Kind::below_soft, 0, now);
}

LimitResource::~LimitResource() = default;

void* LimitResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (!budget_.try_reserve(bytes)) return counted(nullptr, bytes);
    void* const block = WrapperResource::do_try_allocate(bytes, alignment);
    if (block == nullptr) budget_.release(bytes);
    return block;
}

void LimitResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    WrapperResource::do_deallocate(block, bytes, alignment);
    budget_.release(detail::at_least_one(bytes));
}

} // namespace tarn
