// SPDX-License-Identifier: MIT
//
// Objects of one type from a pool.

#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <tarn/fixed_pool_resource.h>

namespace tarn {

/// As FixedPoolOptions, of objects of one type.
struct ObjectPoolOptions {
    const char* name = "object pool";
    std::size_t blocks = 1024; // objects of the first slab
    Exhaustion when_exhausted = Exhaustion::grow;
    bool checked = false; // as of FixedPoolOptions
};

/// Makes and destroys objects in blocks of a FixedPoolResource.
///
///     ObjectPool<Connection> connections({.blocks = 64, .when_exhausted = Exhaustion::fail});
///     if (auto connection = connections.try_make(socket)) connection->serve();
///
/// The pool outlives its objects. Cost: a few instructions besides the constructor. Thread safety:
/// one thread at a time.
template <class T> class ObjectPool {
public:
    using Options = ObjectPoolOptions;

    class Deleter {
    public:
        Deleter() = default;
        explicit Deleter(ObjectPool& pool) noexcept : pool_(&pool) {}
        void operator()(T* object) const { pool_->destroy(object); }

    private:
        ObjectPool* pool_ = nullptr;
    };
    /// Gives the object back to its pool.
    using Handle = std::unique_ptr<T, Deleter>;

    ObjectPool() : ObjectPool(Options{}) {}
    explicit ObjectPool(const Options& options, std::pmr::memory_resource* upstream = nullptr)
        : resource_({.name = options.name,
                     .block_size = sizeof(T),
                     .alignment = alignof(T),
                     .blocks = options.blocks,
                     .when_exhausted = options.when_exhausted,
                     .checked = options.checked},
                    upstream)
    {}

    /// Errors: std::bad_alloc, and what the constructor throws.
    template <class... Arguments> [[nodiscard]] Handle make(Arguments&&... arguments)
    {
        return Handle(create(std::forward<Arguments>(arguments)...), Deleter(*this));
    }
    /// Errors: an empty handle; and what the constructor throws.
    template <class... Arguments> [[nodiscard]] Handle try_make(Arguments&&... arguments)
    {
        void* const block = resource_.try_allocate_block();
        if (block == nullptr) return Handle();
        return Handle(construct(block, std::forward<Arguments>(arguments)...), Deleter(*this));
    }

    /// Without a handle: destroy() is the caller's. Errors: as of make().
    template <class... Arguments> [[nodiscard]] T* create(Arguments&&... arguments)
    {
        void* const block = resource_.try_allocate_block();
        if (block == nullptr) throw std::bad_alloc();
        return construct(block, std::forward<Arguments>(arguments)...);
    }
    /// Requires: the object is from this pool, or nullptr.
    void destroy(T* object)
    {
        if (object == nullptr) return;
        std::destroy_at(object);
        resource_.deallocate_block(object);
    }

    /// What is below, for statistics.
    FixedPoolResource& resource() noexcept { return resource_; }
    const FixedPoolResource& resource() const noexcept { return resource_; }

private:
    template <class... Arguments> T* construct(void* block, Arguments&&... arguments)
    {
        try {
            return ::new (block) T(std::forward<Arguments>(arguments)...);
        } catch (...) {
            resource_.deallocate_block(block);
            throw;
        }
    }

    FixedPoolResource resource_;
};

} // namespace tarn
