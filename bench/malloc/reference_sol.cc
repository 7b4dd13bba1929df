// SPDX-License-Identifier: MIT
//
// Reference `sol`, the speed of light: the least that a general malloc with thread-local lists can
// do for blocks of up to 1 KiB. Per size class one list of free blocks in thread-local storage;
// free finds the class and the owning thread in a table indexed by address; each list counts its
// blocks. What a real allocator adds (slabs that become empty, limits, returning memory) is
// missing: memory once taken for a class stays with that class for ever.
//
// It is complete enough to run real programs, but is no allocator to use: calloc always clears,
// the 4096th living thread aborts, blocks freed by another thread go home one atomic each.
//
//   one reserved range      | granule 0 | granule 1 | ...     16 KiB each, handed out in order
//   descriptors[granule]      owner << 8 | class              of the blocks in that granule

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <sys/mman.h>

namespace {

constexpr std::size_t kGranuleBits = 14;
constexpr std::size_t kGranule = std::size_t{1} << kGranuleBits;
constexpr std::size_t kRange = std::size_t{1} << 38U; // 256 GiB of addresses
constexpr std::size_t kSmallSlab = 4 * kGranule;      // cut into blocks of up to 4 KiB
constexpr std::size_t kLargestInSlab = 4096;
constexpr std::size_t kMaxSmall = 1024;                 // classes in steps of 16 bytes up to here,
constexpr std::size_t kMaxSize = std::size_t{1} << 33U; // then eight per doubling up to here
constexpr std::size_t kSmallClasses = kMaxSmall / 16 + 1; // class 0 is never filled
constexpr std::size_t kClassCount = 256;
constexpr std::size_t kOwnerCount = 4096;

struct Block {
    Block* next;
};

struct Bin {
    Block* head;
    std::int64_t room; // the counter a real allocator needs to bound its cache
};

struct Slab {
    char* next;
    char* end;
};

/// What outlives a thread: its blocks stay under its number, and the next new thread takes both.
struct Owner {
    std::atomic<Block*> remote;
    Owner* next_idle;
    std::array<Bin, kClassCount> bins;
    std::array<Slab, kClassCount> slabs;
};

/// All zero is a heap whose every list misses; the slow path then finds an owner for the thread.
struct Heap {
    std::uint32_t self; // owner number << 8
    Owner* owner;
    std::array<Bin, kClassCount> bins;
};

[[gnu::tls_model("initial-exec")]] constinit thread_local Heap this_thread_heap{};

// Before the range exists its base lies above all user addresses: every pointer is foreign.
constinit std::uintptr_t range_base = std::uintptr_t{1} << 47U;
constinit std::array<std::uint32_t, kRange / kGranule> descriptors{};
constinit std::array<Owner, kOwnerCount> owners{};
constinit std::atomic<std::size_t> range_used{0};

// Guarded by state_lock.
constinit std::atomic_flag state_lock;
constinit Owner* idle_owners = nullptr;
constinit std::uint32_t owners_used = 1; // number 0 means: none
constinit pthread_key_t exit_key = 0;

class StateLock {
public:
    StateLock()
    {
        while (state_lock.test_and_set(std::memory_order_acquire)) {
        }
    }
    ~StateLock() { state_lock.clear(std::memory_order_release); }
    StateLock(const StateLock&) = delete;
    StateLock& operator=(const StateLock&) = delete;
};

/// The compiler would address thread-local arrays as %fs:(reg,reg,8), three times slower than an
/// address in a register: hence the empty asm, which makes it forget where the pointer is from.
inline Heap* current_heap()
{
    Heap* heap = &this_thread_heap;
    asm("" : "+r"(heap));
    return heap;
}

/// Requires: size <= kMaxSize.
inline std::size_t class_of(std::size_t size)
{
    if (size <= kMaxSmall) return (std::max<std::size_t>(size, 1) + 15) / 16;
    const std::size_t last = size - 1;
    const auto top_bit = static_cast<std::size_t>(std::bit_width(last)) - 1;
    return kSmallClasses + (top_bit - 10) * 8 + (last >> (top_bit - 3)) - 8;
}

inline std::size_t block_size(std::size_t size_class)
{
    if (size_class < kSmallClasses) return size_class * 16;
    const std::size_t step = size_class - kSmallClasses;
    return (step % 8 + 9) << (step / 8 + 7);
}

inline std::size_t granule_of(const void* block)
{
    return (reinterpret_cast<std::uintptr_t>(block) - range_base) >> kGranuleBits;
}

void release_owner(void* /*value*/)
{
    Heap* const heap = current_heap();
    Owner* const owner = heap->owner;
    owner->bins = heap->bins;
    *heap = Heap{};
    const StateLock lock;
    owner->next_idle = idle_owners;
    idle_owners = owner;
}

/// Requires: state_lock.
void reserve_range()
{
    void* const range = mmap(nullptr, kRange, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED || pthread_key_create(&exit_key, release_owner) != 0) std::abort();
    const auto start = reinterpret_cast<std::uintptr_t>(range);
    range_base = (start + kGranule - 1) / kGranule * kGranule;
}

void adopt_owner(Heap* heap)
{
    {
        const StateLock lock;
        if (owners_used == 1 && range_base == std::uintptr_t{1} << 47U) reserve_range();
        if (idle_owners != nullptr) {
            heap->owner = idle_owners;
            idle_owners = idle_owners->next_idle;
        } else {
            if (owners_used == kOwnerCount) std::abort();
            heap->owner = &owners[owners_used++];
        }
    }
    heap->bins = heap->owner->bins;
    heap->self = static_cast<std::uint32_t>(heap->owner - owners.data()) << 8U;
    pthread_setspecific(exit_key, heap);
}

/// Takes the next `size` bytes of the range, aligned, and describes them as blocks of one class.
char* take_run(Heap* heap, std::size_t size_class, std::size_t size, std::size_t alignment)
{
    const std::size_t slack = std::max(alignment, kGranule) - kGranule;
    const std::size_t bytes = (size + slack + kGranule - 1) / kGranule * kGranule;
    const std::size_t offset = range_used.fetch_add(bytes);
    if (offset + bytes > kRange - kGranule) return nullptr; // the range may begin in a granule
    const std::uintptr_t start = (range_base + offset + slack) & ~(slack + kGranule - 1);
    char* const run = reinterpret_cast<char*>(start);
    const std::size_t described = size <= kSmallSlab ? size : kGranule;
    for (std::size_t at = 0; at < described; at += kGranule)
        descriptors[granule_of(run + at)] = heap->self | static_cast<std::uint32_t>(size_class);
    return run;
}

void* carve(Heap* heap, std::size_t size_class)
{
    const std::size_t size = block_size(size_class);
    if (size > kLargestInSlab) return take_run(heap, size_class, size, kGranule);
    Slab& slab = heap->owner->slabs[size_class];
    if (slab.next == nullptr || slab.next + size > slab.end) {
        slab.next = take_run(heap, size_class, kSmallSlab, kGranule);
        if (slab.next == nullptr) return nullptr;
        slab.end = slab.next + kSmallSlab;
    }
    void* const block = slab.next;
    slab.next += size;
    return block;
}

void drain_remote(Heap* heap)
{
    Block* block = heap->owner->remote.exchange(nullptr, std::memory_order_acquire);
    while (block != nullptr) {
        Block* const next = block->next;
        Bin& bin = heap->bins[descriptors[granule_of(block)] & 0xFFU];
        block->next = bin.head;
        bin.head = block;
        block = next;
    }
}

[[gnu::noinline]] void* allocate_slow(std::size_t size)
{
    if (size > kMaxSize) {
        errno = ENOMEM;
        return nullptr;
    }
    Heap* const heap = current_heap();
    if (heap->self == 0) adopt_owner(heap);
    Bin& bin = heap->bins[class_of(size)];
    if (bin.head == nullptr) drain_remote(heap);
    if (bin.head == nullptr) {
        void* const block = carve(heap, class_of(size));
        if (block == nullptr) errno = ENOMEM;
        return block;
    }
    Block* const block = bin.head;
    bin.head = block->next;
    ++bin.room;
    return block;
}

[[gnu::noinline]] void free_slow(Block* block, std::size_t granule)
{
    if (granule >= kRange / kGranule || descriptors[granule] == 0) return; // NULL, or not ours
    std::atomic<Block*>& remote = owners[descriptors[granule] >> 8U].remote;
    block->next = remote.load(std::memory_order_relaxed);
    while (!remote.compare_exchange_weak(block->next, block, std::memory_order_release)) {
    }
}

std::size_t usable_size(void* block)
{
    const std::size_t granule = block == nullptr ? SIZE_MAX : granule_of(block);
    if (granule >= kRange / kGranule) return 0;
    return block_size(descriptors[granule] & 0xFFU);
}

void* allocate_aligned(std::size_t alignment, std::size_t size);

} // namespace

