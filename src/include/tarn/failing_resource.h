// SPDX-License-Identifier: MIT
//
// Memory that runs out, for tests.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <new>

#include <tarn/api.h>
#include <tarn/call_stack.h>
#include <tarn/counting_resource.h>

namespace tarn {

/// Which requests a FailingResource refuses: any that one of these names.
struct FailingOptions {
    const char* name = "failing";
    std::uint64_t at = 0;          // the request that is refused, counted from 1; 0: none
    std::uint64_t and_then = 0;    // so many of the following, too; UINT64_MAX: all
    double rate = 0;               // of all requests, at random
    std::uint64_t seed = 1;        // the same seed refuses the same requests of one thread
    std::size_t larger = SIZE_MAX; // requests of more bytes are refused
};

/// Refuses requests as it is told, and passes on the others. A refusal costs some 5 us, which is
/// what finding its calls takes. Thread safety: as WrapperResource.
class TARN_API FailingResource final : public WrapperResource {
public:
    using Options = FailingOptions;

    explicit FailingResource(const Options& options, std::pmr::memory_resource* upstream = nullptr)
        : WrapperResource(options.name, upstream), options_(options)
    {}
    ~FailingResource() override;

    /// The calls that led to the request that was refused last; of none, if none was.
    CallStack last_refusal() const;

    /// Requests so far, and those of them that were refused on purpose.
    std::uint64_t requests() const noexcept { return requests_.load(std::memory_order_relaxed); }
    std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;

private:
    bool is_to_fail(std::uint64_t number, std::size_t bytes) const noexcept;

    Options options_;
    std::atomic<std::uint64_t> requests_{0}; // relaxed: counts
    std::atomic<std::uint64_t> refused_{0};
    mutable std::mutex mutex_; // guards the following
    CallStack last_refusal_;
};

namespace detail {
/// With the calls that were refused.
TARN_API void report_leak_after(const FailingResource& resource);
} // namespace detail

/// Calls `work(resource)` again and again: the first time the first request is refused, then the
/// second, until a run needs none of those. So every path that a lack of memory takes is taken
/// once. std::bad_alloc of `work` is expected, other exceptions are passed on. What a run does not
/// give back is reported as a leak, with the calls that were refused. Returns the number of
/// refusals.
template <class Work>
std::uint64_t fail_each_allocation(Work work, std::pmr::memory_resource* upstream = nullptr)
{
    for (std::uint64_t at = 1;; ++at) {
        FailingResource resource({.at = at}, upstream);
        try {
            work(resource);
        } catch (const std::bad_alloc&) { // as it should
        }
        if (resource.in_use() != 0) detail::report_leak_after(resource);
        if (resource.refused() == 0) return at - 1;
    }
}

} // namespace tarn
