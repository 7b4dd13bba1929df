// SPDX-License-Identifier: MIT
#include <cstdlib>

#include <tarn/resource.h>

#include "src/base/units.h"
#include "src/resources/never_destroyed.h"

namespace tarn {

namespace {

class MallocResource final : public Resource {
public:
    MallocResource() noexcept : Resource("malloc") {}

private:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        if (!detail::is_serviceable(bytes, alignment)) return nullptr;
        if (alignment <= alignof(std::max_align_t)) return std::malloc(bytes);
        // ISO C lets aligned_alloc refuse a size that is no multiple.
        return std::aligned_alloc(alignment, round_up(bytes, alignment));
    }
    void do_deallocate(void* block, std::size_t /*bytes*/, std::size_t /*alignment*/) override
    {
        std::free(block);
    }
    bool do_owns(const void* /*address*/) const noexcept override { return false; }
    ResourceStatistics do_statistics() const override { return {}; }
};

} // namespace

Resource* malloc_resource() noexcept
{
    static detail::NeverDestroyed<MallocResource> resource;
    return &resource.get();
}

} // namespace tarn
