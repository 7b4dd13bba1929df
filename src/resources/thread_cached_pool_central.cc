// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "src/resources/sanitizer.h"
#include "src/resources/thread_cached_pool.h"

namespace tarn {

ThreadCachedPool::Central::Central(const Options& new_options, std::pmr::memory_resource* resource)
    : options(new_options), upstream(resource)
{
    if (options.largest > KiB(32) || options.chunk < options.largest || options.chunk > GiB(1))
        throw std::invalid_argument("tarn::ThreadCachedPool: largest block or chunk");
    if (options.checked)
        watched = std::make_unique<detail::WatchedBlocks>(options.name, resource, MiB(1));
}

std::size_t ThreadCachedPool::Central::chunk_alignment(std::size_t step) const noexcept
{
    return std::max(detail::alignment_of_step(step), alignof(std::max_align_t));
}

bool ThreadCachedPool::Central::add_chunk(Bin& bin, std::size_t step) noexcept
{
    try {
        bin.chunks.reserve(bin.chunks.size() + 1);
    } catch (const std::bad_alloc&) {
        return false;
    }
    void* const chunk = upstream.try_allocate(options.chunk, chunk_alignment(step));
    if (chunk == nullptr) return false;
    bin.chunks.push_back(chunk);
    bin.has_had_chunks.store(true, std::memory_order_relaxed);
    const std::size_t size = detail::size_of_step(step);
    bin.fresh = reinterpret_cast<std::uintptr_t>(chunk);
    bin.end = bin.fresh + options.chunk / size * size;
    detail::poison(chunk, options.chunk);
    return true;
}

ThreadCachedPool::List ThreadCachedPool::Central::carve(Bin& bin, std::size_t step) noexcept
{
    List list;
    if (bin.fresh == bin.end && !add_chunk(bin, step)) return list;
    const std::size_t size = detail::size_of_step(step);
    const std::size_t wanted = batch_of(step);
    // From the end, so that the list is in the order of addresses.
    const std::size_t count = std::min(wanted, (bin.end - bin.fresh) / size);
    for (std::uintptr_t at = bin.fresh + count * size; at != bin.fresh;) {
        at -= size;
        detail::unpoison(reinterpret_cast<void*>(at), sizeof(Block));
        list.first = ::new (reinterpret_cast<void*>(at)) Block{list.first, nullptr};
    }
    list.count = count;
    bin.fresh += count * size;
    return list;
}

ThreadCachedPool::List ThreadCachedPool::Central::take(std::size_t step) noexcept
{
    Bin& bin = bins[step];
    const std::lock_guard lock(bin.mutex);
    List list;
    if (bin.batches != nullptr) {
        list = {bin.batches, batch_of(step)};
        bin.batches = bin.batches->next_batch;
    } else if (bin.parts != nullptr) {
        list.first = std::exchange(bin.parts, bin.parts->next_batch);
        for (const Block* block = list.first; block != nullptr; block = block->next)
            ++list.count;
    } else {
        list = carve(bin, step);
    }
    ++bin.transfers;
    bin.taken += list.count;
    bin.most_taken = std::max(bin.most_taken, bin.taken);
    return list;
}

void ThreadCachedPool::Central::give(std::size_t step, List list) noexcept
{
    if (list.count == 0) return;
    Bin& bin = bins[step];
    const std::lock_guard lock(bin.mutex);
    Block*& batches = list.count == batch_of(step) ? bin.batches : bin.parts;
    list.first->next_batch = std::exchange(batches, list.first);
    ++bin.transfers;
    bin.taken -= list.count;
}

void* ThreadCachedPool::Central::allocate(std::size_t step) noexcept
{
    List list = take(step);
    if (list.count == 0) return nullptr;
    Block* const block = list.first;
    give(step, {block->next, list.count - 1});
    allocations.fetch_add(1, std::memory_order_relaxed);
    in_use.fetch_add(detail::size_of_step(step), std::memory_order_relaxed);
    detail::unpoison(block, detail::size_of_step(step));
    return block;
}

void ThreadCachedPool::Central::deallocate(std::size_t step, void* block) noexcept
{
    deallocations.fetch_add(1, std::memory_order_relaxed);
    in_use.fetch_sub(detail::size_of_step(step), std::memory_order_relaxed);
    give(step, {::new (block) Block{nullptr, nullptr}, 1});
}

bool ThreadCachedPool::Central::owns(const void* address) const noexcept
{
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    for (const Bin& bin : bins) {
        if (!bin.has_had_chunks.load(std::memory_order_relaxed)) continue;
        const std::lock_guard lock(bin.mutex);
        for (void* const chunk : bin.chunks)
            if (number - reinterpret_cast<std::uintptr_t>(chunk) < options.chunk) return true;
    }
    return false;
}

void ThreadCachedPool::Central::close()
{
    const std::lock_guard lock(mutex);
    is_open = false;
    if (watched != nullptr) watched->release();
    for (std::size_t step = 0; step < kSizes; ++step) {
        for (void* const chunk : bins[step].chunks) {
            detail::unpoison(chunk, options.chunk);
            upstream.deallocate(chunk, options.chunk, chunk_alignment(step));
        }
        bins[step].chunks.clear();
    }
}

} // namespace tarn
