// SPDX-License-Identifier: MIT
#include <array>
#include <new>
#include <ostream>

#include <tarn/resource.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

std::array<detail::Field, 8> fields_of(const ResourceStatistics& statistics)
{
    return {{{"allocations", statistics.allocations},
             {"deallocations", statistics.deallocations},
             {"failures", statistics.failures},
             {"in_use", statistics.in_use},
             {"peak_in_use", statistics.peak_in_use},
             {"reserved", statistics.reserved},
             {"peak_reserved", statistics.peak_reserved},
             {"wasted", statistics.wasted}}};
}

} // namespace

std::ostream& operator<<(std::ostream& out, const ResourceStatistics& statistics)
{
    detail::write(out, fields_of(statistics));
    return out;
}

std::string to_json(const ResourceStatistics& statistics)
{
    return detail::json_object(fields_of(statistics));
}

Resource::~Resource() = default;

void* Resource::do_allocate(std::size_t bytes, std::size_t alignment)
{
    if (void* const block = try_allocate(bytes, alignment)) return block;
    throw_bad_alloc();
}

void Resource::throw_bad_alloc()
{
    throw std::bad_alloc();
}

namespace detail {

Upstream::Upstream(std::pmr::memory_resource* resource)
    : resource_(resource != nullptr ? resource : malloc_resource()),
      ours_(dynamic_cast<Resource*>(resource_))
{}

void* Upstream::try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (ours_ != nullptr) return ours_->try_allocate(bytes, alignment);
    try {
        return resource_->allocate(bytes, alignment);
    } catch (...) { // whatever it throws, there is no memory
        return nullptr;
    }
}

} // namespace detail

} // namespace tarn
