// SPDX-License-Identifier: MIT
#include <tarn/failing_resource.h>
#include <tarn/misuse.h>

namespace tarn {

namespace {

// A number from 0 to 1 that depends on both. Source: splitmix64, Vigna 2015, public domain.
double fraction_of(std::uint64_t seed, std::uint64_t number)
{
    std::uint64_t bits = seed + number * 0x9E3779B97F4A7C15U;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EBU;
    return static_cast<double>((bits ^ bits >> 31) >> 11) * 0x1p-53;
}

} // namespace

FailingResource::~FailingResource() = default;

bool FailingResource::is_to_fail(std::uint64_t number, std::size_t bytes) const noexcept
{
    if (bytes > options_.larger) return true;
    if (options_.at != 0 && number >= options_.at && number - options_.at <= options_.and_then)
        return true;
    return options_.rate > 0 && fraction_of(options_.seed, number) < options_.rate;
}

void* FailingResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    const std::uint64_t number = requests_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (!is_to_fail(number, bytes)) return WrapperResource::do_try_allocate(bytes, alignment);
    refused_.fetch_add(1, std::memory_order_relaxed);
    const CallStack refused = CallStack::here(CallStack::kMost, __builtin_return_address(0));
    {
        const std::lock_guard lock(mutex_);
        last_refusal_ = refused;
    }
    return counted(nullptr, bytes);
}

CallStack FailingResource::last_refusal() const
{
    const std::lock_guard lock(mutex_);
    return last_refusal_;
}

namespace detail {

void report_leak_after(const FailingResource& resource)
{
    const CallStack refused = resource.last_refusal();
    report_misuse({.kind = Misuse::leak,
                   .resource = resource.name(),
                   .address = nullptr,
                   .size = resource.in_use(),
                   .refused = &refused});
}

} // namespace detail

} // namespace tarn
