// SPDX-License-Identifier: MIT
//
// Guards the types that hold objects. per_block is the time of one object.
//
// Expected order: ObjectPool as its pool, below new and delete; a lookup by a handle between a
// pointer and a hash table; a loop over a column ahead of one over whole objects by what it does
// not read; an asset that is there costs its lock and its lookup.

#include <algorithm>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <tarn/asset_cache.h>
#include <tarn/handle_table.h>
#include <tarn/object_pool.h>
#include <tarn/soa.h>

#include "bench/resources/objects.h"
#include "bench/resources/round_trips.h"

namespace {

using bench::Object;

void object_pool(benchmark::State& state)
{
    tarn::ObjectPool<Object> pool({.blocks = 1 << 16});
    bench::run_objects(
        state, [&](int i) { return pool.create(i); },
        [&](Object* object) { pool.destroy(object); });
}

void object_pool_handles(benchmark::State& state)
{
    tarn::ObjectPool<Object> pool({.blocks = 1 << 16});
    std::vector<tarn::ObjectPool<Object>::Handle> handles(static_cast<std::size_t>(state.range(0)));
    bench::run_handles(state, handles, [&](int i) { return pool.make(i); });
}

void malloc_new_and_delete(benchmark::State& state)
{
    bench::run_objects(
        state, [](int i) { return new Object(i); }, [](Object* object) { delete object; });
}

void malloc_unique_pointers(benchmark::State& state)
{
    std::vector<std::unique_ptr<Object>> handles(static_cast<std::size_t>(state.range(0)));
    bench::run_handles(state, handles, [](int i) { return std::make_unique<Object>(i); });
}

void std_pool(benchmark::State& state)
{
    std::pmr::unsynchronized_pool_resource pool;
    std::pmr::polymorphic_allocator<> allocator(&pool);
    bench::run_objects(
        state, [&](int i) { return allocator.new_object<Object>(i); },
        [&](Object* object) { allocator.delete_object(object); });
}

void handle_table(benchmark::State& state)
{
    tarn::HandleTable<Object> table;
    std::vector<tarn::HandleTable<Object>::Handle> handles(
        static_cast<std::size_t>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        int i = 0;
        for (auto& handle : handles)
            handle = table.make(i++);
        benchmark::ClobberMemory();
        for (const auto handle : handles)
            table.erase(handle);
    }
    state.counters["per_block"] = bench::per_block(handles.size());
}

// --- lookups, in an order that has nothing to do with that of memory -----------------------------

/// `add(i)` puts an object in and gives what it is found by, `find(key)` finds it.
template <class Key, class Add, class Find>
void run_lookups(benchmark::State& state, Add add, Find find)
{
    std::vector<Key> keys;
    for (int i = 0; i < state.range(0); ++i)
        keys.push_back(add(i));
    std::shuffle(keys.begin(), keys.end(), std::mt19937(42));
    for ([[maybe_unused]] auto _ : state) {
        int sum = 0;
        for (const Key& key : keys)
            sum += find(key)->value;
        benchmark::DoNotOptimize(sum);
    }
    state.counters["per_block"] = bench::per_block(keys.size());
}

void lookup_by_handle(benchmark::State& state)
{
    tarn::HandleTable<Object> table;
    run_lookups<tarn::HandleTable<Object>::Handle>(
        state, [&](int i) { return table.make(i); },
        [&](auto handle) { return table.get(handle); });
}

void lookup_by_pointer(benchmark::State& state)
{
    tarn::ObjectPool<Object> pool;
    run_lookups<Object*>(
        state, [&](int i) { return pool.create(i); }, [](Object* object) { return object; });
}

void lookup_by_weak_pointer(benchmark::State& state)
{
    std::vector<std::shared_ptr<Object>> objects;
    run_lookups<std::weak_ptr<Object>>(
        state, [&](int i) { return objects.emplace_back(std::make_shared<Object>(i)); },
        [](const std::weak_ptr<Object>& object) { return object.lock(); });
}

void lookup_in_hash_table(benchmark::State& state)
{
    std::unordered_map<std::uint64_t, Object> objects;
    run_lookups<std::uint64_t>(
        state,
        [&](int i) {
            const auto key = static_cast<std::uint64_t>(i);
            objects.emplace(key, i);
            return key;
        },
        [&](std::uint64_t key) { return &objects.find(key)->second; });
}

// --- columns -------------------------------------------------------------------------------------

struct Vector {
    float x = 1, y = 2, z = 3, w = 4;
};
struct Body {
    Vector position, velocity;
    Vector others[2]; // what the loop does not need
};

template <class Bodies, class Positions, class Velocities>
void run_columns(benchmark::State& state, Bodies& bodies, Positions positions,
                 Velocities velocities)
{
    const auto count = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < count; ++i) {
            Vector& position = positions(bodies, i);
            position.x += velocities(bodies, i).x;
            position.y += velocities(bodies, i).y;
        }
        benchmark::ClobberMemory();
    }
    state.counters["per_block"] = bench::per_block(count);
}

