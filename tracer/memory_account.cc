// SPDX-License-Identifier: MIT

#include "tracer/memory_account.h"

#include <algorithm>
#include <array>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/memory.h"
#include "tracer/arena.h"
#include "tracer/process_maps.h"
#include "tracer/resident_pages.h"
#include "tracer/sites.h"
#include "tracer/stopped_threads.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

std::size_t site_of(std::uint32_t trace)
{
    const TraceId own = trace & ~kIgnored;
    return own != kNoTrace ? stack_trie.tag(own) : 0;
}

/// What the visitors take along.
struct Walk {
    SlabAccount account;
    ResidentPages& page_map;
    MappedArray<MemoryRegion>& regions;
    bool has_room; // for these

    void add(const MemoryRegion& region)
    {
        if (region.range.size() != 0) has_room = has_room && regions.push_back(region);
    }
};

void visit_slab(void* context, const SlabView& slab)
{
    auto& walk = *static_cast<Walk*>(context);
    walk.account.add(slab, walk.page_map.pages_in(slab.memory));
}

void visit_large(void* context, LiveBlock block)
{
    static_cast<Walk*>(context)->add(
        {.range = {block.start, round_up(block.start + block.size, os::kPageSize)},
         .kind = MemoryRegion::Kind::block,
         .size = block.size});
}

MemoryRegion::Kind kind_of(MemoryUse use)
{
    using Kind = MemoryRegion::Kind;
    switch (use) {
    case MemoryUse::pools:
        return Kind::pools;
    case MemoryUse::large:
        return Kind::large;
    case MemoryUse::kept:
        return Kind::kept;
    case MemoryUse::records:
        return Kind::records;
    case MemoryUse::notes:
        return Kind::tables;
    case MemoryUse::thread:
        break;
    }
    return Kind::thread;
}

void visit_memory(void* context, MemoryRange range, MemoryUse use)
{
    static_cast<Walk*>(context)->add({.range = range, .kind = kind_of(use), .size = 0});
}

bool is_file(std::string_view name)
{
    return has_prefix(name, "/") || has_prefix(name, "[v"); // [vdso], [vvar]
}

/// The mappings, one after the other, with what of each is known to be for something.
class Mappings {
public:
    Mappings(std::span<const MemoryRegion> regions, ResidentPages& page_map, MemoryShares& shares)
        : regions_(regions), page_map_(page_map), shares_(shares)
    {}

    /// Errors: false, they cannot be read.
    bool read()
    {
        ResidentReader reader;
        Mapping mapping;
        std::size_t resident = 0;
        while (reader.next(mapping, resident))
            if (resident != 0) add(mapping, resident);
        return shares_.sum() != 0;
    }

    /// Of the pools, in slabs or not.
    std::uint64_t pooled() const { return pooled_; }

private:
    void add(const Mapping& mapping, std::uint64_t resident)
    {
        const auto first = std::ranges::find_if(
            regions_.begin() + next_, regions_.end(),
            [&](const MemoryRegion& region) { return region.range.end > mapping.range.start; });
        next_ = first - regions_.begin();
        bool is_stack = mapping.name == "[stack]";
        std::uint64_t rest = resident;
        for (auto region = first;
             region != regions_.end() && region->range.start < mapping.range.end; ++region) {
            if (region->kind == MemoryRegion::Kind::thread) {
                is_stack = true;
                continue;
            }
            const MemoryRange part{.start = std::max(region->range.start, mapping.range.start),
                                   .end = std::min(region->range.end, mapping.range.end)};
            // Pages that were only ever read seem to have memory: one page of zeros for all of
            // them.
            const std::uint64_t found = std::min<std::uint64_t>(page_map_.resident_in(part), rest);
            add_part(*region, found);
            rest -= found;
        }
        (is_file(mapping.name) ? shares_.files : is_stack ? shares_.stacks : shares_.other) += rest;
    }

    void add_part(const MemoryRegion& region, std::uint64_t resident)
    {
        using Kind = MemoryRegion::Kind;
        switch (region.kind) {
        case Kind::pools:
            pooled_ += resident;
            return;
        case Kind::block: {
            // Its last page is rarely used to the end.
            const std::uint64_t rounding = std::min(region.range.size() - region.size, resident);
            shares_.rounding += rounding;
            shares_.used += resident - rounding;
            shares_.untouched += region.size - (resident - rounding);
            return;
        }
        case Kind::large:
            shares_.large += resident;
            return;
        case Kind::kept:
            shares_.kept += resident;
            return;
        case Kind::records:
            shares_.records += resident;
            return;
        case Kind::tables:
            shares_.tables += resident;
            return;
        case Kind::thread:
            return;
        }
    }

    std::span<const MemoryRegion> regions_;
    ResidentPages& page_map_;
    MemoryShares& shares_;
    std::ptrdiff_t next_ = 0; // the first region that does not end before the next mapping
    std::uint64_t pooled_ = 0;
};

} // namespace

const char* MemoryAccount::measure(const HeapView& heap, bool is_sampled)
{
    const std::uint64_t rounding = heap.totals().rounding;
    if (!heap.hold()) return "a thread does not come out of malloc";
    const char* problem = nullptr;
    {
        StoppedThreads stopped;
        if (is_sampled && !stopped.stop())
            problem = "no real-time signal, or no /proc/self/task";
        else
            problem = measure_held(heap, is_sampled);
    }
    heap.release();
    if (problem != nullptr) {
        shares_ = {};
        sparse_ = {};
        places_.resize(0);
    } else if (is_sampled) {
        const std::uint64_t estimate = std::min(rounding, shares_.used);
        shares_.used -= estimate;
        shares_.rounding += estimate;
    }
    return problem;
}

const char* MemoryAccount::measure_held(const HeapView& heap, bool is_sampled)
{
    constexpr const char* kNoMemory = "no memory for it";
    ResidentPages page_map;
    if (!page_map.is_readable()) return "/proc/self/pagemap cannot be read";
    // Blocks of a sample lie apart from those that they stand for: they keep nothing.
    if (!is_sampled && !places_.resize(site_table.size() + 1)) return kNoMemory;
    Walk walk{.account = SlabAccount(places_.all(), site_of),
              .page_map = page_map,
              .regions = regions_,
              .has_room = true};
    if (!heap.for_each_slab(visit_slab, visit_large, &walk)) return kNoMemory;
    heap.for_each_memory(visit_memory, &walk);
    for (const MemoryRange& range : {arena.range(), places_.memory()})
        walk.add({.range = range, .kind = MemoryRegion::Kind::tables, .size = 0});
    if (!walk.has_room) return kNoMemory;
    std::ranges::sort(regions_.all(), {},
                      [](const MemoryRegion& region) { return region.range.start; });

    shares_ = walk.account.shares();
    sparse_ = walk.account.sparse();
    const std::uint64_t in_slabs = shares_.sum();
    Mappings mappings(regions_.all(), page_map, shares_);
    if (!mappings.read()) return "/proc/self/smaps cannot be read";
    // Of a slab, too, some pages may have been read only.
    const std::uint64_t pooled = mappings.pooled();
    const std::uint64_t zeros = std::min(in_slabs - std::min(in_slabs, pooled), shares_.used);
    shares_.kept += pooled - std::min(pooled, in_slabs);
    shares_.used -= zeros;
    shares_.untouched += zeros;
    return nullptr;
}

} // namespace tarn
