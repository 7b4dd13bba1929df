// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include <tarn/group_resource.h>

#include "src/base/units.h"
#include "src/resources/sanitizer.h"
#include "src/resources/watched_blocks.h"

namespace tarn {

// Under AddressSanitizer nobody may touch a link but the functions that say so here.
struct GroupResource::Link {
    Link* older;
    Link* newer;
    std::size_t bytes;     // that were asked for
    std::size_t alignment; // of what upstream gave

    static constexpr std::size_t offset(std::size_t bytes)
    {
        return round_up(bytes, alignof(Link));
    }
    static Link* of(void* block, std::size_t bytes)
    {
        return reinterpret_cast<Link*>(static_cast<std::byte*>(block) + offset(bytes));
    }
    [[gnu::no_sanitize_address]] std::byte* block()
    {
        return reinterpret_cast<std::byte*>(this) - offset(bytes);
    }
    static std::size_t total(std::size_t bytes) { return offset(bytes) + sizeof(Link); }
};

GroupResource::GroupResource(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), upstream_(upstream)
{
    static_assert(sizeof(Link) == kOverhead && alignof(Link) == 8);
    if (options.checked)
        watched_ = std::make_unique<detail::WatchedBlocks>(name(), upstream, MiB(1));
}

GroupResource::~GroupResource()
{
    release();
}

[[gnu::no_sanitize_address]] void GroupResource::enter(Link* link) noexcept
{
    const std::lock_guard lock(mutex_);
    link->older = newest_;
    link->newer = nullptr;
    if (newest_ != nullptr) newest_->newer = link;
    newest_ = link;
    ++statistics_.allocations;
    statistics_.in_use += link->bytes;
    statistics_.reserved += Link::total(link->bytes);
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    statistics_.peak_reserved = std::max(statistics_.peak_reserved, statistics_.reserved);
}

[[gnu::no_sanitize_address]] void GroupResource::leave(Link* link) noexcept
{
    const std::lock_guard lock(mutex_);
    if (link->older != nullptr) link->older->newer = link->newer;
    (link->newer != nullptr ? link->newer->older : newest_) = link->older;
    ++statistics_.deallocations;
    statistics_.in_use -= link->bytes;
    statistics_.reserved -= Link::total(link->bytes);
}

void* GroupResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (watched_ != nullptr) return watched_->try_allocate(bytes, alignment);
    const std::size_t stricter = std::max(alignment, alignof(Link));
    void* const block = detail::is_serviceable(bytes, alignment)
                            ? upstream_.try_allocate(Link::total(bytes), stricter)
                            : nullptr;
    if (block == nullptr) {
        const std::lock_guard lock(mutex_);
        ++statistics_.failures;
        return nullptr;
    }
    enter(::new (Link::of(block, bytes)) Link{nullptr, nullptr, bytes, stricter});
    detail::poison(static_cast<std::byte*>(block) + bytes, Link::total(bytes) - bytes);
    return block;
}

void GroupResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    if (watched_ != nullptr) {
        watched_->deallocate(block, bytes, alignment);
        return;
    }
    Link* const link = Link::of(block, bytes);
    leave(link);
    give_back(link);
}

void GroupResource::give_back(Link* link)
{
    detail::unpoison(link, sizeof(Link));
    std::byte* const block = link->block();
    const std::size_t total = Link::total(link->bytes);
    const std::size_t alignment = link->alignment;
    detail::unpoison(block, total);
    upstream_.deallocate(block, total, alignment);
}

void GroupResource::release()
{
    if (watched_ != nullptr) return watched_->release();
    Link* link = nullptr;
    {
        const std::lock_guard lock(mutex_);
        link = std::exchange(newest_, nullptr);
        statistics_.deallocations = statistics_.allocations;
        statistics_.in_use = 0;
        statistics_.reserved = 0;
    }
    while (link != nullptr) {
        detail::unpoison(link, sizeof(Link));
        Link* const older = link->older;
        give_back(link);
        link = older;
    }
}

std::size_t GroupResource::blocks() const
{
    const ResourceStatistics now = statistics();
    return now.allocations - now.deallocations;
}

[[gnu::no_sanitize_address]] bool GroupResource::do_owns(const void* address) const noexcept
{
    if (watched_ != nullptr) return watched_->owns(address);
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    const std::lock_guard lock(mutex_);
    Link* link = newest_;
    while (link != nullptr &&
           number - reinterpret_cast<std::uintptr_t>(link->block()) >= link->bytes)
        link = link->older;
    return link != nullptr;
}

ResourceStatistics GroupResource::do_statistics() const
{
    if (watched_ != nullptr) return watched_->statistics();
    const std::lock_guard lock(mutex_);
    return statistics_;
}

} // namespace tarn
