// SPDX-License-Identifier: MIT
#include <cstdint>
#include <memory_resource>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/fixed_buffer_resource.h>
#include <tarn/smart_allocator.h>

#include "src/base/units.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

namespace {

using Kind = LifecycleEvent::Kind;

/// Three blocks of 64 bytes, and no type of the library.
class ThreeBlocks {
public:
    void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept
    {
        for (int i = 0; i < 3 && bytes <= 64 && alignment <= 64; ++i)
            if (!std::exchange(is_used_[i], true)) return places_[i];
        return nullptr;
    }
    bool owns(const void* address) const noexcept
    {
        return address >= &places_[0][0] && address < &places_[3][0];
    }
    void deallocate(void* block, std::size_t /*bytes*/, std::size_t /*alignment*/)
    {
        is_used_[(static_cast<std::byte*>(block) - &places_[0][0]) / 64] = false;
    }
    int used() const { return is_used_[0] + is_used_[1] + is_used_[2]; }

private:
    alignas(64) std::byte places_[4][64] = {};
    bool is_used_[3] = {};
};
static_assert(Backend<ThreeBlocks> && Backend<FixedBufferResource> && Backend<Resource>);
static_assert(!Backend<std::pmr::memory_resource> && !Backend<int>);

} // namespace

RC_GTEST_PROP(SmartAllocatorProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    ThreeBlocks backend;
    SmartAllocator allocator({.checked = checked});
    const auto intent = *rc::gen::element(Intent::pool, Intent::heap);
    allocator.add_backend(intent, backend);
    std::size_t allocations = 0;
    std::vector<std::tuple<void*, std::size_t, std::size_t, std::uint64_t>> blocks;
    for (const test::ResourceStep& step : *test::any_steps(20'000)) {
        const std::size_t alignment = std::size_t{1} << step.alignment;
        if (step.call == test::ResourceStep::Call::allocate) {
            void* const block = allocator.allocate(intent, step.size, alignment);
            RC_ASSERT(test::is_aligned(block, alignment));
            test::fill(block, step.size, ++allocations);
            blocks.emplace_back(block, step.size, alignment, allocations);
        } else if (!blocks.empty()) {
            std::swap(blocks[step.which % blocks.size()], blocks.back());
            const auto [block, size, align, tag] = blocks.back();
            RC_ASSERT(test::holds(block, size, tag));
            allocator.deallocate(block, size, align);
            blocks.pop_back();
        }
    }
    for (const auto& [block, size, alignment, tag] : blocks) {
        RC_ASSERT(test::holds(block, size, tag));
        allocator.deallocate(block, size, alignment);
    }
    RC_ASSERT(backend.used() == 0);
    const SmartStatistics all = allocator.statistics();
    RC_ASSERT(all.heap.in_use == 0U);
    RC_ASSERT(all.heap.allocations + all.pool.allocations + all.backends[0].allocations ==
              allocations);
}

TEST(SmartAllocator, EachIntentHasItsPlace)
{
    SmartAllocator allocator;
    allocator.begin_frame();
    void* const frame = allocator.allocate(Intent::frame, 100);
    void* const pool = allocator.allocate(Intent::pool, 100);
    void* const heap = allocator.allocate(Intent::heap, 100);
    void* const large = allocator.allocate(Intent::pool, KiB(8) + 1);
    EXPECT_TRUE(allocator.frames().owns(frame));
    EXPECT_TRUE(allocator.pool().owns(pool));
    EXPECT_FALSE(allocator.pool().owns(heap) || allocator.frames().owns(heap));
    EXPECT_EQ(allocator.statistics().heap.allocations, 2U) << "large ones are the heap's";
    EXPECT_EQ(allocator.statistics().fallbacks, 1U);
    allocator.resource(Intent::heap).deallocate(pool, 100); // the wrong intent does no harm
    allocator.resource(Intent::pool).deallocate(heap, 100);
    allocator.resource(Intent::heap).deallocate(frame, 100);
    allocator.deallocate(large, KiB(8) + 1);
    allocator.deallocate(nullptr, 1);
    EXPECT_EQ(allocator.end_frame().allocations, 1U);
    EXPECT_EQ(allocator.statistics().frame.allocations, 1U);
    EXPECT_EQ(allocator.statistics().heap.in_use, 0U);
}

TEST(SmartAllocator, ABackEndServesWhatItCanAndGetsItBack)
{
    ThreeBlocks backend;
    SmartAllocator allocator;
    allocator.add_backend(Intent::heap, backend);
    {
        std::vector<Owned<int>> objects;
        for (int i = 0; i < 5; ++i)
            objects.push_back(allocator.make<int>(Intent::heap, i));
        EXPECT_EQ(backend.used(), 3);
        EXPECT_EQ(allocator.statistics().fallbacks, 2U);
        EXPECT_EQ(allocator.statistics().backends[0].in_use, 3 * sizeof(int));
    }
    EXPECT_EQ(backend.used(), 0);
    EXPECT_EQ(allocator.statistics().heap.deallocations, 2U);
    static_cast<void>(allocator.allocate(Intent::pool, 8)); // not asked
    EXPECT_EQ(allocator.statistics().backends[0].allocations, 3U);
}

TEST(SmartAllocator, AsksTheBackEndAddedLastFirst)
{
    ThreeBlocks first;
    ThreeBlocks last;
    SmartAllocator allocator;
    allocator.add_backend(Intent::frame, first);
    allocator.add_backend(Intent::frame, last);
    for (int i = 0; i < 4; ++i)
        static_cast<void>(allocator.allocate(Intent::frame, 8));
    EXPECT_EQ(last.used(), 3);
    EXPECT_EQ(first.used(), 1);
    EXPECT_EQ(allocator.statistics().backends[0].allocations, 3U);
}

TEST(SmartAllocator, BudgetsHold)
{
    SmartAllocator allocator({.heap = {.hard = 1000}, .all = {.hard = KiB(100)}});
    EXPECT_EQ(allocator.try_allocate(Intent::heap, 1001), nullptr);
    EXPECT_THROW(static_cast<void>(allocator.allocate(Intent::heap, 1001)), std::bad_alloc);
    void* const block = allocator.allocate(Intent::heap, 1000);
    EXPECT_EQ(allocator.statistics().refusals, 2U);
    EXPECT_EQ(allocator.try_allocate(Intent::frame, KiB(101)), nullptr);
    for (int i = 0; i < 1000; ++i)
        static_cast<void>(allocator.try_allocate(Intent::pool, 1000));
    EXPECT_LE(allocator.statistics().peak_reserved, KiB(100));
    EXPECT_GT(allocator.statistics().peak_reserved, KiB(60));
    allocator.deallocate(block, 1000);
    EXPECT_EQ(allocator.try_allocate(Intent::heap, SIZE_MAX), nullptr);
    EXPECT_EQ(allocator.try_allocate(Intent::pool, 8, 3), nullptr) << "no power of two";
}

TEST(SmartAllocator, TellsWhatHappensOutsideOfLocks)
{
    std::vector<Kind> kinds;
    std::vector<void*> ballast;
    SmartAllocator* self = nullptr;
    SmartAllocator allocator({.pools = {.soft = 1},
                              .heap = {.hard = 1000},
                              .on_event = [&](const LifecycleEvent& event) {
                                  kinds.push_back(event.kind);
                                  // Every part may be used, whatever is told.
                                  for (const Intent intent : {Intent::pool, Intent::frame})
                                      self->deallocate(self->allocate(intent, 500), 500);
                                  if (event.kind != Kind::refused || ballast.empty()) return false;
                                  self->deallocate(ballast.back(), 900);
                                  ballast.pop_back();
                                  return true;
                              }});
    self = &allocator;
    allocator.begin_frame();
    void* const pool = allocator.allocate(Intent::pool, 100);
    ballast.push_back(allocator.allocate(Intent::heap, 900));
    void* const heap = allocator.allocate(Intent::heap, 800); // once the ballast is gone
    EXPECT_EQ(allocator.try_allocate(Intent::heap, 800), nullptr);
    allocator.deallocate(pool, 100);
    allocator.deallocate(heap, 800);
    allocator.end_frame();
    EXPECT_EQ(kinds,
              std::vector<Kind>({Kind::frame_begun, Kind::soft_limit, Kind::allocated,
                                 Kind::allocated, Kind::refused, Kind::allocated, Kind::refused,
                                 Kind::freed, Kind::freed, Kind::frame_ended}));
}

TEST(SmartAllocator, ManyThreadsUseAllOfIt)
{
    SmartAllocator allocator;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                allocator.begin_frame();
                std::pmr::vector<int> of_frame(&allocator.resource(Intent::frame));
                std::pmr::vector<int> of_pool(&allocator.resource(Intent::pool));
                std::pmr::vector<int> of_heap(&allocator.resource(Intent::heap));
                for (int number = 0; number < 100; ++number) {
                    of_frame.push_back(number);
                    of_pool.push_back(number);
                    of_heap.push_back(number);
                }
                EXPECT_EQ(of_frame, of_pool);
                EXPECT_EQ(of_frame, of_heap);
                of_frame = std::pmr::vector<int>(&allocator.resource(Intent::frame));
                of_frame.shrink_to_fit();
                allocator.end_frame();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(allocator.statistics().heap.in_use, 0U);
    EXPECT_EQ(allocator.statistics().heap.allocations, 4U * 200 * 8);
}

TEST(SmartAllocatorChecked, ReportsMisuse)
{
    const test::ThrowingMisuseHandler misuse;
    SmartAllocator allocator({.checked = true});
    for (const Intent intent : {Intent::pool, Intent::heap}) {
        void* const block = allocator.allocate(intent, 100);
        EXPECT_EQ(misuse.of([&] { allocator.deallocate(block, 99); }), Misuse::wrong_size);
        allocator.deallocate(block, 100);
        EXPECT_TRUE(misuse.of([&] { allocator.deallocate(block, 100); }));
    }
    int other = 0;
    EXPECT_EQ(misuse.of([&] { allocator.deallocate(&other, 4); }), Misuse::not_owned);
    EXPECT_EQ(misuse.of([&] { allocator.end_frame(); }), Misuse::out_of_order);
}

TEST(SmartAllocator, StatisticsAreOneReport)
{
    const SmartStatistics statistics{.frame = {.allocations = 1},
                                     .pool = {.allocations = 2},
                                     .heap = {.allocations = 3},
                                     .backends = {{.allocations = 4}, {.allocations = 5}},
                                     .fallbacks = 6,
                                     .refusals = 7,
                                     .reserved = 8,
                                     .peak_reserved = 9};
    std::ostringstream text;
    text << statistics;
    const std::string rest = ", deallocations 0, failures 0, in_use 0, peak_in_use 0, reserved 0, "
                             "peak_reserved 0, wasted 0\n";
    EXPECT_EQ(text.str(), "frame: allocations 1" + rest + "pool: allocations 2" + rest +
                              "heap: allocations 3" + rest + "back end: allocations 4" + rest +
                              "back end: allocations 5" + rest +
                              "all: fallbacks 6, refusals 7, reserved 8, peak_reserved 9\n");
    const auto json = [](int allocations) {
        return to_json(ResourceStatistics{.allocations = static_cast<std::uint64_t>(allocations)});
    };
    EXPECT_EQ(to_json(statistics),
              R"({"frame":)" + json(1) + R"(,"pool":)" + json(2) + R"(,"heap":)" + json(3) +
                  R"(,"backends":[)" + json(4) + "," + json(5) + "]" +
                  R"(,"all":{"fallbacks":6,"refusals":7,"reserved":8,"peak_reserved":9}})");
}

} // namespace tarn
