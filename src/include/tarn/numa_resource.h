// SPDX-License-Identifier: MIT
//
// Pages of a chosen node of memory.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <tarn/api.h>
#include <tarn/page_resource.h>
#include <tarn/resource.h>

namespace tarn {

/// Where the memory of a NumaResource is to be.
enum class NumaPlace : std::uint8_t {
    local,      // of the node whose thread touches a page first
    node,       // of the one that is named
    interleave, // of all in turn
};

/// The node or nodes of a NumaResource.
struct NumaOptions {
    const char* name = "numa";
    NumaPlace place = NumaPlace::local;
    std::size_t node = 0; // for NumaPlace::node

    /// For what the threads of one node use.
    static constexpr NumaOptions on_node(std::size_t node)
    {
        return {.place = NumaPlace::node, .node = node};
    }
    /// For what all threads use alike: no node's memory is the bottleneck.
    static constexpr NumaOptions shared() { return {.place = NumaPlace::interleave}; }
};

/// As PageResource, with pages from where the options say. Where the system has one node, knows no
/// such node or does not allow it (containers often do not), pages come from anywhere, and
/// unplaced() counts. As upstream of arenas it serves small blocks, too. Thread safety: any thread
/// at any time.
class TARN_API NumaResource final : public Resource {
public:
    using Options = NumaOptions;

    NumaResource() : NumaResource(Options{}) {}
    explicit NumaResource(const Options& options);

    /// Nodes that there are; 1 where there is no such thing. They are numbered from 0.
    static std::size_t nodes() noexcept;

    /// Blocks whose place could not be chosen.
    std::uint64_t unplaced() const noexcept { return unplaced_.load(std::memory_order_relaxed); }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    /// Unknown.
    bool do_owns(const void* address) const noexcept override;
    ResourceStatistics do_statistics() const override { return pages_.statistics(); }

private:
    PageResource pages_;
    NumaPlace place_;
    std::size_t node_;
    std::atomic<std::uint64_t> unplaced_{0};
};

} // namespace tarn
