// SPDX-License-Identifier: MIT
#include <tarn/malloc.h>
#include <tarn/tracing_resource.h>

namespace tarn {

TracingResource::~TracingResource() = default;

void* TracingResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    if (tarn_tag_push == nullptr) return WrapperResource::do_try_allocate(bytes, alignment);
    tarn_tag_push(name()); // a pop is due whatever it returns
    void* const block = WrapperResource::do_try_allocate(bytes, alignment);
    tarn_tag_pop();
    return block;
}

} // namespace tarn
