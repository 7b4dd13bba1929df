// SPDX-License-Identifier: MIT
//
// Thread cache: one bin of free blocks per size class, in the thread's static TLS.
//
// malloc pops, free pushes; nothing else of the heap is touched as long as that works. All zero is
// a valid empty cache whose every operation takes the slow path, which sets it up: no constructor,
// no "initialised?" test. The modes of later tools ride on the same two misses.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "src/heap/address_range.h"
#include "src/heap/slab.h"

namespace tarn {

class Heap;

/// What a pop adds to and a push subtracts from Bin::account. One addition keeps two counts:
///
///      account = room * 2^30 + pushes since it was last read
///
/// where room is how many more blocks the bin takes. It goes below zero exactly when a push finds
/// no room, and the number of pushes falls out for nothing. Exact for up to 2^30 pushes between
/// two visits to the slow path; Heap::harvest() has the rest.
inline constexpr std::int64_t kRoomUnit = std::int64_t{1} << 30;
inline constexpr std::int64_t kPopStep = kRoomUnit;
inline constexpr std::int64_t kPushStep = kRoomUnit - 1;

struct Bin {
    FreeBlock* head;      // last in, first out: the block most likely still in the CPU's cache
    std::int64_t account; // see kRoomUnit

    std::int64_t room() const { return account >> 30; }
    std::int64_t pushes() const { return account & (kRoomUnit - 1); }
};

/// Blocks of one slab of another thread's, collected until they are worth an atomic operation.
struct RemoteBatch {
    FreeBlock* newest;   // links to the one freed before it, the oldest to none
    std::uint32_t key;   // the slab's first granule plus one; 0: unused
    std::uint16_t count; // blocks
    std::uint16_t tail;  // number of the oldest in the slab
};

inline constexpr std::size_t kRemoteBatches = 32;

/// Where the bins begin that take what is freed when that is kept apart, see sampled.h.
inline constexpr std::size_t kFreedBins = 128;

struct ThreadCache {
    std::array<Bin, kSizeClassCount> bins; // first, to be addressed without an offset
    Descriptor self; // owner id << 8: descriptor ^ self is the bin of own blocks
    bool busy;       // inside a slow path; fork() waits, signal handlers step aside
    bool exited;     // the thread's exit hook has run
    Heap* heap;      // null before the first slow path and after the exit hook
    // Address space only: 3000 sleeping threads take 20.96 KiB each, with these bins and without
    // (measured 2026-11-22).
    std::array<std::byte, 224> unused;
    std::array<Bin, kSizeClassCount> freed;
    std::array<RemoteBatch, kRemoteBatches> remote;
};
static_assert(offsetof(ThreadCache, freed) == kFreedBins * sizeof(Bin));

// initial-exec: the default model calls __tls_get_addr(), which may itself call malloc().
[[gnu::tls_model("initial-exec")]] inline constinit thread_local ThreadCache thread_cache{};

/// The calling thread's cache.
inline ThreadCache& this_thread_cache()
{
    ThreadCache* cache = &thread_cache;
    // Keeps the compiler from indexing off %fs, which is three times as slow as first taking the
    // address into a register. Source: design/performance.md 0.6, measured.
    asm("" : "+r"(cache));
    return *cache;
}

/// The bin of class `index`, or of what is freed of class `index - kFreedBins`.
inline Bin& bin_at(ThreadCache& cache, std::size_t index)
{
    return reinterpret_cast<Bin*>(&cache)[index];
}

/// Takes a block of class `index`, or returns nullptr when the bin is empty.
inline void* pop(ThreadCache& cache, std::size_t index)
{
    Bin& bin = cache.bins[index];
    FreeBlock* const block = bin.head;
    if (block == nullptr) [[unlikely]]
        return nullptr;
    bin.head = block->next;
    bin.account += kPopStep;
    return block;
}

/// Puts a block into the bin with the number `index`. False when there is no room; nothing is
/// changed but the account, which the slow path puts right.
inline bool push(ThreadCache& cache, std::size_t index, void* address)
{
    Bin& bin = bin_at(cache, index);
    bin.account -= kPushStep;
    if (bin.account < 0) [[unlikely]]
        return false;
    auto* const block = static_cast<FreeBlock*>(address);
    block->next = bin.head;
    bin.head = block;
    return true;
}

} // namespace tarn
