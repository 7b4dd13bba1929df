// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <limits>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "tracer/leak_scan.h"

namespace tarn {

namespace {

/// They are numbered by 32 bits.
constexpr std::size_t kMostBlocks = std::numeric_limits<std::uint32_t>::max();

constexpr std::uint64_t kAddressBits = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kSizeBits = (std::uint64_t{1} << 46) - 1;

struct Collection {
    MappedArray<FoundBlock>* blocks;
    std::uint32_t since;
    bool complete;
};

void collect(void* context, LiveBlock block)
{
    auto& collection = *static_cast<Collection*>(context);
    const bool is_old = block.trace != 0 && block.born < collection.since;
    const std::uint32_t note = block.trace | (is_old ? FoundBlock::kOld : 0);
    const FoundBlock found{.start = block.start & kAddressBits,
                           .trace_high = static_cast<std::uint16_t>(note >> 16U),
                           .size = block.size & kSizeBits,
                           .reach = Reach::lost,
                           .trace_low = static_cast<std::uint16_t>(note)};
    collection.complete = collection.blocks->push_back(found) && collection.complete;
}

} // namespace

bool BlockIndex::build(const HeapView& heap, std::uint32_t since)
{
    // Counted first: an array that grows to hundreds of megabytes would be moved about.
    std::size_t count = 0;
    const auto count_one = [](void* context, LiveBlock) { ++*static_cast<std::size_t*>(context); };
    if (!heap.for_each_live(count_one, &count) || count > kMostBlocks || !blocks_.reserve(count))
        return false;
    Collection collection{.blocks = &blocks_, .since = since, .complete = true};
    if (!heap.for_each_live(collect, &collection) || !collection.complete) return false;
    if (blocks_.empty()) return true;
    const std::span<FoundBlock> all = blocks_.all();

    // The first range of the allocator's own memory is that of the pools.
    std::array<MemoryRange, 1> pools{};
    if (heap.own_memory(pools) == 0) pools[0] = {};
    while (pooled_ < all.size() && pools[0].contains(all[pooled_].start))
        ++pooled_;
    std::ranges::sort(all.subspan(pooled_),
                      [](const FoundBlock& a, const FoundBlock& b) { return a.start < b.start; });

    hull_ = {all[0].start, all[0].end()};
    for (const FoundBlock& block : all)
        hull_ = {std::min(hull_.start, block.start), std::max(hull_.end, block.end())};
    if (pooled_ == 0) return true;
    pools_ = {all[0].start & ~(os::kPageSize - 1), all[pooled_ - 1].end()};
    const std::size_t pages = divide_up(pools_.size(), os::kPageSize) + 1;
    if (!first_in_page_.resize(pages)) return false;
    std::size_t block = 0;
    for (std::size_t page = 0; page < pages; ++page) {
        while (block < pooled_ && all[block].end() <= pools_.start + page * os::kPageSize)
            ++block;
        first_in_page_[page] = static_cast<std::uint32_t>(block);
    }
    return true;
}

FoundBlock* BlockIndex::find_pooled(std::uintptr_t address)
{
    const std::size_t page = (address - pools_.start) / os::kPageSize;
    // The last block that begins in this page may be the first that ends behind it.
    return find_between(address, first_in_page_[page],
                        std::min(std::size_t{first_in_page_[page + 1]} + 1, pooled_));
}

FoundBlock* BlockIndex::find_between(std::uintptr_t address, std::size_t first, std::size_t last)
{
    FoundBlock* const end = blocks_.all().data() + last;
    FoundBlock* const block = std::upper_bound(
        blocks_.all().data() + first, end, address,
        [](std::uintptr_t value, const FoundBlock& other) { return value < other.end(); });
    return block != end && address >= block->start ? block : nullptr;
}

bool BlockIndex::has_any_in(MemoryRange range) const
{
    const auto is_in = [range](std::span<const FoundBlock> part) {
        const auto first = std::ranges::upper_bound(part, range.start, {}, &FoundBlock::end);
        return first != part.end() && first->start < range.end;
    };
    return is_in(blocks_.all().subspan(0, pooled_)) || is_in(outside_pools());
}

} // namespace tarn
