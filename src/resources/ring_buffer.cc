// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <ostream>
#include <stdexcept>

#include <tarn/misuse.h>
#include <tarn/ring_buffer.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/os/mirror.h"
#include "src/resources/fields.h"

namespace tarn {

namespace detail {

std::size_t RingPosition::admit(std::size_t bytes, Overflow overflow) noexcept
{
    if (bytes <= room()) return bytes;
    if (overflow != Overflow::overwrite) {
        const std::size_t accepted = overflow == Overflow::partial ? room() : 0;
        statistics_.refused += bytes - accepted;
        return accepted;
    }
    const std::size_t kept = std::min(bytes, capacity_);
    const std::size_t lost = kept - room();
    statistics_.dropped += lost + (bytes - kept);
    statistics_.written += bytes - kept;
    advance(lost);
    return kept;
}

void RingPosition::advance(std::size_t bytes) noexcept
{
    read_at_ += bytes;
    if (read_at_ >= capacity_) read_at_ -= capacity_;
    size_ -= bytes;
}

void RingPosition::commit(std::size_t bytes)
{
    if (bytes > room()) return report_misuse({Misuse::out_of_range, name_, this, bytes, room()});
    statistics_.wraps += static_cast<std::uint64_t>(bytes >= capacity_ - write_at());
    statistics_.written += bytes;
    size_ += bytes;
    statistics_.high_water = std::max(statistics_.high_water, size_);
}

void RingPosition::consume(std::size_t bytes)
{
    if (bytes > size_) return report_misuse({Misuse::out_of_range, name_, this, bytes, size_});
    statistics_.read += bytes;
    advance(bytes);
}

} // namespace detail

namespace {

using Region = RingBuffer::Region<std::byte>;

// A std::memcpy that may be given nothing, from nowhere.
void copy(std::span<std::byte> to, const std::byte* from)
{
    if (!to.empty()) std::memcpy(to.data(), from, to.size());
}

std::size_t usable_capacity(std::size_t capacity)
{
    if (capacity == 0 || capacity > detail::kMaxRequest / 4)
        throw std::invalid_argument("tarn: capacity of a ring");
    return capacity;
}

std::size_t whole_pages(std::size_t bytes)
{
    return round_up(usable_capacity(bytes), os::kPageSize);
}

std::array<detail::Field, 6> fields_of(const RingStatistics& statistics)
{
    return {{{"written", statistics.written},
             {"read", statistics.read},
             {"dropped", statistics.dropped},
             {"refused", statistics.refused},
             {"wraps", statistics.wraps},
             {"high_water", statistics.high_water}}};
}

} // namespace

RingBuffer::RingBuffer(const Options& options, std::pmr::memory_resource* upstream)
    : upstream_(upstream), overflow_(options.overflow),
      position_(options.name, usable_capacity(options.capacity)),
      memory_(static_cast<std::byte*>(upstream_.resource()->allocate(options.capacity)))
{}

RingBuffer::~RingBuffer()
{
    upstream_.deallocate(memory_, capacity(), alignof(std::max_align_t));
}

std::size_t RingBuffer::write(std::span<const std::byte> bytes) noexcept
{
    const std::size_t count = position_.admit(bytes.size(), overflow_);
    // Of what is too long for the whole ring, the end: the rest would be overwritten.
    const std::byte* const from =
        overflow_ == Overflow::overwrite ? bytes.data() + (bytes.size() - count) : bytes.data();
    const Region room = writable();
    const std::size_t first = std::min(count, room.first.size());
    copy(room.first.first(first), from);
    copy(room.second.first(count - first), from + first);
    position_.commit(count);
    return overflow_ == Overflow::overwrite ? bytes.size() : count;
}

std::size_t RingBuffer::read(std::span<std::byte> bytes) noexcept
{
    const std::size_t count = peek(bytes);
    position_.consume(count);
    return count;
}

std::size_t RingBuffer::peek(std::span<std::byte> bytes, std::size_t offset) const noexcept
{
    if (offset >= available()) return 0;
    const std::size_t count = std::min(bytes.size(), available() - offset);
    std::size_t at = position_.read_at() + offset;
    if (at >= capacity()) at -= capacity();
    const std::size_t first = std::min(count, capacity() - at);
    copy(bytes.first(first), memory_ + at);
    copy(bytes.subspan(first, count - first), memory_);
    return count;
}

RingBuffer::Region<const std::byte> RingBuffer::readable() const noexcept
{
    const std::size_t first = std::min(available(), capacity() - position_.read_at());
    return {{memory_ + position_.read_at(), first}, {memory_, available() - first}};
}

RingBuffer::Region<std::byte> RingBuffer::writable() noexcept
{
    const std::size_t first = std::min(free_space(), capacity() - position_.write_at());
    return {{memory_ + position_.write_at(), first}, {memory_, free_space() - first}};
}

MirroredRing::MirroredRing(const Options& options)
    : overflow_(options.overflow), position_(options.name, whole_pages(options.capacity)),
      memory_(static_cast<std::byte*>(os::map_twice(capacity())))
{
    if (memory_ == nullptr) throw std::bad_alloc();
}

MirroredRing::~MirroredRing()
{
    os::unmap(memory_, 2 * capacity());
}

std::size_t MirroredRing::write(std::span<const std::byte> bytes) noexcept
{
    const std::size_t count = position_.admit(bytes.size(), overflow_);
    const bool is_all = overflow_ == Overflow::overwrite;
    copy(writable().first(count), bytes.data() + (is_all ? bytes.size() - count : 0));
    position_.commit(count);
    return is_all ? bytes.size() : count;
}

std::size_t MirroredRing::read(std::span<std::byte> bytes) noexcept
{
    const std::size_t count = std::min(bytes.size(), available());
    copy(bytes.first(count), readable().data());
    position_.consume(count);
    return count;
}

std::ostream& operator<<(std::ostream& out, const RingStatistics& statistics)
{
    detail::write(out, fields_of(statistics));
    return out;
}

std::string to_json(const RingStatistics& statistics)
{
    return detail::json_object(fields_of(statistics));
}

} // namespace tarn
