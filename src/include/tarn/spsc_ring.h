// SPDX-License-Identifier: MIT
//
// From one thread to another, without a lock.

#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <tarn/cache_aligned.h>
#include <tarn/resource.h>

namespace tarn {

/// A queue of at most `capacity` objects for two threads: one pushes, the other pops. Neither ever
/// waits for the other.
///
/// Cost: a few instructions, and the cache line of the other side only when the ring seems full or
/// empty. Thread safety: as said; the ring is made and ends while nobody uses it.
template <class T> class SpscRing {
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

public:
    /// The capacity is rounded up to a power of two. Errors: std::bad_alloc; std::invalid_argument
    /// without capacity.
    explicit SpscRing(std::size_t capacity, std::pmr::memory_resource* upstream = nullptr)
        : upstream_(upstream != nullptr ? upstream : malloc_resource()), mask_(mask_for(capacity)),
          slots_(static_cast<T*>(upstream_->allocate((mask_ + 1) * sizeof(T), alignof(T))))
    {}
    SpscRing(const SpscRing&) = delete;
    SpscRing& operator=(const SpscRing&) = delete;
    ~SpscRing()
    {
        while (try_pop()) {
        }
        upstream_->deallocate(slots_, (mask_ + 1) * sizeof(T), alignof(T));
    }

    /// For the thread that pushes. Errors: false, and the argument is as before: the ring is full.
    template <class... Arguments> [[nodiscard]] bool try_emplace(Arguments&&... arguments)
    {
        const std::size_t tail = producer_->own.load(std::memory_order_relaxed);
        if (room(tail) == 0) return false;
        std::construct_at(slot(tail), std::forward<Arguments>(arguments)...);
        producer_->own.store(tail + 1, std::memory_order_release); // pairs with room of pop
        return true;
    }
    [[nodiscard]] bool try_push(const T& value) { return try_emplace(value); }
    [[nodiscard]] bool try_push(T&& value) { return try_emplace(std::move(value)); }

    /// Moves as many as there is room for; returns how many.
    std::size_t push_some(std::span<T> values)
    {
        const std::size_t tail = producer_->own.load(std::memory_order_relaxed);
        const std::size_t count = std::min(values.size(), room(tail, values.size()));
        for (std::size_t i = 0; i < count; ++i)
            std::construct_at(slot(tail + i), std::move(values[i]));
        producer_->own.store(tail + count, std::memory_order_release);
        return count;
    }

    /// For the thread that pops. Errors: nothing, if the ring is empty.
    [[nodiscard]] std::optional<T> try_pop()
    {
        const std::size_t head = consumer_->own.load(std::memory_order_relaxed);
        if (filled(head) == 0) return std::nullopt;
        T* const object = slot(head);
        std::optional<T> value(std::move(*object));
        std::destroy_at(object);
        consumer_->own.store(head + 1, std::memory_order_release); // pairs with room of push
        return value;
    }

    /// Moves as many as there are, over the objects of `values`; returns how many.
    std::size_t pop_some(std::span<T> values)
    {
        const std::size_t head = consumer_->own.load(std::memory_order_relaxed);
        const std::size_t count = std::min(values.size(), filled(head, values.size()));
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = std::move(*slot(head + i));
            std::destroy_at(slot(head + i));
        }
        consumer_->own.store(head + count, std::memory_order_release);
        return count;
    }

    /// A moment old, unless the caller is the only one that changes it.
    std::size_t size() const noexcept
    {
        const std::size_t head = consumer_->own.load(std::memory_order_acquire);
        return std::min(producer_->own.load(std::memory_order_acquire) - head, capacity());
    }
    bool is_empty() const noexcept { return size() == 0; }
    std::size_t capacity() const noexcept { return mask_ + 1; }

private:
    // Counts that only grow, so that full is not empty.
    struct Side {
        std::atomic<std::size_t> own{0}; // pushed or popped so far: written by one side
        std::size_t other = 0;           // what this side last saw of the other
    };

    static std::size_t mask_for(std::size_t capacity)
    {
        if (capacity == 0 || capacity > detail::kMaxRequest / sizeof(T) / 2)
            throw std::invalid_argument("tarn::SpscRing: capacity");
        return std::bit_ceil(capacity) - 1;
    }
    T* slot(std::size_t index) const noexcept { return slots_ + (index & mask_); }

    std::size_t room(std::size_t tail, std::size_t wanted = 1) noexcept
    {
        Side& own = *producer_;
        if (capacity() - (tail - own.other) < wanted)
            own.other = consumer_->own.load(std::memory_order_acquire);
        return capacity() - (tail - own.other);
    }
    std::size_t filled(std::size_t head, std::size_t wanted = 1) noexcept
    {
        Side& own = *consumer_;
        if (own.other - head < wanted) own.other = producer_->own.load(std::memory_order_acquire);
        return own.other - head;
    }

    std::pmr::memory_resource* upstream_;
    std::size_t mask_;
    T* slots_;
    CacheAligned<Side> producer_{};
    CacheAligned<Side> consumer_{};
};

} // namespace tarn
