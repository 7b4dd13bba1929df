// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/asset_cache.h>
#include <tarn/counting_resource.h>
#include <tarn/failing_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"

namespace tarn {

namespace {

bool fill_with_size(std::span<std::byte> bytes)
{
    std::fill(bytes.begin(), bytes.end(), static_cast<std::byte>(bytes.size()));
    return true;
}

bool holds_its_size(std::span<const std::byte> bytes)
{
    return std::all_of(bytes.begin(), bytes.end(), [&](std::byte byte) {
        return byte == static_cast<std::byte>(bytes.size());
    });
}

/// What should be there, found out slowly.
class Model {
public:
    explicit Model(std::size_t budget) : budget_(budget) {}

    bool acquire(int name, std::size_t bytes, int priority)
    {
        if (const auto found = assets_.find(name); found != assets_.end()) {
            found->second.priority = priority;
            ++found->second.pins;
            return true;
        }
        auto after = assets_;
        for (;;) {
            std::size_t used = 0;
            for (const auto& [other, asset] : after)
                used += std::max<std::size_t>(asset.bytes, 1);
            if (used + std::max<std::size_t>(bytes, 1) <= budget_) break;
            auto first = after.end();
            for (auto asset = after.begin(); asset != after.end(); ++asset)
                if (asset->second.pins == 0 &&
                    (first == after.end() || rank(asset->second) < rank(first->second)))
                    first = asset;
            if (first == after.end() || first->second.priority > priority) return false;
            after.erase(first);
        }
        assets_ = after;
        assets_[name] = {bytes, priority, 0, 1};
        return true;
    }
    void release(int name)
    {
        --assets_[name].pins;
        assets_[name].last_use = ++uses_;
    }
    bool has(int name) const { return assets_.contains(name); }

private:
    struct Asset {
        std::size_t bytes;
        int priority;
        std::uint64_t last_use;
        int pins;
    };
    static std::pair<int, std::uint64_t> rank(const Asset& asset)
    {
        return {asset.priority, asset.last_use};
    }

