// SPDX-License-Identifier: MIT
#include <array>
#include <new>
#include <ostream>
#include <utility>

#include <tarn/resource.h>

namespace tarn {

namespace {

struct Field {
    const char* name;
    std::uint64_t value;
};

std::array<Field, 8> fields_of(const ResourceStatistics& statistics)
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
    const char* separator = "";
    for (const Field& field : fields_of(statistics))
        out << std::exchange(separator, ", ") << field.name << ' ' << field.value;
    return out;
}

std::string to_json(const ResourceStatistics& statistics)
{
    std::string text;
    const char* separator = "{";
    for (const Field& field : fields_of(statistics)) {
        text += std::exchange(separator, ",");
        text.append("\"").append(field.name).append("\":").append(std::to_string(field.value));
    }
    return text + "}";
}

Resource::~Resource() = default;

void* Resource::do_allocate(std::size_t bytes, std::size_t alignment)
{
    if (void* const block = do_try_allocate(detail::at_least_one(bytes), alignment)) return block;
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
