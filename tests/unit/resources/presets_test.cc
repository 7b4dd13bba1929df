// SPDX-License-Identifier: MIT
//
// That what a preset is named for is what its resource does; those of arenas, pools, rings, scratch
// and heaps are in the tests of these.

#include <array>
#include <cstring>
#include <filesystem>
#include <new>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/asset_cache.h>
#include <tarn/buffer_pool.h>
#include <tarn/canary_resource.h>
#include <tarn/chunk_cache.h>
#include <tarn/counting_resource.h>
#include <tarn/mapped_arena.h>
#include <tarn/mmap_resource.h>
#include <tarn/numa_resource.h>
#include <tarn/page_resource.h>
#include <tarn/slab_resource.h>
#include <tarn/smart_allocator.h>
#include <tarn/thread_cached_pool.h>

#include "tests/unit/resources/misuse_handler.h"

namespace tarn {

namespace {

bool is_aligned(const void* address, std::size_t alignment)
{
    return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

std::uint64_t live_blocks(const Resource& resource)
{
    const ResourceStatistics now = resource.statistics();
    return now.allocations - now.deallocations;
}

TEST(Presets, OfAssets)
{
    AssetCache device(AssetCacheOptions::for_device());
    const auto load = [](std::span<std::byte> bytes) {
        bytes.back() = std::byte{1};
        return true;
    };
    const AssetCache::Pin texture = device.acquire("texture", 5000, 0, load);
    ASSERT_TRUE(texture);
    EXPECT_TRUE(is_aligned(texture.bytes().data(), 4096));
    AssetCache small(AssetCacheOptions::small());
    EXPECT_FALSE(small.acquire("too large", (std::size_t{32} << 20) + 1, 0, load));
}

TEST(Presets, OfBuffers)
{
    BufferPool direct(BufferPoolOptions::direct_io());
    const Buffer block = direct.acquire(100);
    EXPECT_TRUE(is_aligned(block.data(), 4096));
    EXPECT_EQ(block.capacity() % 4096, 0U);
    CountingResource below;
    BufferPool network(BufferPoolOptions::network(), &below);
    {
        const Buffer packet = network.acquire(1500);
    }
    {
        const Buffer packet = network.acquire(1400);
    }
    EXPECT_EQ(below.statistics().allocations, 1U) << "both fit the same buffer";
    {
        const Buffer large = network.acquire(65537);
    }
    EXPECT_EQ(live_blocks(below), 1U) << "larger ones are not kept";
}

TEST(Presets, OfCanaries)
{
    CanaryResource canaries(CanaryOptions::overflows_only());
    auto* const block = static_cast<unsigned char*>(canaries.allocate(100));
    std::memset(block, 7, 100);
    const test::ThrowingMisuseHandler misuse;
    block[100] ^= 1;
    EXPECT_TRUE(misuse.of([&] { canaries.deallocate(block, 100); }));
    block[100] ^= 1;
    canaries.deallocate(block, 100);
}

TEST(Presets, OfChunkCaches)
{
    CountingResource below;
    for (const auto& [options, kept, passed] :
         {std::tuple(ChunkCacheOptions::for_frames(), std::size_t{64} << 10, std::size_t{2} << 20),
          std::tuple(ChunkCacheOptions::large(), std::size_t{8} << 20, std::size_t{64} << 10)}) {
        ChunkCache cache(options, &below);
        const std::uint64_t before = live_blocks(below);
        cache.deallocate(cache.allocate(kept), kept);
        EXPECT_EQ(live_blocks(below), before + 1) << kept;
        cache.deallocate(cache.allocate(passed), passed);
        EXPECT_EQ(live_blocks(below), before + 1) << passed;
    }
}

TEST(Presets, OfMappedArenas)
{
    const std::string name = testing::TempDir() + "presets_" + std::to_string(::getpid());
    for (const auto& options : {MappedArenaOptions::small(), MappedArenaOptions::store()}) {
        std::filesystem::remove(name);
        {
            const auto arena = MappedArena::create(name, options);
            std::memset(arena->allocate(100), 1, 100);
        }
        EXPECT_LE(std::filesystem::file_size(name), options.step);
        EXPECT_NE(MappedArena::open(name, options), nullptr);
    }
    const auto small = MappedArena::create(name, MappedArenaOptions::small());
    EXPECT_EQ(small->try_allocate(std::size_t{16} << 20), nullptr) << "that is its limit";
    std::filesystem::remove(name);
}

TEST(Presets, OfMappings)
{
    MmapResource small(MmapOptions::small());
    EXPECT_EQ(small.try_allocate(std::size_t{2} << 20), nullptr);
    EXPECT_NE(small.try_allocate(std::size_t{64} << 10), nullptr);
    MmapResource array(MmapOptions::array());
    void* const first = array.try_allocate(std::size_t{16} << 20);
    ASSERT_NE(first, nullptr);
    static_cast<char*>(first)[0] = 1;
    EXPECT_GE(MmapOptions::array().reserve, std::size_t{64} << 30);
}

TEST(Presets, OfPages)
{
    PageResource guarded(PageOptions::guarded());
    auto* const block = static_cast<volatile char*>(guarded.allocate(4096));
    EXPECT_DEATH(block[4096] = 1, "");
    guarded.deallocate(const_cast<char*>(block), 4096);
    PageResource large(PageOptions::large());
    void* const table = large.allocate(std::size_t{4} << 20);
    std::memset(table, 1, std::size_t{4} << 20);
    large.deallocate(table, std::size_t{4} << 20);
}

TEST(Presets, OfNodes)
{
    for (const NumaOptions& options : {NumaOptions::on_node(0), NumaOptions::shared()}) {
        NumaResource pages(options);
        void* const block = pages.allocate(10000);
        std::memset(block, 1, 10000);
        pages.deallocate(block, 10000);
    }
    EXPECT_EQ(NumaOptions::on_node(3).node, 3U);
    EXPECT_EQ(NumaOptions::on_node(3).place, NumaPlace::node);
    EXPECT_EQ(NumaOptions::shared().place, NumaPlace::interleave);
}

/// Bytes that a pool holds of its upstream for 3000 blocks, and what it keeps of them when they are
/// back.
template <class Pool, class Options>
std::array<std::size_t, 2> held_for_some(const Options& options)
{
    CountingResource below;
    Pool pool(options, &below);
    std::vector<void*> blocks;
    for (int i = 0; i < 3000; ++i)
        blocks.push_back(pool.allocate(64));
    const std::size_t with_all = below.statistics().in_use;
    for (void* const block : blocks)
        pool.deallocate(block, 64);
    return {with_all, below.statistics().in_use};
}

TEST(Presets, OfPoolsOfManySizes)
{
    const auto small_slab = held_for_some<SlabResource>(SlabOptions::small());
    const auto busy_slab = held_for_some<SlabResource>(SlabOptions::busy());
    EXPECT_EQ(small_slab[1], SlabOptions::small().slab) << "empty slabs go back";
    EXPECT_EQ(busy_slab[1], busy_slab[0]) << "they are kept";
    const auto small_pool = held_for_some<ThreadCachedPool>(ThreadCachedPoolOptions::small());
    const auto busy_pool = held_for_some<ThreadCachedPool>(ThreadCachedPoolOptions::busy());
    EXPECT_LT(small_pool[0], 3000 * 64 * 5 / 4) << "few bytes more than there are blocks";
    EXPECT_GE(busy_pool[0], ThreadCachedPoolOptions::busy().chunk);
}

TEST(Presets, OfSmartAllocators)
{
    SmartAllocator limited(SmartOptions::of(std::size_t{1} << 20));
    EXPECT_EQ(limited.try_allocate(Intent::heap, std::size_t{2} << 20), nullptr);
    void* const block = limited.try_allocate(Intent::heap, std::size_t{100} << 10);
    ASSERT_NE(block, nullptr);
    limited.deallocate(block, std::size_t{100} << 10);
    SmartAllocator checking(SmartOptions::checking());
    void* const twice = checking.allocate(Intent::heap, 100);
    checking.deallocate(twice, 100);
    const test::ThrowingMisuseHandler misuse;
    EXPECT_TRUE(misuse.of([&] { checking.deallocate(twice, 100); }));
}

} // namespace

} // namespace tarn
