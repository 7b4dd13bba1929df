// SPDX-License-Identifier: MIT
#include <algorithm>
#include <new>
#include <stdexcept>

#include <tarn/buffer_pool.h>
#include <tarn/size_steps.h>

#include "src/base/units.h"
#include "src/resources/sanitizer.h"
#include "src/resources/watched_blocks.h"

namespace tarn {

struct BufferPool::Kept {
    Kept* next;
};

Buffer::~Buffer()
{
    if (pool_ != nullptr) pool_->deallocate(data_, capacity_, 1);
}

BufferPool::BufferPool(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), options_(options), upstream_(upstream)
{
    options_.alignment = std::max(options.alignment, alignof(Kept));
    options_.smallest = std::max(options.smallest, sizeof(Kept));
    if (!detail::is_serviceable(std::max(options_.largest, options_.smallest), options_.alignment))
        throw std::invalid_argument("tarn::BufferPool: alignment or size");
    lists_.resize(detail::size_step_of(std::max(options_.largest, options_.smallest)) + 1);
    if (options.checked)
        watched_ = std::make_unique<detail::WatchedBlocks>(name(), upstream, MiB(1));
}

BufferPool::~BufferPool()
{
    trim();
}

Buffer BufferPool::acquire(std::size_t bytes)
{
    Buffer buffer = try_acquire(bytes);
    if (!buffer) throw_bad_alloc();
    return buffer;
}

Buffer BufferPool::try_acquire(std::size_t bytes) noexcept
{
    const std::size_t capacity = place_for(detail::at_least_one(bytes), 1).capacity;
    void* const data = try_allocate(capacity, 1);
    return data != nullptr ? Buffer(*this, data, bytes, capacity) : Buffer();
}

// The same for a request and for the capacity that it gets.
BufferPool::Place BufferPool::place_for(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::size_t step = detail::size_step_of(std::max(bytes, options_.smallest));
    if (alignment > options_.alignment || step >= lists_.size()) return {nullptr, bytes};
    const std::size_t capacity = detail::size_of_step(step);
    if (bytes > options_.largest && bytes != capacity) return {nullptr, bytes};
    return {&lists_[step], capacity};
}

void* BufferPool::do_allocate(std::size_t bytes, std::size_t alignment)
{
    void* const block = do_try_allocate(detail::at_least_one(bytes), alignment);
    if (block == nullptr) [[unlikely]]
        throw_bad_alloc();
    return block;
}

void* BufferPool::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (watched_ != nullptr)
        return watched_->try_allocate(bytes, std::max(alignment, options_.alignment));
    if (!detail::is_serviceable(bytes, alignment)) {
        ++statistics_.failures;
        return nullptr;
    }
    const auto [list, capacity] = place_for(bytes, alignment);
    void* block = nullptr;
    if (list != nullptr && *list != nullptr) {
        block = *list;
        detail::unpoison(block, capacity);
        *list = (*list)->next;
    } else {
        block = upstream_.try_allocate(capacity, std::max(alignment, options_.alignment));
        if (block == nullptr) {
            ++statistics_.failures;
            return nullptr;
        }
        ++misses_;
        statistics_.reserved += capacity;
        statistics_.peak_reserved = std::max(statistics_.peak_reserved, statistics_.reserved);
    }
    ++statistics_.allocations;
    statistics_.in_use += capacity;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    return block;
}

void BufferPool::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    if (watched_ != nullptr) {
        watched_->deallocate(block, bytes, std::max(alignment, options_.alignment));
        return;
    }
    const auto [list, capacity] = place_for(bytes, alignment);
    const bool is_kept = list != nullptr && capacity + kept() <= options_.keep;
    ++statistics_.deallocations;
    statistics_.in_use -= capacity;
    if (is_kept) {
        *list = ::new (block) Kept{*list};
        detail::poison(block, capacity);
        return;
    }
    statistics_.reserved -= capacity;
    upstream_.deallocate(block, capacity, std::max(alignment, options_.alignment));
}

void BufferPool::trim()
{
    for (std::size_t step = 0; step < lists_.size(); ++step) {
        const std::size_t capacity = detail::size_of_step(step);
        while (Kept* const block = lists_[step]) {
            detail::unpoison(block, capacity);
            lists_[step] = block->next;
            statistics_.reserved -= capacity;
            upstream_.deallocate(block, capacity, options_.alignment);
        }
    }
}

double BufferPool::hit_rate() const noexcept
{
    const auto allocations = static_cast<double>(statistics_.allocations);
    return allocations == 0 ? 0 : static_cast<double>(hits()) / allocations;
}

ResourceStatistics BufferPool::do_statistics() const
{
    return watched_ != nullptr ? watched_->statistics() : statistics_;
}

} // namespace tarn
