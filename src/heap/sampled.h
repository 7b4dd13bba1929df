// SPDX-License-Identifier: MIT
//
// Sampled mode: an observer hears of one block in `settings.sample_period` bytes, and nothing else
// is slower than without.
//
// The fast paths are the same in every mode. To meet an allocation that was chosen beforehand,
// malloc must miss at that one, and a bin that is refilled by what is freed may never miss again.
// So a sampled heap keeps apart what is freed:
//
//      malloc pops from bins[c]                  at most as many blocks as are left until the next
//                                                sample of class c: the miss behind them is it
//      free pushes to freed[c] = bins[128 + c]   because the thread's `self` has that bit set, and
//                                                free takes descriptor ^ self for the bin
//      a miss takes freed[c] for the next bins[c], or blocks of the heap's own bins, which lie
//      where malloc does not look, as those of an observed heap do
//
// With `settings.guards` there is no observer; one block in `sample_period` is theirs.
//
// Blocks of the sample come from a heap that is no thread's, so that their free misses, too. Sums
// of Poisson processes are Poisson processes: each class and thread has its own countdown.
// Source: design/debugging.md 4.6.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "src/base/observer.h"
#include "src/heap/sampler.h"
#include "src/heap/settings.h"
#include "src/heap/size_class.h"
#include "src/heap/slab.h"
#include "src/os/mutex.h"

namespace tarn {

class Heap;

inline bool is_sampling()
{
    return settings.sample_period != 0;
}

/// Free blocks, linked.
struct BlockList {
    FreeBlock* first;
    FreeBlock* last;
    std::uint32_t count;
};

/// What a heap knows of its sample. All zero is a valid state.
struct ClassSample {
    std::uint64_t left;   // blocks until the next one of the sample, plus 1; 0: not drawn yet
    std::uint32_t loaded; // blocks last given to bins[c]
};
struct HeapSample {
    Sampler sampler;
    bool is_seeded;
    std::array<ClassSample, kSizeClassCount> classes;
};

/// Blocks that bins[c] and freed[c] of a sampled heap hold at most: enough for a miss to be rare,
/// little enough to stay in the CPU's cache.
constexpr std::uint32_t most_split_blocks(std::size_t size)
{
    return static_cast<std::uint32_t>(std::clamp(KiB(64) / size, std::size_t{1}, std::size_t{128}));
}

/// The heap that blocks of the sample come from. Thread safety: any thread, on a slow path.
class SampleHeap {
public:
    /// Without one, there is no sample.
    void initialise();

    /// Errors: nullptr, no memory.
    void* allocate(SizeClass size_class, std::size_t size);
    void deallocate(SizeClass size_class, FreeBlock* block);

    void trim();
    /// In a child of fork(), where nobody holds the lock.
    void reset_lock() { mutex_.reset(); }
    /// As Heap::verify().
    void verify();

    bool owns(const void* block) const;
    /// 0: there is none.
    std::uint32_t id() const { return id_; }

    /// Sampler of blocks that are no heap's.
    bool choose_large(std::size_t size);
    /// What a block of the sample stands for.
    std::uint32_t weigh(std::size_t size);

private:
    os::Mutex mutex_;
    Heap* heap_ = nullptr;
    std::uint32_t id_ = 0;
    Sampler sampler_; // guarded by mutex_
};

extern constinit SampleHeap sample_heap;

} // namespace tarn