extern "C" {

#define BENCH_EXPORT [[gnu::visibility("default")]]

BENCH_EXPORT void* malloc(std::size_t size) noexcept
{
    if (size > kMaxSmall) [[unlikely]]
        return allocate_slow(size);
    Bin& bin = current_heap()->bins[(size + 15) / 16];
    Block* const block = bin.head;
    if (block == nullptr) [[unlikely]]
        return allocate_slow(size);
    bin.head = block->next;
    ++bin.room;
    return block;
}

BENCH_EXPORT void free(void* pointer) noexcept
{
    auto* const block = static_cast<Block*>(pointer);
    const std::size_t granule = granule_of(block);
    if (granule >= kRange / kGranule) [[unlikely]]
        return;
    Heap* const heap = current_heap();
    const std::uint32_t size_class = descriptors[granule] ^ heap->self;
    if (size_class >= kClassCount) [[unlikely]]
        return free_slow(block, granule);
    Bin& bin = heap->bins[size_class];
    --bin.room;
    block->next = bin.head;
    bin.head = block;
}

BENCH_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept
{
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return nullptr;
    }
    void* const block = malloc(bytes);
    if (block != nullptr) std::memset(block, 0, bytes);
    return block;
}

BENCH_EXPORT void* realloc(void* block, std::size_t size) noexcept
{
    if (block == nullptr) return malloc(size);
    if (size == 0) {
        free(block);
        return nullptr;
    }
    const std::size_t usable = usable_size(block);
    if (size <= usable) return block;
    void* const moved = malloc(size);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, usable);
    free(block);
    return moved;
}

