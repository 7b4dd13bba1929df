// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "src/resources/atomic_peak.h"
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
    else
        largest_kept = static_cast<std::uint32_t>(options.largest);
    for (std::size_t step = 0; step < kSizes; ++step) {
        const std::size_t blocks = options.batch / detail::size_of_step(step);
        batches[step] = static_cast<std::uint8_t>(std::clamp<std::size_t>(blocks, 2, 64));
    }
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
    bin.has_had_chunks.store(true, std::memory_order_relaxed);
    const std::size_t size = detail::size_of_step(step);
    bin.fresh = reinterpret_cast<std::uintptr_t>(chunk);
    bin.chunks.push_back({.begin = bin.fresh, .free = 0});
    bin.most_chunks = std::max(bin.most_chunks, bin.chunks.size());
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
    if (list.first == nullptr) failures.fetch_add(1, std::memory_order_relaxed);
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
    Bin::push(list.count == batch_of(step) ? bin.batches : bin.parts, list.first);
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

void* ThreadCachedPool::Central::allocate_apart(std::size_t bytes, std::size_t alignment) noexcept
{
    if (watched != nullptr) return watched->try_allocate(bytes, alignment);
    void* const block = detail::is_serviceable(bytes, alignment)
                            ? upstream.try_allocate(bytes, alignment)
                            : nullptr;
    if (block == nullptr) {
        failures.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    allocations.fetch_add(1, std::memory_order_relaxed);
    detail::raise_to(most_large, large.fetch_add(bytes, std::memory_order_relaxed) + bytes);
    return block;
}

void ThreadCachedPool::Central::deallocate_apart(void* block, std::size_t bytes,
                                                 std::size_t alignment)
{
    if (watched != nullptr) {
        watched->deallocate(block, bytes, alignment);
        return;
    }
    deallocations.fetch_add(1, std::memory_order_relaxed);
    large.fetch_sub(bytes, std::memory_order_relaxed);
    upstream.deallocate(block, bytes, alignment);
}

bool ThreadCachedPool::Central::owns(const void* address) const noexcept
{
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    for (const Bin& bin : bins) {
        if (!bin.has_had_chunks.load(std::memory_order_relaxed)) continue;
        const std::lock_guard lock(bin.mutex);
        for (const Bin::Chunk& chunk : bin.chunks)
            if (number - chunk.begin < options.chunk) return true;
    }
    return false;
}

void ThreadCachedPool::Central::give_back(std::size_t step, const Bin::Chunk& chunk)
{
    auto* const memory = reinterpret_cast<void*>(chunk.begin);
    detail::unpoison(memory, options.chunk);
    upstream.deallocate(memory, options.chunk, chunk_alignment(step));
}

// Requires: the chunks are in the order of addresses.
ThreadCachedPool::Bin::Chunk& ThreadCachedPool::Bin::chunk_of(const Block* block) noexcept
{
    const auto next = std::upper_bound(
        chunks.begin(), chunks.end(), reinterpret_cast<std::uintptr_t>(block),
        [](std::uintptr_t address, const Chunk& chunk) { return address < chunk.begin; });
    return *std::prev(next);
}

// All blocks that were carved from it are free.
bool ThreadCachedPool::Central::is_empty(const Bin& bin, std::size_t step,
                                         const Bin::Chunk& chunk) const noexcept
{
    const std::size_t size = detail::size_of_step(step);
    const bool is_fresh = bin.fresh != bin.end && bin.fresh - chunk.begin < options.chunk;
    return chunk.free == (is_fresh ? bin.fresh - chunk.begin : options.chunk) / size;
}

// Puts the blocks of a list in front of another one, each counted for its chunk.
ThreadCachedPool::Block* ThreadCachedPool::Bin::count(Block* block, Block* others) noexcept
{
    while (block != nullptr) {
        ++chunk_of(block).free;
        Block* const next = std::exchange(block->next, others);
        others = std::exchange(block, next);
    }
    return others;
}

// Takes all free blocks out of the bin, as one list, and counts those of each chunk.
ThreadCachedPool::Block* ThreadCachedPool::Central::gather(Bin& bin) noexcept
{
    std::sort(bin.chunks.begin(), bin.chunks.end(),
              [](const Bin::Chunk& a, const Bin::Chunk& b) { return a.begin < b.begin; });
    for (Bin::Chunk& chunk : bin.chunks)
        chunk.free = 0;
    Block* all = nullptr;
    for (Block** const lists : {&bin.batches, &bin.parts}) {
        while (Block* const first = *lists) {
            *lists = first->next_batch;
            all = bin.count(first, all);
        }
    }
    return all;
}

// Puts those back whose chunks stay.
void ThreadCachedPool::Central::scatter(Bin& bin, std::size_t step, Block* all) noexcept
{
    List list;
    while (Block* const block = all) {
        all = block->next;
        if (is_empty(bin, step, bin.chunk_of(block))) continue;
        block->next = std::exchange(list.first, block);
        if (++list.count == batch_of(step))
            Bin::push(bin.batches, std::exchange(list, List()).first);
    }
    if (list.count != 0) Bin::push(bin.parts, list.first);
}

std::size_t ThreadCachedPool::Central::trim(std::size_t step)
{
    Bin& bin = bins[step];
    const std::lock_guard lock(bin.mutex);
    scatter(bin, step, gather(bin));
    const auto is_kept = [&](const Bin::Chunk& chunk) { return !is_empty(bin, step, chunk); };
    std::partition(bin.chunks.begin(), bin.chunks.end(), is_kept);
    std::size_t given_back = 0;
    while (!bin.chunks.empty() && !is_kept(bin.chunks.back())) {
        const Bin::Chunk chunk = bin.chunks.back();
        bin.chunks.pop_back();
        if (bin.fresh - chunk.begin < options.chunk) bin.fresh = bin.end = 0;
        ++given_back;
        give_back(step, chunk);
    }
    return given_back;
}

void ThreadCachedPool::Central::close()
{
    const std::lock_guard lock(mutex);
    is_open = false;
    if (watched != nullptr) watched->release();
    for (std::size_t step = 0; step < kSizes; ++step) {
        for (const Bin::Chunk& chunk : bins[step].chunks)
            give_back(step, chunk);
        bins[step].chunks.clear();
    }
}

} // namespace tarn
