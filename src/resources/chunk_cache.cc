// SPDX-License-Identifier: MIT
#include <algorithm>
#include <new>
#include <utility>

#include <tarn/chunk_cache.h>

namespace tarn {

namespace {
constexpr std::size_t kMostBlocks = 64;
} // namespace

struct ChunkCache::Kept {
    Kept* older;
    std::size_t bytes;
    std::size_t alignment;
};

ChunkCache::ChunkCache(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), options_(options), upstream_(upstream)
{
    options_.smallest = std::max(options_.smallest, sizeof(Kept));
}

ChunkCache::~ChunkCache()
{
    trim();
}

void* ChunkCache::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    {
        const std::lock_guard lock(mutex_);
        if (Kept* const kept = take(bytes, alignment)) {
            ++hits_;
            ++statistics_.allocations;
            statistics_.in_use += bytes;
            statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
            return kept;
        }
    }
    void* const block = upstream_.try_allocate(bytes, alignment);
    const std::lock_guard lock(mutex_);
    ++(block != nullptr ? statistics_.allocations : statistics_.failures);
    if (block == nullptr) return nullptr;
    statistics_.in_use += bytes;
    statistics_.reserved += bytes;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    statistics_.peak_reserved = std::max(statistics_.peak_reserved, statistics_.reserved);
    return block;
}

void ChunkCache::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    const bool is_kept = bytes >= options_.smallest && bytes <= options_.largest &&
                         bytes <= options_.limit && alignment >= alignof(Kept);
    Kept* surplus = nullptr;
    {
        const std::lock_guard lock(mutex_);
        ++statistics_.deallocations;
        statistics_.in_use -= bytes;
        if (is_kept) {
            keep_within(options_.limit - bytes, kMostBlocks - 1);
            newest_ = ::new (block) Kept{newest_, bytes, alignment};
            kept_ += bytes;
            ++count_;
            surplus = std::exchange(surplus_, nullptr);
        } else {
            statistics_.reserved -= bytes;
        }
    }
    give_back(surplus);
    if (!is_kept) upstream_.deallocate(block, bytes, alignment);
}

// Under the lock.
ChunkCache::Kept* ChunkCache::take(std::size_t bytes, std::size_t alignment) noexcept
{
    for (Kept** link = &newest_; *link != nullptr; link = &(*link)->older) {
        Kept* const kept = *link;
        if (kept->bytes != bytes || kept->alignment != alignment) continue;
        *link = kept->older;
        kept_ -= bytes;
        --count_;
        return kept;
    }
    return nullptr;
}

// Under the lock. The newest stay, as many as fit; the others are surplus then.
void ChunkCache::keep_within(std::size_t bytes, std::size_t blocks)
{
    Kept** link = &newest_;
    while (*link != nullptr && (*link)->bytes <= bytes && blocks > 0) {
        bytes -= (*link)->bytes;
        --blocks;
        link = &(*link)->older;
    }
    surplus_ = std::exchange(*link, nullptr);
    for (const Kept* kept = surplus_; kept != nullptr; kept = kept->older) {
        kept_ -= kept->bytes;
        statistics_.reserved -= kept->bytes;
        --count_;
    }
}

void ChunkCache::give_back(Kept* list)
{
    while (list != nullptr) {
        Kept* const block = std::exchange(list, list->older);
        upstream_.deallocate(block, block->bytes, block->alignment);
    }
}

void ChunkCache::trim()
{
    Kept* surplus = nullptr;
    {
        const std::lock_guard lock(mutex_);
        keep_within(0, 0);
        surplus = std::exchange(surplus_, nullptr);
    }
    give_back(surplus);
}

std::size_t ChunkCache::kept() const noexcept
{
    const std::lock_guard lock(mutex_);
    return kept_;
}

std::uint64_t ChunkCache::hits() const noexcept
{
    const std::lock_guard lock(mutex_);
    return hits_;
}

bool ChunkCache::do_owns(const void* address) const noexcept
{
    const std::lock_guard lock(mutex_);
    for (const Kept* kept = newest_; kept != nullptr; kept = kept->older) {
        const auto* const begin = reinterpret_cast<const std::byte*>(kept);
        if (address >= begin && address < begin + kept->bytes) return true;
    }
    return false;
}

ResourceStatistics ChunkCache::do_statistics() const
{
    const std::lock_guard lock(mutex_);
    return statistics_;
}

} // namespace tarn
