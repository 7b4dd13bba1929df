// SPDX-License-Identifier: MIT
//
// Bytes from one end of a program to another: first in, first out.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory_resource>
#include <span>
#include <string>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

/// What a ring does with bytes that it has no room for.
enum class Overflow : std::uint8_t {
    partial,        // takes what fits
    all_or_nothing, // takes nothing, so that no message is cut
    overwrite,      // takes everything, and drops the oldest bytes
};

/// How much a RingBuffer holds, and what happens to what does not fit.
struct RingOptions {
    const char* name = "ring";
    std::size_t capacity = std::size_t{64} << 10; // bytes, all of which can be used
    Overflow overflow = Overflow::partial;

    /// One direction of a connection.
    static constexpr RingOptions network() { return {.name = "network"}; }
    /// The last 1 MiB of a log.
    static constexpr RingOptions log()
    {
        return {.capacity = std::size_t{1} << 20, .overflow = Overflow::overwrite};
    }
};

/// Bytes since the ring was made.
struct RingStatistics {
    std::uint64_t written = 0;  // and accepted
    std::uint64_t read = 0;     // or consumed
    std::uint64_t dropped = 0;  // overwritten before anybody read them
    std::uint64_t refused = 0;  // had no room
    std::uint64_t wraps = 0;    // times that writing began at the front again
    std::size_t high_water = 0; // most that ever waited
};

/// As those of ResourceStatistics.
TARN_API std::ostream& operator<<(std::ostream& out, const RingStatistics& statistics);
TARN_API std::string to_json(const RingStatistics& statistics);

namespace detail {

/// Where a ring stands. A count besides a position: full is not empty.
class TARN_API RingPosition {
public:
    RingPosition(const char* name, std::size_t capacity) noexcept : name_(name), capacity_(capacity)
    {}

    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t room() const noexcept { return capacity_ - size_; }
    std::size_t read_at() const noexcept { return read_at_; }
    std::size_t write_at() const noexcept
    {
        return read_at_ < capacity_ - size_ ? read_at_ + size_ : read_at_ - (capacity_ - size_);
    }
    const RingStatistics& statistics() const noexcept { return statistics_; }

    /// How many of the last of `bytes` are to be written; makes room for them if told to.
    std::size_t admit(std::size_t bytes, Overflow overflow) noexcept;
    /// Misuse: more than there are.
    void commit(std::size_t bytes);
    void consume(std::size_t bytes);
    void clear() noexcept { read_at_ = size_ = 0; }

private:
    void advance(std::size_t bytes) noexcept;

    const char* name_;
    std::size_t capacity_;
    std::size_t read_at_ = 0;
    std::size_t size_ = 0;
    RingStatistics statistics_;
};

} // namespace detail

/// A ring of bytes. All of its capacity can be used.
///
///     const auto room = ring.writable();                     // no copy: read into the ring itself
///     ring.commit(read_from(socket, room.first));
///     while (is_whole_message(ring.readable())) ...          // and look at it there
///
/// Cost: of the bytes copied; no memory after the constructor. Thread safety: one thread at a time;
/// for two, SpscRing.
class TARN_API RingBuffer {
public:
    using Options = RingOptions;

    /// Bytes in a row, or in two.
    template <class Byte> struct Region {
        std::span<Byte> first;
        std::span<Byte> second; // empty unless the ring wraps here

        std::size_t size() const noexcept { return first.size() + second.size(); }
    };

    RingBuffer() : RingBuffer(Options{}) {}
    /// Errors: std::bad_alloc; std::invalid_argument without capacity.
    explicit RingBuffer(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    RingBuffer(const RingBuffer&) = delete;
    RingBuffer& operator=(const RingBuffer&) = delete;
    ~RingBuffer();

    /// Copies into the ring. Returns how many bytes it accepted, see Overflow.
    std::size_t write(std::span<const std::byte> bytes) noexcept;
    /// Copies out of it, and removes what it copied. Returns how many bytes; 0: there are none.
    std::size_t read(std::span<std::byte> bytes) noexcept;
    /// Copies without removing, from `offset` bytes on.
    std::size_t peek(std::span<std::byte> bytes, std::size_t offset = 0) const noexcept;

    /// What there is, in place. Valid until the next write or consume.
    Region<const std::byte> readable() const noexcept;
    /// Free room, in place.
    Region<std::byte> writable() noexcept;
    /// Now the first bytes of writable() are part of the ring. Misuse: more than that
    /// (out_of_range); nothing happens then.
    void commit(std::size_t bytes) { position_.commit(bytes); }
    /// Removes the first bytes of readable(). Misuse: as of commit().
    void consume(std::size_t bytes) { position_.consume(bytes); }

    std::size_t available() const noexcept { return position_.size(); }
    std::size_t free_space() const noexcept { return position_.room(); }
    std::size_t capacity() const noexcept { return position_.capacity(); }
    bool is_empty() const noexcept { return available() == 0; }
    bool is_full() const noexcept { return free_space() == 0; }
    void clear() noexcept { position_.clear(); }
    RingStatistics statistics() const noexcept { return position_.statistics(); }

private:
    detail::Upstream upstream_;
    Overflow overflow_;
    detail::RingPosition position_;
    std::byte* memory_;
};

/// A ring whose memory is mapped twice in a row, so that everything in it is one span, wherever it
/// wraps. The capacity is rounded up to whole pages. Cost, else: as RingBuffer; two pages of
/// address space for each of memory. Thread safety: one thread at a time.
class TARN_API MirroredRing {
public:
    using Options = RingOptions;

    MirroredRing() : MirroredRing(Options{}) {}
    /// Errors: std::bad_alloc, if the system refuses; std::invalid_argument without capacity.
    explicit MirroredRing(const Options& options);
    MirroredRing(const MirroredRing&) = delete;
    MirroredRing& operator=(const MirroredRing&) = delete;
    ~MirroredRing();

    /// As those of RingBuffer.
    std::size_t write(std::span<const std::byte> bytes) noexcept;
    std::size_t read(std::span<std::byte> bytes) noexcept;
    std::span<const std::byte> readable() const noexcept
    {
        return {memory_ + position_.read_at(), position_.size()};
    }
    std::span<std::byte> writable() noexcept
    {
        return {memory_ + position_.write_at(), position_.room()};
    }
    void commit(std::size_t bytes) { position_.commit(bytes); }
    void consume(std::size_t bytes) { position_.consume(bytes); }

    std::size_t available() const noexcept { return position_.size(); }
    std::size_t free_space() const noexcept { return position_.room(); }
    std::size_t capacity() const noexcept { return position_.capacity(); }
    bool is_empty() const noexcept { return available() == 0; }
    bool is_full() const noexcept { return free_space() == 0; }
    void clear() noexcept { position_.clear(); }
    RingStatistics statistics() const noexcept { return position_.statistics(); }

private:
    Overflow overflow_;
    detail::RingPosition position_;
    std::byte* memory_;
};

} // namespace tarn
