// SPDX-License-Identifier: MIT

#include "src/heap/sampler.h"

#include <cmath>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "tests/unit/support/random.h"

namespace tarn {

namespace {

TEST(Sampler, ProbabilityIsThatOfAPoissonProcess)
{
    for (double x = 1e-9; x < 100; x *= 1.3)
        EXPECT_NEAR(Sampler::probability(x) / -std::expm1(-x), 1, 1e-12) << x;
    EXPECT_EQ(Sampler::probability(0), 0);
    EXPECT_EQ(Sampler::probability(1e300), 1);
}

TEST(Sampler, DrawsWithThatProbability)
{
    Sampler sampler(test::seed());
    constexpr std::size_t kPeriod = KiB(512);
    for (const std::size_t size : {std::size_t{16}, KiB(4), KiB(512), MiB(2)}) {
        SCOPED_TRACE(size);
        constexpr int kDraws = 100000;
        const double p = Sampler::probability(static_cast<double>(size) / kPeriod);
        double sum = 0;
        int at_once = 0;
        for (int i = 0; i < kDraws; ++i) {
            const std::uint64_t before = sampler.draw(size, kPeriod);
            sum += static_cast<double>(before);
            at_once += before == 0 ? 1 : 0;
        }
        // A geometric distribution; six standard errors.
        const double mean = (1 - p) / p;
        const double deviation = std::sqrt(1 - p) / p;
        EXPECT_NEAR(sum / kDraws, mean, 6 * deviation / std::sqrt(kDraws));
        EXPECT_NEAR(at_once, kDraws * p, 6 * std::sqrt(kDraws * p * (1 - p)) + 1);
    }
}

TEST(Sampler, WeighsOneForAllThatItStandsFor)
{
    Sampler sampler(test::seed());
    constexpr std::size_t kPeriod = KiB(512);
    for (const std::size_t size : {std::size_t{16}, KiB(4), KiB(500), MiB(2), MiB(100)}) {
        SCOPED_TRACE(size);
        constexpr int kDraws = 10000;
        double sum = 0;
        for (int i = 0; i < kDraws; ++i)
            sum += sampler.weigh(size, kPeriod);
        const double wanted = 1 / Sampler::probability(static_cast<double>(size) / kPeriod);
        EXPECT_NEAR(sum / kDraws, wanted, 3 / std::sqrt(kDraws)); // rounded to the next ones
    }
    EXPECT_EQ(sampler.weigh(1, std::size_t{1} << 60U), ~std::uint32_t{0}) << "as far as it goes";
}

TEST(Sampler, SeedsDiffer)
{
    Sampler one(1);
    Sampler other(2);
    int same = 0;
    for (int i = 0; i < 100; ++i)
        same += one.draw(16, MiB(1)) == other.draw(16, MiB(1)) ? 1 : 0;
    EXPECT_LT(same, 10);
}

} // namespace

} // namespace tarn
