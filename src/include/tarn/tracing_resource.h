// SPDX-License-Identifier: MIT
#pragma once

#include <memory_resource>

#include <tarn/api.h>
#include <tarn/counting_resource.h>

namespace tarn {

/// Gives what goes through it a tag of <tarn/malloc.h>, its name: where the program is preloaded
/// with tarn, the reports under TARN=trace, profile and leaks, and limits by tag, know these blocks
/// as `name`, inside the tags that the calling thread has. Blocks keep it until they are given
/// back, in whatever way. Without tarn, or without such a report, it only counts.
///
/// What reports can see are blocks of malloc. Over malloc_resource(), or what passes on to it one
/// to one, that is each block. Over an arena, a pool, a slab it is the chunks that these take while
/// a request comes through here, not the blocks that are cut from them, and nothing where a chunk
/// was there already: for those this belongs below, as their upstream. Of pages that come from the
/// system (PageResource, MmapResource) they see nothing; statistics() counts these, too.
///
/// Cost: that of WrapperResource, and 80 ns for an allocation under such a report. Thread safety:
/// as WrapperResource.
class TARN_API TracingResource final : public WrapperResource {
public:
    /// `name` may be a path, "render::textures".
    explicit TracingResource(const char* name, std::pmr::memory_resource* upstream = nullptr)
        : WrapperResource(name, upstream)
    {}
    ~TracingResource() override;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
};

} // namespace tarn
