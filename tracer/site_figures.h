// SPDX-License-Identifier: MIT
//
// What a report says of the blocks of one or several sites, added up from their details.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "src/base/print.h"
#include "tracer/site_detail.h"
#include "tracer/sites.h"

namespace tarn {

/// Plain numbers. All zero is that of no site.
class SiteFigures {
public:
    struct Bucket {
        std::uint64_t count;
        std::uint64_t size; // of all in it; kMixed: several
    };
    static constexpr std::uint64_t kMixed = ~std::uint64_t{0};

    void add(const Site& site);

    std::uint64_t allocations() const { return allocations_; }
    std::uint64_t smallest() const { return ~smallest_; }
    std::uint64_t largest() const { return largest_; }
    /// Blocks by size_buckets, all of them.
    const Bucket& sizes(std::size_t bucket) const { return sizes_[bucket]; }
    /// Blocks that were freed, by age_buckets; about, where there were many.
    std::uint64_t ages(std::size_t bucket) const { return ages_[bucket]; }
    std::uint64_t longest() const { return longest_; } // ticks, of those that are in ages()
    /// Of them, those that certainly lived less than so many ticks.
    std::uint64_t short_lived(double ticks) const;
    /// By how much allocations() is off, in percent, in 19 of 20 cases, if it is estimated from a
    /// sample of one block in `period` bytes; at least 1.
    std::uint64_t error(std::size_t period) const;
    /// Exact up to 64.
    std::uint64_t threads() const;
    std::uint64_t resizes() const { return resizes_; }
    std::uint64_t copied() const { return copied_; }

    /// What is worth knowing, as parts of a sentence: "48 bytes each; lived up to 2.1 s, half of
    /// them less than 13 us; 3 threads". `nanoseconds` is that of a tick.
    enum class Resizes : bool { left_out, shown };
    void print(Printer& out, double nanoseconds, Resizes resizes) const;
    /// "40 reallocs copied 1.2 MiB".
    void print_resizes(Printer& out) const;

private:
    void add_sizes(const Site& site, std::uint64_t allocations);
    void add_size(std::uint64_t count, std::size_t bucket, std::uint64_t size);
    void print_sizes(Printer& out) const;
    void print_lifetimes(Printer& out, double nanoseconds) const;
    void print_threads(Printer& out) const;
    void print_rounding(Printer& out) const;

    std::uint64_t allocations_ = 0;
    std::uint64_t frees_ = 0;
    std::uint64_t freed_elsewhere_ = 0;
    std::uint64_t smallest_ = 0; // all its bits turned round
    std::uint64_t largest_ = 0;
    std::uint64_t longest_ = 0;
    std::uint64_t thread_mask_ = 0;
    std::uint64_t resizes_ = 0;
    std::uint64_t copied_ = 0;
    std::uint64_t peak_bytes_ = 0;
    std::uint64_t peak_rounding_ = 0;
    std::array<Bucket, size_buckets::kCount> sizes_{};
    std::array<std::uint64_t, age_buckets::kCount> ages_{};
};

/// A time as a person reads it: "26 ns", "3.3 us", "410 ms", "1.2 s", "42 min", "7.5 h".
void print_time(Printer& out, double nanoseconds);

} // namespace tarn
