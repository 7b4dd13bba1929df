// SPDX-License-Identifier: MIT
//
// Random requests whose seed is known: a failure can be repeated with TEST_SEED=<the printed one>.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace tarn::test {

/// The seed of this run: of the environment if it names one, otherwise new. Printed once, with the
/// first call, which must come before any fork() of a process with several threads.
inline std::uint64_t seed()
{
    static const std::uint64_t value = [] {
        const char* const given = std::getenv("TEST_SEED");
        const std::uint64_t chosen = given != nullptr ? std::strtoull(given, nullptr, 0)
                                                      : std::uint64_t{std::random_device{}()};
        std::cout << "TEST_SEED=" << chosen << std::endl; // at once: the test may crash
        return chosen;
    }();
    return value;
}

class Random {
public:
    /// `stream` tells threads of one run apart.
    explicit Random(std::uint64_t stream = 0) : engine_(seed() * 0x9E3779B97F4A7C15U + stream) {}

    /// For those who have a seed from elsewhere.
    static Random from_seed(std::uint64_t own_seed) { return Random(std::mt19937_64(own_seed)); }

    std::uint64_t next() { return engine_(); }

    /// A number in [0, bound).
    std::size_t below(std::size_t bound) { return engine_() % bound; }
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }

    /// True once in `n` times.
    bool one_in(std::size_t n) { return below(n) == 0; }

    /// 0 .. `most`, each doubling as likely as any other: as programs ask, small sizes mostly.
    std::size_t size_up_to(std::size_t most)
    {
        std::size_t doublings = 0;
        while ((std::size_t{1} << doublings) < most)
            ++doublings;
        const std::size_t top = std::size_t{1} << below(doublings + 1);
        return below(top < most ? top + 1 : most + 1);
    }

private:
    explicit Random(std::mt19937_64 engine) : engine_(engine) {}

    std::mt19937_64 engine_;
};

} // namespace tarn::test
