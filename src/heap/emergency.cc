// SPDX-License-Identifier: MIT

#include "src/heap/emergency.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "src/base/units.h"
#include "src/heap/size_class.h"
#include "src/os/memory.h"

namespace tarn::emergency {

namespace {

/// In front of each block: this arena has no slabs from which its size could be told.
struct alignas(kMinAlignment) Header {
    std::size_t size;
    std::uint32_t begin; // of what was taken of the region, header and padding included; offsets
    std::uint32_t end;
};

struct Region {
    std::atomic<std::byte*> start{nullptr};
    std::atomic<std::size_t> used{0};
    std::atomic<std::size_t> size{0};
};

constexpr std::size_t kRegionSize = MiB(1);
/// Of a block, and of its alignment: regions are far smaller than Header can say.
constexpr std::size_t kMost = MiB(512);

constinit std::array<Region, 256> regions{};
constinit std::atomic<std::size_t> handed_out{0};

/// Maps the region if nobody has; false when the system has no memory.
bool prepare(Region& region, std::size_t size)
{
    if (region.start.load(std::memory_order_acquire) != nullptr) return true;
    if (region.used.load(std::memory_order_acquire) != 0) return true; // on its way out
    auto* const memory = static_cast<std::byte*>(os::map(size, os::kPageSize));
    if (memory == nullptr) return false;
    std::size_t no_size = 0;
    std::byte* nobody = nullptr;
    // The size first: whoever sees the start may use it.
    if (!region.size.compare_exchange_strong(no_size, size) ||
        !region.start.compare_exchange_strong(nobody, memory, std::memory_order_release))
        os::unmap(memory, size);
    return region.start.load(std::memory_order_acquire) != nullptr;
}

void* take(Region& region, std::size_t size, std::size_t alignment)
{
    // A region made for one large block is given to one block, of whatever size.
    const std::size_t region_size = region.size.load(std::memory_order_relaxed);
    const std::size_t needed =
        region_size > kRegionSize ? region_size : size + sizeof(Header) + alignment;
    if (needed < size) return nullptr;
    std::size_t at = region.used.load(std::memory_order_relaxed);
    do {
        if (at + needed > region_size) return nullptr;
    } while (!region.used.compare_exchange_weak(at, at + needed, std::memory_order_relaxed));
    std::byte* const start = region.start.load(std::memory_order_relaxed) + at;
    const std::size_t block =
        round_up(reinterpret_cast<std::uintptr_t>(start) + sizeof(Header), alignment);
    reinterpret_cast<Header*>(block)[-1] = {size, static_cast<std::uint32_t>(at),
                                            static_cast<std::uint32_t>(at + needed)};
    handed_out.fetch_add(size, std::memory_order_relaxed);
    return reinterpret_cast<void*>(block);
}

} // namespace

void* allocate(std::size_t size, std::size_t alignment)
{
    alignment = std::max(alignment, kMinAlignment);
    if (size > kMost || alignment > kMost) return nullptr;
    size = round_up(std::max(size, std::size_t{1}), kMinAlignment);
    const std::size_t region_size =
        std::max(kRegionSize, round_up(size + sizeof(Header) + alignment, os::kPageSize));
    for (Region& region : regions) {
        if (!prepare(region, region_size)) return nullptr;
        if (void* const block = take(region, size, alignment)) return block;
    }
    return nullptr;
}

namespace {

Region* region_of(const void* address)
{
    if (handed_out.load(std::memory_order_relaxed) == 0) return nullptr;
    for (Region& region : regions) {
        const std::byte* const start = region.start.load(std::memory_order_acquire);
        if (start != nullptr && address >= start &&
            address < start + region.size.load(std::memory_order_relaxed))
            return &region;
    }
    return nullptr;
}

} // namespace

bool owns(const void* address)
{
    return region_of(address) != nullptr;
}

void release(void* block)
{
    Region& region = *region_of(block);
    const Header header = static_cast<const Header*>(block)[-1];
    std::byte* const start = region.start.load(std::memory_order_relaxed);
    const std::size_t size = region.size.load(std::memory_order_relaxed);
    if (size > kRegionSize) {
        // It had the region to itself. Full until it is gone, so that nobody takes from it.
        region.size.store(0, std::memory_order_relaxed);
        region.start.store(nullptr, std::memory_order_release);
        os::unmap(start, size);
        region.used.store(0, std::memory_order_release);
        return;
    }
    // The last one: as if it had never been, and zeroed for the next.
    std::size_t end = header.end;
    if (region.used.load(std::memory_order_relaxed) != end) return;
    const std::size_t begin = header.begin;
    std::memset(start + begin, 0, end - begin);
    region.used.compare_exchange_strong(end, begin, std::memory_order_relaxed);
}

std::size_t usable_size(const void* block)
{
    return (static_cast<const Header*>(block) - 1)->size;
}

std::size_t used()
{
    return handed_out.load(std::memory_order_relaxed);
}

} // namespace tarn::emergency
