// SPDX-License-Identifier: MIT
#include "src/resources/watched_blocks.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

#include "src/resources/sanitizer.h"

namespace tarn::detail {

WatchedBlocks::~WatchedBlocks()
{
    release();
}

std::size_t WatchedBlocks::StackHash::operator()(const CallStack& stack) const noexcept
{
    const auto bytes = std::as_bytes(stack.calls());
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// Null where none are kept, or there is no memory for them.
const CallStack* WatchedBlocks::keep(const CallStack& stack) noexcept
{
    if (stack.calls().empty()) return nullptr;
    try {
        return &*stacks_.insert(stack).first;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void* WatchedBlocks::try_allocate(std::size_t bytes, std::size_t alignment,
                                  const void* from) noexcept
{
    const CallStack stack = CallStack::here(stack_depth_, from);
    const std::lock_guard lock(mutex_);
    ++statistics_.failures;
    if (!is_serviceable(bytes, alignment)) return nullptr;
    if (bytes > limit_ - statistics_.in_use) return nullptr;
    const std::size_t size = bytes + kRedzone;
    void* const block = upstream_.try_allocate(size, alignment);
    if (block == nullptr) return nullptr;
    bool is_entered = ledger_.add(block, bytes, alignment);
    try {
        if (is_entered) {
            const CallStack* const calls = keep(stack);
            ledger_.history_of(block)->allocated = calls;
            live_.insert_or_assign(reinterpret_cast<std::uintptr_t>(block),
                                   Block{block, bytes, alignment, calls});
        }
    } catch (const std::bad_alloc&) {
        ledger_.forget(block, size);
        is_entered = false;
    }
    if (!is_entered) {
        upstream_.deallocate(block, size, alignment);
        return nullptr;
    }
    poison(static_cast<std::byte*>(block) + bytes, kRedzone);
    --statistics_.failures;
    ++statistics_.allocations;
    statistics_.in_use += bytes;
    statistics_.reserved += size;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    statistics_.peak_reserved = std::max(statistics_.peak_reserved, statistics_.reserved);
    return block;
}

bool WatchedBlocks::deallocate(void* block, std::size_t bytes, std::size_t alignment,
                               const void* from)
{
    const CallStack stack = CallStack::here(stack_depth_, from);
    const std::lock_guard lock(mutex_);
    if (!ledger_.remove(block, bytes, alignment)) return false;
    ledger_.history_of(block)->freed = keep(stack);
    const auto freed = live_.find(reinterpret_cast<std::uintptr_t>(block));
    freed_.push_back(freed->second);
    live_.erase(freed);
    ++statistics_.deallocations;
    statistics_.in_use -= bytes;
    freed_bytes_ += bytes;
    while (freed_bytes_ > quarantine_) {
        const Block oldest = freed_.front();
        freed_.pop_front();
        freed_bytes_ -= oldest.bytes;
        ledger_.check(oldest.address);
        give_back(oldest);
    }
    return true;
}

void WatchedBlocks::give_back(const Block& block)
{
    const std::size_t size = block.bytes + kRedzone;
    if (keeps_records_)
        ledger_.retire(block.address);
    else
        ledger_.forget(block.address, size);
    unpoison(block.address, size);
    statistics_.reserved -= size;
    upstream_.deallocate(block.address, size, block.alignment);
}

bool WatchedBlocks::owns(const void* address) const
{
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    const std::lock_guard lock(mutex_);
    const auto next = live_.upper_bound(number);
    return next != live_.begin() && number - std::prev(next)->first < std::prev(next)->second.bytes;
}

void WatchedBlocks::check() const
{
    const std::lock_guard lock(mutex_);
    ledger_.check();
}

void WatchedBlocks::check_leaks() const
{
    for (const Block& block : live())
        ledger_.report(Misuse::leak, block.address, block.bytes);
}

std::vector<WatchedBlocks::Block> WatchedBlocks::live() const
{
    std::vector<Block> blocks;
    const std::lock_guard lock(mutex_);
    for (const auto& [address, block] : live_)
        blocks.push_back(block);
    return blocks;
}

void WatchedBlocks::release()
{
    const std::lock_guard lock(mutex_);
    ledger_.check();
    for (const Block& block : freed_)
        give_back(block);
    for (const auto& [address, block] : live_)
        give_back(block);
    statistics_.deallocations += live_.size();
    statistics_.in_use = 0;
    freed_.clear();
    live_.clear();
    freed_bytes_ = 0;
}

ResourceStatistics WatchedBlocks::statistics() const
{
    const std::lock_guard lock(mutex_);
    return statistics_;
}

} // namespace tarn::detail
