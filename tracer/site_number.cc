// SPDX-License-Identifier: MIT

#include "tracer/site_number.h"

#include <array>
#include <atomic>
#include <string_view>

#include "src/base/text.h"
#include "tracer/modules.h"

namespace tarn {

namespace {

constexpr std::size_t kCalls = 16;

constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15U; // Fibonacci hashing

std::uint64_t mix(std::uint64_t hash, std::uint64_t value)
{
    hash = (hash ^ value) * kMultiplier;
    return hash ^ hash >> 29U;
}

/// The file's name without its folders, which may be others the next time; the program has none.
std::uint64_t hash_of(std::string_view path)
{
    std::uint64_t hash = 0;
    for (const char c : slice(path, path.rfind('/') + 1))
        hash = mix(hash, static_cast<unsigned char>(c));
    return hash;
}

std::uint32_t compute(TraceId trace)
{
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < kCalls && trace != kNoTrace; ++i) {
        const Call call = stack_trie.call(trace);
        if (call.module != kNoModule) {
            const Module& module = module_table[static_cast<ModuleId>(call.module)];
            hash = mix(hash, hash_of(module.name));
            hash = mix(hash, call.address - module.bias);
        }
        trace = stack_trie.parent(trace);
    }
    const auto number = static_cast<std::uint32_t>(hash >> 32U);
    return number != 0 ? number : 1;
}

/// Numbers lately found: trace << 32 | number.
constinit std::array<std::atomic<std::uint64_t>, 1024> known{};

} // namespace

std::uint32_t site_number(TraceId trace)
{
    std::atomic<std::uint64_t>& slot = known[trace % known.size()];
    const std::uint64_t found = slot.load(std::memory_order_relaxed);
    if (found >> 32U == trace) [[likely]]
        return static_cast<std::uint32_t>(found);
    const std::uint32_t number = compute(trace);
    slot.store(std::uint64_t{trace} << 32U | number, std::memory_order_relaxed);
    return number;
}

} // namespace tarn
