// SPDX-License-Identifier: MIT
//
// How many bytes a second: what the program says that it has moved, and what a resource has
// counted. Nothing is measured here, and nothing of it is what the memory of the machine really
// transfers.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <string>

#include <tarn/api.h>

namespace tarn {

/// Of a RateMeter. All rates are per second; 0 where no time has passed.
struct Rate {
    std::uint64_t total = 0;
    std::uint64_t average = 0; // since the start
    std::uint64_t recent = 0;  // in the last window, or since the start where that is later
    std::uint64_t most = 0;    // in any whole window so far, to a tenth of one
};

/// Counts an amount over time. A window is ten slots and the one that is not over yet: the recent
/// rate is that of up to a tenth more. Thread safety: any thread at any time, under a lock.
class TARN_API RateMeter {
public:
    using Clock = std::chrono::steady_clock;

    /// `window` counts as at least 10 ns.
    explicit RateMeter(Clock::duration window = std::chrono::seconds(1),
                       Clock::time_point start = Clock::now());

    /// A time before that of an earlier call counts as that.
    void add(std::uint64_t amount, Clock::time_point now = Clock::now());
    /// Adds what a running total, as bytes_allocated of a ResourceProfile, has grown by since the
    /// last call of follow(); the first one tells where it begins. One that has shrunk begins anew.
    /// For one thread only.
    void follow(std::uint64_t total, Clock::time_point now = Clock::now());

    Rate rate(Clock::time_point now = Clock::now()) const;

private:
    static constexpr int kSlots = 10;

    struct Window {
        void move_to(std::uint64_t slot) noexcept;
        std::uint64_t sum() const noexcept;

        std::array<std::uint64_t, kSlots + 1> slots{}; // a ring: ten whole ones, and the current
        std::uint64_t current = 0;                     // slots since the start
        std::uint64_t most = 0;                        // in ten whole slots
    };

    std::uint64_t slot_of(Clock::time_point now) const noexcept;
    void count(std::uint64_t amount, Clock::time_point now) noexcept;

    Clock::duration slot_;
    Clock::time_point start_;
    mutable std::mutex mutex_; // guards what follows
    Window window_;
    std::uint64_t total_ = 0;
    std::uint64_t followed_ = 0;
    bool follows_ = false;
};

/// What a BandwidthMeter has seen: bytes per second, each way.
struct BandwidthReport {
    Rate read{};
    Rate written{};
};

/// One line: "read 1000 bytes, 500/s (recent 400/s, most 900/s), written ...".
TARN_API std::ostream& operator<<(std::ostream& out, const BandwidthReport& report);
TARN_API std::string to_json(const BandwidthReport& report);

/// Over how long a BandwidthMeter looks back, and whether the preload hears of it.
struct BandwidthOptions {
    std::chrono::nanoseconds window = std::chrono::seconds(1);
    /// Each note is a tarn_bandwidth() of <tarn/malloc.h>, so that the reports of a traced process
    /// know of it.
    bool marks = true;
};

/// Bytes that the program says it has read and written. Thread safety: any thread at any time.
/// Cost: a look at the clock and a lock or two, 50 ns.
class TARN_API BandwidthMeter {
public:
    using Options = BandwidthOptions;
    using Clock = RateMeter::Clock;

    BandwidthMeter() : BandwidthMeter(Options{}) {}
    explicit BandwidthMeter(const Options& options, Clock::time_point start = Clock::now());

    void note(std::size_t bytes_read, std::size_t bytes_written,
              Clock::time_point now = Clock::now());

    BandwidthReport report(Clock::time_point now = Clock::now()) const;

private:
    RateMeter read_;
    RateMeter written_;
    bool marks_;
};

} // namespace tarn
