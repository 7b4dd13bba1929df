// SPDX-License-Identifier: MIT
//
// Sampler: which allocations a sample is made of.
//
// The bytes that a program allocates are a line on which points lie at random, `period` apart on
// average, none of them knowing of the others (a Poisson process). A block is in the sample if a
// point lies in it: a block of n bytes with the probability p = 1 - exp(-n / period). One that is
// stands for 1 / p of its size, so that sums over the sample are, on average, sums over all.
// Source: the same in gperftools and Google's tcmalloc, "How sampling works in TCMalloc".

#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn {

/// Threads: one at a time. All zero is a valid state, but all of those draw the same.
class Sampler {
public:
    constexpr Sampler() = default;
    constexpr explicit Sampler(std::uint64_t seed) : state_(seed) {}

    /// How many blocks of `size` bytes come before the next one that is in the sample: 0, this one.
    /// Requires: neither is 0. Cost: 20 ns.
    std::uint64_t draw(std::size_t size, std::size_t period)
    {
        const double blocks =
            exponential() * static_cast<double>(period) / static_cast<double>(size);
        return blocks < 1e18 ? static_cast<std::uint64_t>(blocks) : std::uint64_t{1} << 60U;
    }

    /// How many blocks one of `size` bytes stands for that is in the sample, rounded up or down so
    /// that the average is right.
    std::uint32_t weigh(std::size_t size, std::size_t period)
    {
        const double weight =
            1 / probability(static_cast<double>(size) / static_cast<double>(period));
        if (weight >= 0x1p32) return ~std::uint32_t{0};
        const auto whole = static_cast<std::uint32_t>(weight);
        return whole + (uniform() < weight - whole ? 1 : 0);
    }

    /// 1 - exp(-x) for x >= 0, without libm, which we do not load.
    static constexpr double probability(double x)
    {
        if (x > 50) return 1;
        // exp(-y) - 1 by its series for a small y, then doubled: expm1(2y) = m (m + 2).
        constexpr int kDoublings = 10;
        const double y = -x / (1 << kDoublings);
        double m = y * (1 + y / 2 * (1 + y / 3 * (1 + y / 4 * (1 + y / 5))));
        for (int i = 0; i < kDoublings; ++i)
            m *= m + 2;
        return -m;
    }

private:
    /// Uniform in [0, 2^64). Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
    /// Generators" (2014), SplitMix64.
    std::uint64_t next()
    {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }

    /// In [0, 1).
    double uniform() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

    /// With the density exp(-x). Source: von Neumann, "Various techniques used in connection with
    /// random digits" (1951): a run of falling numbers that begins with u has odd length with the
    /// probability exp(-u); each failure before adds one.
    double exponential()
    {
        for (double whole = 0;; ++whole) {
            const std::uint64_t first = next();
            bool is_odd = true;
            std::uint64_t last = first;
            for (std::uint64_t number = next(); number < last; number = next()) {
                last = number;
                is_odd = !is_odd;
            }
            if (is_odd) return whole + static_cast<double>(first >> 11U) * 0x1p-53;
        }
    }

    std::uint64_t state_ = 0;
};

} // namespace tarn
