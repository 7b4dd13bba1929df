// SPDX-License-Identifier: MIT
//
// Blocks of any resource as a group that is given back at once.
//
//     block [ asked for | link ] <-> [ asked for | link ] <-> ...     newest first

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>

#include <tarn/api.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {
class WatchedBlocks;
} // namespace detail

/// Whether a GroupResource looks at what comes back.
struct GroupOptions {
    const char* name = "group";
    /// Each misuse of a block is reported.
    bool checked = false;
};

/// Remembers each block that it passes on, and gives all that are left back to upstream at once: at
/// release(), and at its end, so that one in a scope is a scope for its blocks. For an upstream
/// that has no such thing itself, as malloc has not, and for parts of one that has. No destructors
/// run: for objects that need theirs see ArenaScope and Owned. A block may be given back on its
/// own, too.
///
/// Cost: a lock of its own each way, and kOverhead bytes for each block; owns() walks over all
/// blocks. Thread safety: any thread at any time, as far as upstream lets them.
class TARN_API GroupResource final : public Resource {
public:
    using Options = GroupOptions;

    /// Bytes taken behind each block, whose size counts as a multiple of 8 then.
    static constexpr std::size_t kOverhead = 32;

    GroupResource() : GroupResource(Options{}) {}
    explicit GroupResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~GroupResource() override;

    /// Gives all blocks back, the newest first. Checked ones report writes beside blocks first.
    void release();

    /// How many are in use.
    std::size_t blocks() const;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override
    {
        return upstream_.resource();
    }
    ResourceStatistics do_statistics() const override;

private:
    struct Link;

    void enter(Link* link) noexcept;
    void leave(Link* link) noexcept;
    void give_back(Link* link);

    detail::Upstream upstream_;
    std::unique_ptr<detail::WatchedBlocks> watched_; // if checked
    mutable std::mutex mutex_;                       // guards what follows
    Link* newest_ = nullptr;
    ResourceStatistics statistics_;
};

} // namespace tarn
