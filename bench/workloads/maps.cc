// SPDX-License-Identifier: MIT
//
// Maps of strings: std::map and std::unordered_map keep about 60 000 entries each while entries
// come and go at random, grow, and are looked up.
//
// Decided by cache and TLB misses: how densely the nodes lie, and which block is reused first.

#include <map>
#include <string>
#include <unordered_map>

#include "bench/workloads/support.h"

namespace {

constexpr std::size_t kKeys = 120000;

std::string key_of(std::size_t number)
{
    return "entry:" + std::to_string(number * 2654435761U % 4294967291U);
}

template <class Map> std::uint64_t step(Map& map, bench::Random& random)
{
    const std::string key = key_of(random.below(kKeys));
    const auto found = map.find(key);
    if (found == map.end()) {
        map.emplace(key, std::string(random.between(8, 120), 'v'));
        return 1;
    }
    // One in four grows, the others go: about half of the keys are present.
    if (random.below(4) == 0) {
        found->second += " and more";
        return found->second.size();
    }
    map.erase(found);
    return 2;
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t steps = bench::argument(argc, argv, 1, 700000);
    bench::Random random(12);
    std::map<std::string, std::string> ordered;
    std::unordered_map<std::string, std::string> hashed;
    std::uint64_t checksum = 0;
    for (std::size_t i = 0; i < steps; ++i) {
        checksum = checksum * 31 + step(ordered, random);
        checksum = checksum * 31 + step(hashed, random);
    }
    for (const auto& [key, value] : ordered)
        checksum = checksum * 31 + value.size();
    return bench::finish(checksum + hashed.size());
}
