// SPDX-License-Identifier: MIT

#include "tracer/leak_scan.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/os/probe.h"
#include "tracer/arena.h"
#include "tracer/dead_stacks.h"
#include "tracer/own_code.h"
#include "tracer/process_maps.h"
#include "tracer/state_file.h"

namespace tarn {

namespace {

/// Below the stack pointer a leaf function may keep data. Source: System V ABI, AMD64, 3.2.2.
constexpr std::size_t kRedZone = 128;

/// Blocks from here on may have pages that were never touched.
constexpr std::size_t kLargeBlock = KiB(64);

std::uintptr_t address_of(const void* pointer)
{
    return reinterpret_cast<std::uintptr_t>(pointer);
}

std::uintptr_t page_end(const void* pointer)
{
    return round_up(address_of(pointer), os::kPageSize);
}

} // namespace

std::uint32_t LeakScan::number_of(const FoundBlock& block)
{
    return static_cast<std::uint32_t>(&block - index_.blocks().data());
}

void LeakScan::push(FoundBlock& block)
{
    if (!pending_.push_back(number_of(block))) out_of_memory_ = true;
}

/// Whether who has this pointer has the block.
bool LeakScan::holds(const FoundBlock& block, std::uintptr_t pointer) const
{
    return pointer == block.start ||
           interior_pointers_.hold({block.start, block.start + block.size}, pointer,
                                   unreadable_.all().empty());
}

/// What a word says that may be a pointer.
void LeakScan::scan_word(std::uintptr_t word)
{
    FoundBlock* const block = index_.find(word);
    if (block == nullptr) return;
    if (lost_ != nullptr) {
        if (block->reach != Reach::lost || block == lost_) return;
        // One that counted as lost itself takes along what was lost with it.
        const LostWith own = block < lost_ ? lost_with(*block) : LostWith{};
        block->reach = Reach::indirect;
        leads_to_[number_of(*block)] = number_of(*lost_);
        with_.bytes += block->size + own.bytes;
        with_.count += 1 + own.count;
        push(*block);
    } else if (block->reach == Reach::reachable) {
        return;
    } else if (from_reachable_ && holds(*block, word)) {
        block->reach = Reach::reachable;
        push(*block);
    } else if (block->reach == Reach::lost) {
        block->reach = Reach::possible;
        push(*block);
    }
}

void LeakScan::scan_words(MemoryRange range)
{
    constexpr std::size_t kWord = sizeof(std::uintptr_t);
    scanned_ += range.size();
    const auto* word = reinterpret_cast<const std::uintptr_t*>(round_up(range.start, kWord));
    const auto* const end = reinterpret_cast<const std::uintptr_t*>(range.end & ~(kWord - 1));
    for (; word < end; ++word)
        scan_word(*word);
}

/// For mappings of files, which may end before the mapping does: reading there is SIGBUS.
void LeakScan::scan_copied(MemoryRange range)
{
    alignas(std::uintptr_t) std::array<std::byte, os::kPageSize> page;
    for (std::uintptr_t at = range.start; at < range.end; at += page.size()) {
        const std::size_t size = std::min(page.size(), range.end - at);
        if (!os::read_memory(at, page.data(), size)) continue;
        scan_words({address_of(page.data()), address_of(page.data()) + size});
    }
}

void LeakScan::scan_present(MemoryRange range, bool is_file)
{
    PresentPages pages;
    for (;;) {
        bool is_sure = false;
        const MemoryRange run = pages.first_run(range, is_sure);
        if (run.start >= run.end) return;
        is_sure && !is_file ? scan_words(run) : scan_copied(run);
        range.start = run.end;
    }
}

/// Scans what of `range` is not excluded.
void LeakScan::scan_mapping(MemoryRange range, bool is_file)
{
    const std::span<const MemoryRange> excluded = excluded_.all();
    const auto* next =
        std::ranges::upper_bound(excluded, range.start, {}, &MemoryRange::end).base();
    for (; next != excluded.data() + excluded.size() && next->start < range.end; ++next) {
        if (next->start > range.start) scan_present({range.start, next->start}, is_file);
        range.start = std::max(range.start, next->end);
        if (range.start >= range.end) return;
    }
    scan_present(range, is_file);
}

void LeakScan::exclude(MemoryRange range)
{
    if (range.start < range.end && !excluded_.push_back(range)) out_of_memory_ = true;
}

/// A program may protect pages of its blocks: the guard page of a stack that it allocated. A copy
/// of the process has none of those that are not to be copied (MADV_DONTFORK).
void LeakScan::list_unreadable()
{
    MapsReader maps;
    Mapping mapping;
    MemoryRange hidden{};
    while (maps.next(mapping)) {
        hidden.end = mapping.readable ? mapping.range.start : mapping.range.end;
        if (hidden.size() != 0 && index_.has_any_in(hidden) && !unreadable_.push_back(hidden))
            out_of_memory_ = true;
        hidden.start = mapping.range.end;
    }
}

/// What is no root: the allocator's memory and ours, and blocks, which count once they are reached.
void LeakScan::list_excluded(const HeapView& heap, std::uintptr_t own_stack_top)
{
    std::array<MemoryRange, 16> own;
    const std::size_t count = heap.own_memory(own);
    for (std::size_t i = 0; i < count; ++i)
        exclude(own[i]);
    for (const FoundBlock& block : index_.outside_pools())
        exclude({block.start, block.end()});
    exclude(index_.memory());
    exclude(unreadable_.memory());
    exclude(stopped_.memory());
    exclude(own_code());
    exclude(arena.range());
    exclude(state_file.range());
    // The stack that we run on: its frames are full of addresses of blocks.
    exclude({own_stack_top - kScanStack, own_stack_top});
    if (hold_stack_top_ != own_stack_top) exclude({hold_stack_top_ - kScanStack, hold_stack_top_});
    // This list itself, too; it may move once more when it grows.
    exclude({own_stack_top, own_stack_top + 1});
    if (out_of_memory_) return;
    excluded_[excluded_.size() - 1] = excluded_.memory();
    std::ranges::sort(excluded_.all(), {}, &MemoryRange::start);
}

void LeakScan::scan_thread(const std::array<std::uintptr_t, 32>& registers,
                           std::uintptr_t stack_point)
{
    for (const std::uintptr_t word : registers)
        scan_word(word);
    // A stack that lies in a block of the heap, as of a coroutine, is no mapping of its own.
    const FoundBlock* const block = index_.find(stack_point);
    if (block != nullptr) scan_in_block({stack_point, block->end()});
}

/// Where the part of a stack begins that is in use. `range`: its mapping.
std::uintptr_t LeakScan::stack_in_use(MemoryRange range, const CallerState& caller)
{
    std::uintptr_t lowest = range.end;
    const auto consider = [&](std::uintptr_t point) {
        if (range.contains(point)) lowest = std::min(lowest, point);
    };
    consider(caller.stack_point);
    for (const StoppedThread& thread : stopped_.threads())
        consider(thread.stack_point);
    if (lowest < range.end) return std::max(range.start, lowest - kRedZone);
    if (unstopped_ != 0) return range.start;
    return std::max(range.start, dead_stacks.end_of_those_in(
                                     range, [&](std::uintptr_t block) { scan_word(block); }));
}

void LeakScan::scan_roots(const CallerState& caller)
{
    scan_thread(caller.registers, caller.stack_point);
    for (const StoppedThread& thread : stopped_.threads()) {
        scan_thread(thread.registers, thread.stack_point);
        if (thread.stack_point == 0 && !thread.ended) ++unstopped_;
    }
    MapsReader maps;
    Mapping mapping;
    std::uintptr_t guard_end = 0; // of the last mapping, if nothing can be read there
    while (maps.next(mapping)) {
        const bool is_stack = mapping.name == "[stack]" || mapping.range.start == guard_end;
        guard_end = mapping.readable ? 0 : mapping.range.end;
        const bool is_data = mapping.readable && mapping.writable && !mapping.shared;
        if (!is_data || has_prefix(mapping.name, "/dev/")) continue;
        if (is_stack) mapping.range.start = stack_in_use(mapping.range, caller);
        scan_mapping(mapping.range, has_prefix(mapping.name, "/"));
    }
}

/// What the program has said of roots: ranges, and blocks that are to count as reached.
void LeakScan::scan_chosen_roots()
{
    for (const MemoryRange& range : chosen_roots.all())
        if (range.start < range.end) scan_copied(range);
    for (FoundBlock& block : index_.blocks()) {
        if (!block.is_ignored()) continue;
        block.reach = Reach::reachable;
        push(block);
    }
}

void LeakScan::scan_readable(MemoryRange range)
{
    range.size() >= kLargeBlock ? scan_present(range, false) : scan_words(range);
}

void LeakScan::scan_in_block(MemoryRange range)
{
    const std::span<const MemoryRange> holes = unreadable_.all();
    auto hole = std::ranges::upper_bound(holes, range.start, {}, &MemoryRange::end);
    for (; hole != holes.end() && hole->start < range.end; ++hole) {
        if (range.start < hole->start) scan_readable({range.start, hole->start});
        range.start = hole->end;
    }
    if (range.start < range.end) scan_readable(range);
}

void LeakScan::scan_block(const FoundBlock& block)
{
    scan_in_block({block.start, block.end()});
}

void LeakScan::follow()
{
    while (!pending_.empty()) {
        const FoundBlock& block = index_.blocks()[pending_.pop_back()];
        from_reachable_ = block.reach == Reach::reachable;
        scan_block(block);
    }
    from_reachable_ = true;
}

void LeakScan::follow_lost()
{
    const std::span<FoundBlock> blocks = index_.blocks();
    if (!leads_to_.resize(blocks.size())) out_of_memory_ = true;
    for (std::size_t number = 0; number < blocks.size() && !out_of_memory_; ++number) {
        if (blocks[number].reach != Reach::lost) continue;
        lost_ = &blocks[number];
        with_ = {.block = static_cast<std::uint32_t>(number), .count = 0, .bytes = 0};
        scan_block(*lost_);
        while (!pending_.empty())
            scan_block(blocks[pending_.pop_back()]);
        if (with_.count != 0 && !lost_with_.push_back(with_)) out_of_memory_ = true;
    }
    lost_ = nullptr;
}

LostWith LeakScan::lost_with(const FoundBlock& block)
{
    const std::uint32_t number = number_of(block);
    const std::span<LostWith> all = lost_with_.all();
    const auto found = std::ranges::lower_bound(all, number, {}, &LostWith::block);
    if (found == all.end() || found->block != number)
        return {.block = number, .count = 0, .bytes = 0};
    return *found;
}

const FoundBlock& LeakScan::lost_root(const FoundBlock& block)
{
    const std::span<FoundBlock> blocks = index_.blocks();
    std::uint32_t root = number_of(block);
    while (blocks[root].reach == Reach::indirect) {
        // The way is made shorter: that of a list may be as long as the list.
        const std::uint32_t next = leads_to_[root];
        if (blocks[next].reach == Reach::indirect) leads_to_[root] = leads_to_[next];
        root = next;
    }
    return blocks[root];
}

const char* LeakScan::hold(const HeapView& heap)
{
    if (!heap.hold()) return "a thread that does not come out of malloc";
    hold_stack_top_ = page_end(__builtin_frame_address(0));
    if (stopped_.stop()) return nullptr;
    release(heap);
    return "no real-time signal, or no /proc/self/task";
}

void LeakScan::release(const HeapView& heap)
{
    stopped_.resume();
    heap.release();
    hold_stack_top_ = 0;
}

const char* LeakScan::run(const HeapView& heap, const CallerState& caller, std::uint32_t since)
{
    const std::uintptr_t own_stack_top = page_end(__builtin_frame_address(0));
    if (hold_stack_top_ == 0)
        if (const char* const problem = hold(heap)) return problem;
    if (!index_.build(heap, since)) {
        out_of_memory_ = true;
    } else {
        list_unreadable();
        if (!interior_pointers_.find_functions()) out_of_memory_ = true;
        list_excluded(heap, own_stack_top);
        scan_roots(caller);
        scan_chosen_roots();
        follow();
        follow_lost();
    }
    release(heap);
    return out_of_memory_ ? "no memory for it" : nullptr;
}

} // namespace tarn