BENCH_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept
{
    return allocate_aligned(alignment, size);
}

BENCH_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    return allocate_aligned(alignment, size);
}

BENCH_EXPORT int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept
{
    void* const block = allocate_aligned(alignment, size);
    if (block == nullptr) return ENOMEM;
    *result = block;
    return 0;
}

BENCH_EXPORT std::size_t malloc_usable_size(void* block) noexcept
{
    return usable_size(block);
}

} // extern "C"

namespace {

/// Slabs begin at a granule, so blocks of a power of two are aligned to their own size. Beyond a
/// granule the class's list may hold blocks of any alignment: those are looked at, then left.
void* allocate_aligned(std::size_t alignment, std::size_t size)
{
    if (alignment <= 16) return malloc(size);
    if (alignment <= kGranule) return malloc(std::bit_ceil(std::max(size, alignment)));
    if (size > kMaxSize / 2 || alignment > kMaxSize / 2) {
        errno = ENOMEM;
        return nullptr;
    }
    Heap* const heap = current_heap();
    if (heap->self == 0) adopt_owner(heap);
    const std::size_t size_class = class_of(std::max(size, alignment));
    Bin& bin = heap->bins[size_class];
    Block* const block = bin.head;
    if (block != nullptr && reinterpret_cast<std::uintptr_t>(block) % alignment == 0) {
        bin.head = block->next;
        ++bin.room;
        return block;
    }
    return take_run(heap, size_class, block_size(size_class), alignment);
}

} // namespace
