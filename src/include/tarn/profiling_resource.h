// SPDX-License-Identifier: MIT
//
// How long the calls of a resource take, and where in a program most of them are.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include <tarn/api.h>
#include <tarn/counting_resource.h>

namespace tarn {

/// Of the calls of one kind. A percentile is the end of the step that it lies in, of four for each
/// doubling: too large by less than a quarter, but for `longest`, which is exact, as the mean is.
struct CallTimes {
    std::uint64_t calls = 0; // refused ones, too
    std::chrono::nanoseconds total{0};
    std::chrono::nanoseconds mean{0};
    std::chrono::nanoseconds median{0};
    std::chrono::nanoseconds p99{0};
    std::chrono::nanoseconds longest{0};
};

/// What a ProfilingResource has seen.
struct ResourceProfile {
    const char* name = ""; // of the resource
    CallTimes allocate{};
    CallTimes deallocate{};
    std::uint64_t bytes_allocated = 0; // so far, as asked for
    std::uint64_t bytes_deallocated = 0;
};

/// One line: "parse: allocate 100 calls, mean 31 ns, ...; deallocate ...".
TARN_API std::ostream& operator<<(std::ostream& out, const ResourceProfile& profile);
TARN_API std::string to_json(const ResourceProfile& profile);

/// Times each call that goes through it to another resource. The times have those of one look at
/// the clock in them, some 20 ns, and are as far off where the thread was interrupted.
///
/// Cost: two looks at the clock and some uncontended atomic additions, 75 ns a call; 3 KiB for each
/// thread that the machine runs at once. Thread safety: any thread at any time, as far as upstream
/// lets them; what calls do at the same time may be missing in a profile.
class TARN_API ProfilingResource final : public WrapperResource {
public:
    explicit ProfilingResource(const char* name = "profiling",
                               std::pmr::memory_resource* upstream = nullptr);
    ~ProfilingResource() override;

    ResourceProfile profile() const;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;

private:
    struct Calls;

    std::unique_ptr<Calls> allocations_;
    std::unique_ptr<Calls> deallocations_;
};

/// A part of a program, by the name of its resources, and its shares of all, from 0 to 1.
struct HotPath {
    std::string name;
    std::uint64_t calls = 0; // to allocate and to deallocate
    std::uint64_t bytes = 0; // allocated so far
    std::uint64_t in_use = 0;
    std::chrono::nanoseconds time{0}; // in those calls
    double call_share = 0;
    double byte_share = 0;
    double time_share = 0;
};

/// Those with at least `threshold` of the calls, of the bytes or of the time of all; the most time
/// first. Profiles of the same name are one. Where there is no resource for each part of a program,
/// TARN=profile knows them by their stacks.
TARN_API std::vector<HotPath> hot_paths(std::span<const ResourceProfile> profiles,
                                        double threshold = 0);

/// One line each.
TARN_API std::ostream& operator<<(std::ostream& out, const std::vector<HotPath>& paths);
TARN_API std::string to_json(const std::vector<HotPath>& paths);

} // namespace tarn