void soa_loop(benchmark::State& state)
{
    const auto count = static_cast<std::size_t>(state.range(0));
    tarn::Soa<Vector, Vector, Vector, Vector> bodies(*tarn::malloc_resource(), count);
    while (bodies.push_back({}, {}, {}, {})) {
    }
    auto columns = std::pair(bodies.column<0>(), bodies.column<1>());
    run_columns(
        state, columns, [](auto& both, std::size_t i) -> Vector& { return both.first[i]; },
        [](auto& both, std::size_t i) { return both.second[i]; });
}

void vector_loop(benchmark::State& state)
{
    std::vector<Body> bodies(static_cast<std::size_t>(state.range(0)));
    run_columns(
        state, bodies, [](auto& all, std::size_t i) -> Vector& { return all[i].position; },
        [](auto& all, std::size_t i) { return all[i].velocity; });
}

void soa_fill(benchmark::State& state)
{
    const auto count = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        tarn::Soa<Vector, Vector, Vector, Vector> bodies(*tarn::malloc_resource(), count);
        while (bodies.push_back({}, {}, {}, {})) {
        }
        benchmark::ClobberMemory();
    }
    state.counters["per_block"] = bench::per_block(count);
}

void vector_fill(benchmark::State& state)
{
    const auto count = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        std::vector<Body> bodies;
        bodies.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            bodies.push_back({});
        benchmark::ClobberMemory();
    }
    state.counters["per_block"] = bench::per_block(count);
}

// --- assets --------------------------------------------------------------------------------------

constexpr std::size_t kAssets = 100;
constexpr std::size_t kAssetBytes = 4096;

std::vector<std::string> names()
{
    std::vector<std::string> all;
    for (std::size_t i = 0; i < kAssets; ++i)
        all.push_back("textures/stone/" + std::to_string(i) + ".png");
    return all;
}

bool load(std::span<std::byte> bytes)
{
    std::fill(bytes.begin(), bytes.end(), std::byte{1});
    return true;
}

/// All assets in turn, of which `budget` holds all, or one in ten: each of them must go, then.
void run_assets(benchmark::State& state, std::size_t budget)
{
    const auto all = names();
    tarn::AssetCache cache({.budget = budget});
    for ([[maybe_unused]] auto _ : state) {
        for (const std::string& name : all) {
            const auto pin = cache.acquire(name, kAssetBytes, 0, load);
            benchmark::DoNotOptimize(pin.bytes().data());
        }
    }
    state.counters["per_block"] = bench::per_block(kAssets);
}

void asset_hit(benchmark::State& state)
{
    run_assets(state, kAssets * kAssetBytes);
}
void asset_miss(benchmark::State& state)
{
    run_assets(state, kAssets / 10 * kAssetBytes);
}

// What a program without it has: no budget, no priorities.
void map_of_shared_pointers(benchmark::State& state)
{
    const auto all = names();
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<std::vector<std::byte>>> assets;
    for ([[maybe_unused]] auto _ : state) {
        for (const std::string& name : all) {
            std::unique_lock lock(mutex);
            auto& place = assets[name];
            if (place == nullptr) {
                place = std::make_shared<std::vector<std::byte>>(kAssetBytes);
                load(*place);
            }
            const auto asset = place;
            lock.unlock();
            benchmark::DoNotOptimize(asset->data());
        }
    }
    state.counters["per_block"] = bench::per_block(kAssets);
}

void load_each_time(benchmark::State& state)
{
    for ([[maybe_unused]] auto _ : state) {
        for (std::size_t i = 0; i < kAssets; ++i) {
            const auto bytes = std::make_unique<std::byte[]>(kAssetBytes);
            load({bytes.get(), kAssetBytes});
            benchmark::DoNotOptimize(bytes.get());
        }
    }
    state.counters["per_block"] = bench::per_block(kAssets);
}

/// Objects that a loop goes over: those of the first-level cache, and more than the second holds.
void few_and_many(benchmark::internal::Benchmark* benchmark)
{
    benchmark->ArgName("objects")->Arg(100)->Arg(100'000);
}

} // namespace

BENCHMARK(object_pool)->Apply(bench::counts);
BENCHMARK(object_pool_handles)->Apply(bench::counts);
BENCHMARK(malloc_new_and_delete)->Apply(bench::counts);
BENCHMARK(malloc_unique_pointers)->Apply(bench::counts);
BENCHMARK(std_pool)->Apply(bench::counts);
BENCHMARK(handle_table)->Apply(bench::counts);
BENCHMARK(lookup_by_handle)->Apply(few_and_many);
BENCHMARK(lookup_by_pointer)->Apply(few_and_many);
BENCHMARK(lookup_by_weak_pointer)->Apply(few_and_many);
BENCHMARK(lookup_in_hash_table)->Apply(few_and_many);
BENCHMARK(soa_loop)->Apply(few_and_many);
BENCHMARK(vector_loop)->Apply(few_and_many);
BENCHMARK(soa_fill)->Apply(few_and_many);
BENCHMARK(vector_fill)->Apply(few_and_many);
BENCHMARK(asset_hit);
BENCHMARK(map_of_shared_pointers);
BENCHMARK(asset_miss);
BENCHMARK(load_each_time);
BENCHMARK_MAIN();
