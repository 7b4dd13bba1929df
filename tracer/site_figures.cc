// SPDX-License-Identifier: MIT

#include "tracer/site_figures.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace tarn {

namespace {

/// Below this share of a site's blocks or bytes a figure is not worth a reader's time.
constexpr std::uint64_t kLeastPercent = 5;
constexpr std::uint64_t kLeastRounding = 4096; // bytes
constexpr std::uint64_t kMostError = 1000;     // percent

bool is_worth_it(std::uint64_t part, std::uint64_t whole)
{
    return part != 0 && part * 100 >= whole * kLeastPercent;
}

} // namespace

void print_time(Printer& out, double nanoseconds)
{
    struct Unit {
        double size; // in the one before
        std::string_view name;
    };
    static constexpr std::array<Unit, 5> kUnits{
        {{1000, " us"}, {1000, " ms"}, {1000, " s"}, {60, " min"}, {60, " h"}}};
    std::string_view name = " ns";
    double value = nanoseconds;
    for (const Unit& unit : kUnits) {
        if (value < unit.size) break;
        value /= unit.size;
        name = unit.name;
    }
    // Two digits: more are not known.
    const auto hundredths = static_cast<std::uint64_t>(value * 100);
    const std::uint64_t tenths = (hundredths + 5) / 10;
    if (tenths < 100) {
        out << tenths / 10;
        if (tenths % 10 != 0) out << "." << tenths % 10;
    } else if (tenths < 1000) {
        out << (tenths + 5) / 10;
    } else {
        out << (tenths + 50) / 100 * 10;
    }
    out << name;
}

void SiteFigures::add_size(std::uint64_t count, std::size_t bucket, std::uint64_t size)
{
    if (count == 0) return;
    Bucket& own = sizes_[bucket];
    own.size = own.count == 0 || own.size == size ? size : kMixed;
    own.count += count;
}

void SiteFigures::add_sizes(const Site& site, std::uint64_t allocations)
{
    const SiteDetail& detail = site.detail();
    std::uint64_t others = 0;
    for (std::size_t bucket = 0; bucket < size_buckets::kCount; ++bucket) {
        const SizeBucket& from = detail.sizes[bucket];
        add_size(from.count(), bucket, from.is_uniform() ? from.size() : kMixed);
        others += from.count();
    }
    largest_ = std::max(largest_, detail.largest.get());
    smallest_ = std::max(smallest_, detail.smallest.get());
    if (!detail.first_size.is_known()) return;
    const std::uint64_t size = detail.first_size.get();
    // A thread that runs may have counted a block here and not yet there.
    if (allocations > others) add_size(allocations - others, size_buckets::bucket_of(size), size);
    largest_ = std::max(largest_, size);
    smallest_ = std::max(smallest_, ~size);
}

void SiteFigures::add(const Site& site)
{
    const SiteDetail& detail = site.detail();
    const std::uint64_t allocations = site.allocations.get();
    add_sizes(site, allocations);
    allocations_ += allocations;
    frees_ += site.frees.get();
    freed_elsewhere_ += site.freed_elsewhere.get();
    for (std::size_t bucket = 0; bucket < ages_.size(); ++bucket)
        ages_[bucket] += detail.ages[bucket].get();
    longest_ = std::max(longest_, detail.longest.get());
    thread_mask_ |= detail.threads.mask();
    resizes_ += detail.resizes.get();
    copied_ += detail.copied.get();
    peak_bytes_ += detail.peak_bytes;
    peak_rounding_ += detail.peak_rounding;
}

std::uint64_t SiteFigures::short_lived(double ticks) const
{
    std::uint64_t blocks = 0;
    for (std::size_t bucket = 0; bucket + 1 < ages_.size(); ++bucket)
        if (static_cast<double>(age_buckets::end_of(bucket)) <= ticks) blocks += ages_[bucket];
    return blocks;
}

