// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <new>
#include <random>

#include <tarn/canary_resource.h>
#include <tarn/misuse.h>

#include "src/base/units.h"

namespace tarn {

struct CanaryResource::Head {
    std::size_t bytes;
    std::uint32_t alignment; // as an exponent of two
    std::uint32_t spare;
    std::uint64_t canary; // right in front of the block
};

namespace {

constexpr unsigned char kNew = 0xAB;
constexpr unsigned char kFree = 0xCD;

// From what upstream gives to the block. A multiple of the alignment.
std::size_t front_of(std::size_t head, std::size_t alignment)
{
    return round_up(head, alignment);
}

std::uint64_t new_secret()
{
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
}

} // namespace

CanaryResource::CanaryResource(const Options& options, std::pmr::memory_resource* upstream)
    : WrapperResource(options.name, upstream), poison_(options.poison), secret_(new_secret())
{}

CanaryResource::~CanaryResource() = default;

std::uint64_t CanaryResource::canary_of(const void* address) const noexcept
{
    return (secret_ ^ reinterpret_cast<std::uintptr_t>(address)) * 0x9E3779B97F4A7C15U;
}

void* CanaryResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (!detail::is_serviceable(bytes, alignment)) return counted(nullptr, bytes);
    const std::size_t strictest = std::max(alignment, alignof(Head));
    const std::size_t front = front_of(sizeof(Head), strictest);
    void* const memory = below().try_allocate(front + bytes + sizeof(std::uint64_t), strictest);
    if (memory == nullptr) return counted(nullptr, bytes);
    auto* const block = static_cast<std::byte*>(memory) + front;
    const auto exponent = static_cast<std::uint32_t>(__builtin_ctzll(alignment));
    ::new (static_cast<void*>(block - sizeof(Head))) Head{bytes, exponent, 0, canary_of(block)};
    const std::uint64_t behind = canary_of(block + bytes);
    std::memcpy(block + bytes, &behind, sizeof behind);
    if (poison_) std::memset(block, kNew, bytes);
    return counted(block, bytes);
}

bool CanaryResource::check(const void* block) const
{
    const auto* const bytes = static_cast<const std::byte*>(block);
    Head head; // NOLINT(cppcoreguidelines-pro-type-member-init): read next
    std::memcpy(&head, bytes - sizeof(Head), sizeof head);
    if (head.canary != canary_of(block)) {
        report_misuse({Misuse::underflow, name(), block});
        return false;
    }
    std::uint64_t behind = 0;
    std::memcpy(&behind, bytes + head.bytes, sizeof behind);
    if (behind != canary_of(bytes + head.bytes)) {
        report_misuse({Misuse::overflow, name(), block, head.bytes});
        return false;
    }
    return true;
}

void CanaryResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr || !check(block)) return;
    bytes = detail::at_least_one(bytes);
    auto* const begin = static_cast<std::byte*>(block);
    const Head head = *reinterpret_cast<const Head*>(begin - sizeof(Head));
    if (head.bytes != bytes)
        return report_misuse({Misuse::wrong_size, name(), block, bytes, head.bytes});
    if (std::size_t{1} << head.alignment != alignment)
        return report_misuse(
            {Misuse::wrong_alignment, name(), block, alignment, std::size_t{1} << head.alignment});
    const std::size_t strictest = std::max(alignment, alignof(Head));
    const std::size_t front = front_of(sizeof(Head), strictest);
    // With the canaries: a second free does not find them.
    std::memset(begin - sizeof(Head), kFree, sizeof(Head));
    if (poison_) std::memset(begin, kFree, bytes + sizeof(std::uint64_t));
    uncount(bytes);
    below().deallocate(begin - front, front + bytes + sizeof(std::uint64_t), strictest);
}

} // namespace tarn
