// SPDX-License-Identifier: MIT
//
// Which blocks the program can still reach: a conservative scan, as a garbage collector would do
// it, of registers, stacks, writable data, and of the blocks found from there.
//
// The classes are Valgrind's (Memcheck manual, 4.2.8 "Memory leak detection"):
//
//      reachable    a pointer to its start, in a chain of such pointers from a root
//      possible     reached, but only by way of a pointer into the middle of a block
//      indirect     reached from a lost block only
//      lost         not reached from anywhere (of a ring of blocks: one of them)

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "src/base/heap_view.h"
#include "src/base/observer.h"
#include "src/base/units.h"
#include "src/os/mutex.h"
#include "tracer/caller_state.h"
#include "tracer/interior_pointers.h"
#include "tracer/mapped_array.h"
#include "tracer/stopped_threads.h"

namespace tarn {

enum class Reach : std::uint8_t { lost, indirect, possible, reachable };
inline constexpr std::size_t kReachCount = 4;

/// 16 bytes each: there may be more memory in these than in the blocks. Addresses of a program have
/// 47 bits, unless it asks for more.
struct FoundBlock {
    std::uint64_t start : 48;
    std::uint64_t trace_high : 16;
    std::uint64_t size : 46; // bytes
    Reach reach : 2;
    std::uint64_t trace_low : 16;

    /// See BlockNote.
    std::uint32_t trace() const { return note() & ~(kIgnored | kOld); }
    bool is_ignored() const { return (note() & kIgnored) != 0; }
    /// Allocated before what LeakScan::run() was told.
    bool is_old() const { return (note() & kOld) != 0; }
    /// A bit of its note that no trace has.
    static constexpr std::uint32_t kOld = std::uint32_t{1} << 30U;

    /// An empty one is found by its address, too.
    std::uintptr_t end() const { return start + (size != 0 ? size : 1); }

private:
    std::uint32_t note() const { return static_cast<std::uint32_t>(trace_high << 16U | trace_low); }
};
static_assert(sizeof(FoundBlock) == 16);

/// What is lost together with a lost block.
struct LostWith {
    std::uint32_t block; // its number
    std::uint32_t count; // blocks
    std::uint64_t bytes;
};

/// Blocks by address.
class BlockIndex {
public:
    /// Errors: false, no memory.
    bool build(const HeapView& heap, std::uint32_t since);

    /// The block that contains `address`, or nullptr. Cost: 5 to 20 ns, 1 ns for a word that is no
    /// address of the heap.
    FoundBlock* find(std::uintptr_t address)
    {
        if (!hull_.contains(address)) return nullptr;
        if (pools_.contains(address)) return find_pooled(address);
        return find_between(address, pooled_, blocks_.size());
    }

    /// Whether some block lies in the range, at least in part.
    bool has_any_in(MemoryRange range) const;

    std::span<FoundBlock> blocks() { return blocks_.all(); }
    /// Where it keeps them: full of their addresses.
    MemoryRange memory() const { return blocks_.memory(); }
    /// All that lie in the pools, which are listed first.
    MemoryRange pools() const { return pools_; }
    std::span<const FoundBlock> outside_pools() const { return blocks_.all().subspan(pooled_); }

private:
    FoundBlock* find_pooled(std::uintptr_t address);
    FoundBlock* find_between(std::uintptr_t address, std::size_t first, std::size_t last);

    MappedArray<FoundBlock> blocks_; // pooled ones first, each part in order of address
    MappedArray<std::uint32_t>
        first_in_page_; // first pooled block that ends behind the page's start
    std::size_t pooled_ = 0;
    MemoryRange pools_{};
    MemoryRange hull_{};
};

/// Bytes of the stack that LeakScan::run() has to be called on, see os::call_on_own_stack().
inline constexpr std::size_t kScanStack = KiB(256);

/// Memory that the program wants to be searched, though it is no root by itself: shared, or
/// allocated by other means. Thread safety: any thread.
class ChosenRoots {
public:
    /// False: there are too many.
    bool add(MemoryRange range)
    {
        const os::LockGuard guard(mutex_);
        const auto free = std::ranges::find(all_, std::uintptr_t{0}, &MemoryRange::end);
        if (free == all_.end()) return false;
        *free = range;
        return true;
    }
    void remove(MemoryRange range)
    {
        const os::LockGuard guard(mutex_);
        for (MemoryRange& known : all_)
            if (known.start == range.start && known.end == range.end) {
                known = {};
                return;
            }
    }
    std::span<const MemoryRange> all() const { return all_; }

private:
    std::array<MemoryRange, 256> all_{};
    os::Mutex mutex_; // for changes
};

inline constinit ChosenRoots chosen_roots;

class LeakScan {
public:
    /// Stops all threads until run() or release(). To be called first thing on a stack of
    /// kScanStack bytes, as run(), which may be called on another one, in a copy of the process.
    /// Errors: why it cannot be done. Else nullptr.
    const char* hold(const HeapView& heap);
    void release(const HeapView& heap);

    /// Holds all threads, unless that is done, finds out, and lets them run again. Blocks that were
    /// born before `since` are old. Errors as those of hold().
    const char* run(const HeapView& heap, const CallerState& caller, std::uint32_t since = 0);

    std::span<const FoundBlock> blocks() { return index_.blocks(); }
    /// Of a block that is lost.
    LostWith lost_with(const FoundBlock& block);
    /// Of a block that is lost with others: the one that nothing leads to.
    const FoundBlock& lost_root(const FoundBlock& block);
    /// Threads whose stack was scanned to its end because they could not be stopped.
    std::size_t unstopped() const { return unstopped_; }
    std::size_t scanned() const { return scanned_; } // bytes

private:
    void exclude(MemoryRange range);
    void list_unreadable();
    void list_excluded(const HeapView& heap, std::uintptr_t own_stack_top);
    void scan_roots(const CallerState& caller);
    void scan_chosen_roots();
    void scan_thread(const std::array<std::uintptr_t, 32>& registers, std::uintptr_t stack_point);
    std::uintptr_t stack_in_use(MemoryRange range, const CallerState& caller);
    void scan_mapping(MemoryRange range, bool is_file);
    void scan_present(MemoryRange range, bool is_file);
    void scan_copied(MemoryRange range);
    void scan_words(MemoryRange range);
    void scan_word(std::uintptr_t word);
    void scan_block(const FoundBlock& block);
    void scan_in_block(MemoryRange range);
    void scan_readable(MemoryRange range);
    void follow();
    void follow_lost();
    std::uint32_t number_of(const FoundBlock& block);
    void push(FoundBlock& block);
    bool holds(const FoundBlock& block, std::uintptr_t pointer) const;

    BlockIndex index_;
    StoppedThreads stopped_;
    InteriorPointers interior_pointers_;
    MappedArray<MemoryRange> excluded_;   // in order of address
    MappedArray<MemoryRange> unreadable_; // parts of blocks, in order of address
    MappedArray<std::uint32_t> pending_;  // numbers of blocks
    MappedArray<LostWith> lost_with_;     // in order of block, those that lost something
    MappedArray<std::uint32_t> leads_to_; // of each block that is lost with others: which to
    const FoundBlock* lost_ = nullptr;    // the one whose belongings are looked for
    LostWith with_{};                     // these
    bool from_reachable_ = true;          // what is being scanned is reached itself
    bool out_of_memory_ = false;
    std::uintptr_t hold_stack_top_ = 0; // of the stack that hold() was called on; 0: not held
    std::size_t unstopped_ = 0;
    std::size_t scanned_ = 0;
};

} // namespace tarn