/// A block of n bytes is in the sample with a probability p of hardly less than n / period. Counted
/// are 1/p for it, so that its part of the variance is (1 - p) / p^2 * p, at most period / n. That
/// many blocks of equal size would have to be in the sample for the same certainty: `samples`.
/// Twice the deviation is 2 / sqrt(samples).
std::uint64_t SiteFigures::error(std::size_t period) const
{
    double blocks = 0;
    double variance = 0;
    for (std::size_t bucket = 0; bucket < sizes_.size(); ++bucket) {
        const auto [count, size] = sizes_[bucket];
        const std::uint64_t least = size != kMixed ? size : size_buckets::smallest_in(bucket);
        const auto bytes = static_cast<double>(std::max(least, std::uint64_t{1}));
        blocks += static_cast<double>(count);
        variance += static_cast<double>(count) * static_cast<double>(period) / bytes;
    }
    if (blocks == 0) return kMostError;
    const double samples = blocks * blocks / variance;
    std::uint64_t percent = 1;
    while (percent < kMostError && static_cast<double>(percent * percent) * samples < 4.0e4)
        ++percent;
    return percent;
}

std::uint64_t SiteFigures::threads() const
{
    return static_cast<std::uint64_t>(std::popcount(thread_mask_));
}

void SiteFigures::print_sizes(Printer& out) const
{
    if (smallest() == largest_) {
        out << largest_ << (allocations_ == 1 ? " bytes" : " bytes each");
        return;
    }
    out << smallest() << " to " << largest_ << " bytes";
    const auto* const most = std::ranges::max_element(sizes_, {}, &Bucket::count);
    const auto bucket = static_cast<std::size_t>(most - sizes_.begin());
    if (most->count <= allocations_ / 2) return;
    const std::uint64_t from = std::max(size_buckets::smallest_in(bucket), smallest());
    const std::uint64_t to = bucket + 1 < sizes_.size()
                                 ? std::min(size_buckets::largest_in(bucket), largest_)
                                 : largest_;
    if (most->size != kMixed)
        out << ", mostly " << most->size;
    else if (from != smallest() || to != largest_)
        out << ", mostly " << from << " to " << to;
}

void SiteFigures::print_lifetimes(Printer& out, double nanoseconds) const
{
    std::uint64_t all = 0;
    for (const std::uint64_t count : ages_)
        all += count;
    if (all == 0) return;
    std::size_t median = 0;
    for (std::uint64_t below = ages_[0]; below < all - all / 2; below += ages_[median])
        ++median;
    const auto end = static_cast<double>(age_buckets::end_of(median)) * nanoseconds;
    out << "; lived ";
    if (age_buckets::bucket_of(longest_) == 0) {
        out << "less than ";
        print_time(out, end);
        return;
    }
    out << "up to ";
    print_time(out, static_cast<double>(longest_) * nanoseconds);
    if (longest_ < 4 * age_buckets::end_of(median)) return; // nearly the same
    out << ", half of them less than ";
    print_time(out, end);
}

void SiteFigures::print_threads(Printer& out) const
{
    if (threads() > 1)
        out << "; by " << (threads() == 64 ? "at least " : "") << threads() << " threads";
    if (is_worth_it(freed_elsewhere_, frees_))
        out << "; " << Percent{freed_elsewhere_, frees_} << " freed by another thread";
}

void SiteFigures::print_rounding(Printer& out) const
{
    const std::uint64_t taken = peak_bytes_ + peak_rounding_;
    if (peak_rounding_ >= kLeastRounding && is_worth_it(peak_rounding_, taken))
        out << "; at the peak " << HumanBytes{peak_rounding_} << " more for rounding";
}

void SiteFigures::print_resizes(Printer& out) const
{
    out << resizes_ << (resizes_ == 1 ? " realloc" : " reallocs");
    if (copied_ != 0)
        out << " copied " << HumanBytes{copied_};
    else
        out << " without a copy";
}

void SiteFigures::print(Printer& out, double nanoseconds, Resizes resizes) const
{
    print_sizes(out);
    print_lifetimes(out, nanoseconds);
    print_threads(out);
    if (resizes == Resizes::shown && is_worth_it(resizes_, allocations_)) {
        out << "; ";
        print_resizes(out);
    }
    print_rounding(out);
}

} // namespace tarn
