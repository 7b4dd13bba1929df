// SPDX-License-Identifier: MIT
//
// What lives as long as the process: names, constants, tables that are built once.

#pragma once

#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include <tarn/arena_resource.h>

namespace tarn {

/// An arena with a lock around it, that is never reset. Thread safety: any thread at any time.
class TARN_API ProcessArena final : public Resource {
public:
    explicit ProcessArena(const ArenaOptions& options = {.name = "process"},
                          std::pmr::memory_resource* upstream = nullptr)
        : Resource(options.name), arena_(options, upstream)
    {}

    /// An object whose destructor runs at the end of the arena, if ever. The constructor may not
    /// allocate here: the lock is held.
    template <class T, class... Arguments> T* make(Arguments&&... arguments)
    {
        const std::lock_guard lock(mutex_);
        return arena_.make<T>(std::forward<Arguments>(arguments)...);
    }

    /// A copy of the text, with a zero behind it.
    std::string_view dup(std::string_view text)
    {
        const std::lock_guard lock(mutex_);
        return arena_.dup(text);
    }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        const std::lock_guard lock(mutex_);
        return arena_.try_allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        const std::lock_guard lock(mutex_);
        arena_.deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override
    {
        const std::lock_guard lock(mutex_);
        return arena_.owns(address);
    }
    std::pmr::memory_resource* do_upstream() const noexcept override { return arena_.upstream(); }
    ResourceStatistics do_statistics() const override
    {
        const std::lock_guard lock(mutex_);
        return arena_.statistics();
    }

private:
    mutable std::mutex mutex_;
    ArenaResource arena_; // under the lock
};

/// The one of the process. Never destroyed, so that it may be used by destructors of static
/// objects; its memory is reachable to the end, so that reports of leaks count it as "still
/// reachable", not as lost.
TARN_API ProcessArena& process_arena();

} // namespace tarn