    std::size_t budget_;
    std::uint64_t uses_ = 0;
    std::map<int, Asset> assets_;
};

struct Step {
    int name;
    std::size_t bytes;
    int priority;
    bool releases; // the oldest pin, afterwards
};

std::ostream& operator<<(std::ostream& out, const Step& step)
{
    return out << step.name << ": " << step.bytes << " bytes, priority " << step.priority
               << (step.releases ? ", releases" : "");
}

constexpr int kNames = 12;

} // namespace

RC_GTEST_PROP(AssetCacheProperty, KeepsWhatTheModelKeeps, ())
{
    test::Counted upstream;
    AssetCache cache({.budget = 1000}, &upstream);
    Model model(1000);
    std::vector<std::pair<int, AssetCache::Pin>> pins;
    const auto steps = *rc::gen::container<std::vector<Step>>(rc::gen::build<Step>(
        rc::gen::set(&Step::name, rc::gen::inRange(0, kNames)),
        rc::gen::set(&Step::bytes, rc::gen::weightedOneOf<std::size_t>(
                                       {{9, rc::gen::inRange<std::size_t>(0, 400)},
                                        {1, rc::gen::just(SIZE_MAX)},
                                        {1, rc::gen::just<std::size_t>(1000)}})),
        rc::gen::set(&Step::priority, rc::gen::inRange(-1, 2)), rc::gen::set(&Step::releases)));
    for (const Step& step : steps) {
        AssetCache::Pin pin =
            cache.acquire(std::to_string(step.name), step.bytes, step.priority, fill_with_size);
        const bool is_expected = step.bytes <= 1000 || model.has(step.name);
        RC_ASSERT(static_cast<bool>(pin) ==
                  (is_expected && model.acquire(step.name, step.bytes, step.priority)));
        if (pin) pins.emplace_back(step.name, std::move(pin));
        if (step.releases && !pins.empty()) {
            const int name = pins.front().first;
            pins.erase(pins.begin());
            model.release(name);
        }
        for (const auto& [name, held] : pins)
            RC_ASSERT(holds_its_size(held.bytes()));
        RC_ASSERT(cache.statistics().in_use <= 1000U);
        std::size_t there = 0;
        for (int name = 0; name < kNames; ++name)
            there += static_cast<std::size_t>(model.has(name));
        RC_ASSERT(cache.statistics().assets == there);
    }
    pins.clear();
    for (int name = 0; name < kNames; ++name)
        RC_ASSERT(static_cast<bool>(cache.find(std::to_string(name))) == model.has(name));
}

TEST(AssetCache, EvictsTheLeastImportantThenTheLeastRecentlyHeld)
{
    std::vector<std::string> gone;
    AssetCache cache({.budget = 30, .on_evict = [&](std::string_view name, auto bytes) {
                          EXPECT_TRUE(holds_its_size(bytes));
                          gone.emplace_back(name);
                      }});
    const auto want = [&](const char* name, int priority) {
        return static_cast<bool>(cache.acquire(name, 10, priority, fill_with_size));
    };
    EXPECT_TRUE(want("old", 1));
    EXPECT_TRUE(want("important", 2));
    EXPECT_TRUE(want("new", 1));
    EXPECT_TRUE(want("old", 1)); // now it is the newer one
    EXPECT_TRUE(want("next", 1));
    EXPECT_EQ(gone, std::vector<std::string>({"new"}));
    EXPECT_FALSE(want("unimportant", 0));
    const AssetCache::Pin held = cache.find("old");
    EXPECT_TRUE(want("last", 1));
    EXPECT_FALSE(cache.acquire("large", 20, 1, fill_with_size)) << "the important one would stay";
    EXPECT_EQ(gone, std::vector<std::string>({"new", "next"})) << "none goes in vain";
    cache.trim();
    EXPECT_EQ(gone.size(), 4U);
    EXPECT_EQ(cache.statistics().in_use, 10U);
    EXPECT_EQ(cache.statistics().refusals, 2U);
    EXPECT_EQ(held.bytes().size(), 10U);
}

TEST(AssetCache, WhatGoesCountsUntilItIsGone)
{
    CountingResource upstream;
    AssetCache* self = nullptr;
    AssetCache cache({.budget = 100,
                      .on_evict =
                          [&](auto name, auto) {
                              if (name != "large") return; // the end of the cache
                              EXPECT_FALSE(self->acquire("other", 60, 0, fill_with_size));
                          }},
                     &upstream);
    self = &cache;
    EXPECT_TRUE(cache.acquire("large", 100, 0, fill_with_size));
    EXPECT_TRUE(cache.acquire("small", 40, 0, fill_with_size));
    EXPECT_EQ(cache.statistics().in_use, 40U);
    EXPECT_TRUE(cache.acquire("other", 60, 0, fill_with_size));
    EXPECT_EQ(upstream.statistics().peak_in_use, 100U);
}

TEST(AssetCache, AnAssetThatIsHeldAtTheEndIsMisuse)
{
    static int reports;
    reports = 0;
    const MisuseHandler before = set_misuse_handler([](const MisuseReport& report) {
        reports += static_cast<int>(report.kind == Misuse::leak);
    });
    {
        AssetCache::Pin pin;
        AssetCache cache;
        pin = cache.acquire("held", 10, 0, fill_with_size);
        static_cast<void>(cache.acquire("not held", 0, 0, fill_with_size));
        new (&pin) AssetCache::Pin(); // it has nothing to go back to
    }
    set_misuse_handler(before);
    EXPECT_EQ(reports, 1);
}

TEST(AssetCache, NothingStaysOfALoadThatFails)
{
    test::Counted upstream;
    AssetCache cache({.budget = 100}, &upstream);
    EXPECT_FALSE(cache.acquire("a", 100, 0, [](auto) { return false; }));
    const auto throws = [](auto) -> bool { throw std::runtime_error("no file"); };
    EXPECT_THROW(static_cast<void>(cache.acquire("a", 100, 0, throws)), std::runtime_error);
    EXPECT_EQ(upstream.statistics().in_use, 0U);
    EXPECT_EQ(cache.statistics().assets, 0U);
    EXPECT_EQ(cache.statistics().failures, 2U);
    EXPECT_TRUE(cache.acquire("a", 100, 0, fill_with_size));
}

TEST(AssetCache, NothingStaysWithoutMemory)
{
    FailingResource upstream({.at = 1});
    AssetCache cache({.budget = 100}, &upstream);
    EXPECT_FALSE(cache.acquire("a", 100, 0, fill_with_size));
    EXPECT_TRUE(cache.acquire("a", 100, 0, fill_with_size));
}

TEST(AssetCache, ALoadMayUseTheCacheButNotWaitForItself)
{
    const test::ThrowingMisuseHandler misuse;
    AssetCache cache({.budget = 100});
    const AssetCache::Pin model = cache.acquire("model", 10, 0, [&](auto) {
        return static_cast<bool>(cache.acquire("texture", 10, 0, fill_with_size));
    });
    EXPECT_TRUE(model);
    EXPECT_TRUE(cache.find("texture"));
    EXPECT_EQ(misuse.of([&] {
        static_cast<void>(cache.acquire("self", 10, 0, [&](auto) {
            return static_cast<bool>(cache.acquire("self", 10, 0, fill_with_size));
        }));
    }),
              Misuse::out_of_order);
    EXPECT_FALSE(cache.find("self"));
}

TEST(AssetCache, OneLoadsAndTheOthersWait)
{
    AssetCache cache;
    std::atomic<int> loads{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            const auto pin = cache.acquire("slow", 100, 0, [&](auto bytes) {
                if (loads++ == 0) return false; // another one tries again
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
                return fill_with_size(bytes);
            });
            EXPECT_TRUE(!pin || holds_its_size(pin.bytes()));
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(loads, 2);
    EXPECT_EQ(cache.statistics().hits, 2U);
}

TEST(AssetCache, ManyThreadsStayWithinTheBudget)
{
    CountingResource upstream;
    {
        AssetCache cache({.budget = 1000}, &upstream);
        std::vector<std::thread> threads;
        for (unsigned seed = 0; seed < 4; ++seed)
            threads.emplace_back([&cache, seed] {
                unsigned random = seed;
                for (int i = 0; i < 3000; ++i) {
                    random = random * 1664525 + 1013904223;
                    const std::size_t bytes = 50 + (random >> 20) % 300;
                    const auto pin = cache.acquire(std::to_string(bytes), bytes,
                                                   static_cast<int>(bytes % 3), fill_with_size);
                    EXPECT_TRUE(!pin || holds_its_size(pin.bytes()));
                    if (i % 100 == 0) cache.trim(500);
                }
            });
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_LE(upstream.statistics().peak_in_use, 1000U);
        EXPECT_EQ(upstream.statistics().in_use, cache.statistics().in_use);
    }
    EXPECT_EQ(upstream.statistics().in_use, 0U);
}

TEST(AssetCache, StatisticsAreTextAndJson)
{
    const AssetStatistics statistics{.hits = 8,
                                     .loads = 7,
                                     .failures = 6,
                                     .refusals = 5,
                                     .evictions = 4,
                                     .assets = 3,
                                     .in_use = 2,
                                     .peak_in_use = 1};
    std::ostringstream text;
    text << statistics;
    EXPECT_EQ(text.str(), "hits 8, loads 7, failures 6, refusals 5, evictions 4, assets 3, "
                          "in_use 2, peak_in_use 1");
    EXPECT_EQ(to_json(statistics), R"({"hits":8,"loads":7,"failures":6,"refusals":5,)"
                                   R"("evictions":4,"assets":3,"in_use":2,"peak_in_use":1})");
}

} // namespace tarn
