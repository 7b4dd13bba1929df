// SPDX-License-Identifier: MIT
#include <tarn/debug_resource.h>

#include "src/resources/watched_blocks.h"

namespace tarn {

DebugResource::DebugResource(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), upstream_(upstream != nullptr ? upstream : malloc_resource()),
      report_leaks_(options.report_leaks),
      blocks_(std::make_unique<detail::WatchedBlocks>(options.name, upstream_, options.keep_freed,
                                                      options.limit, options.stack_depth,
                                                      options.keep_records))
{}

DebugResource::~DebugResource()
{
    if (report_leaks_) blocks_->check_leaks();
}

std::vector<DebugResource::Leak> DebugResource::leaks() const
{
    std::vector<Leak> leaks;
    for (const auto& block : blocks_->live())
        leaks.push_back({block.address, block.bytes, block.alignment,
                         block.allocated != nullptr ? *block.allocated : CallStack{}});
    return leaks;
}

void DebugResource::check() const
{
    blocks_->check();
}

void DebugResource::release()
{
    blocks_->release();
}

void* DebugResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    return blocks_->try_allocate(bytes, alignment, __builtin_return_address(0));
}

void DebugResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    const void* const from = __builtin_return_address(0);
    if (block != nullptr) blocks_->deallocate(block, detail::at_least_one(bytes), alignment, from);
}

bool DebugResource::do_owns(const void* address) const noexcept
{
    return blocks_->owns(address);
}

ResourceStatistics DebugResource::do_statistics() const
{
    return blocks_->statistics();
}

} // namespace tarn
