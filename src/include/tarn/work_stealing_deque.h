// SPDX-License-Identifier: MIT
//
// Work that a thread has, and others may take.
//
//              top                     bottom
//     ... |    | job | job | job | job |    | ...
//      thieves take ->             <- the owner puts and takes
//
// The deque of Chase and Lev ("Dynamic Circular Work-Stealing Deque", SPAA 2005) with the memory
// orders of Le, Pop, Cohen and Zappa Nardelli ("Correct and Efficient Work-Stealing for Weak Memory
// Models", PPoPP 2013). Where they have a fence, the accesses beside it are ordered themselves: as
// strong, as fast (x86-64: xchg for mfence), and ThreadSanitizer, which knows no fences, sees it.

#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <tarn/cache_aligned.h>
#include <tarn/resource.h>

namespace tarn {

/// A deque for one owner, who pushes and pops the newest at one end, and any number of thieves, who
/// steal the oldest at the other. Each object is taken once.
///
/// T is small and trivially copyable: a pointer, an index. A deque does not own what pointers in it
/// point to. What a thread did before a push, the one that takes the object sees.
///
/// Cost: a push is a few instructions, a pop one locked instruction, a steal one for each attempt.
/// Full, it moves to an array of twice the size. Thieves may still read the old ones, so they live
/// as long as the deque; all of them together are smaller than the array in use.
/// Thread safety: as said; the deque is made and ends while nobody uses it.
template <class T> class WorkStealingDeque {
    static_assert(std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>);
    static_assert(std::atomic<T>::is_always_lock_free, "let it be a pointer to the object");

public:
    /// The capacity to begin with is rounded up to a power of two. Only the owner uses upstream.
    /// Errors: std::bad_alloc; std::invalid_argument, if the capacity is beyond all memory.
    explicit WorkStealingDeque(std::size_t capacity = 64,
                               std::pmr::memory_resource* upstream = nullptr)
        : upstream_(upstream != nullptr ? upstream : malloc_resource()),
          array_(make_array(checked(capacity), nullptr))
    {}
    WorkStealingDeque(const WorkStealingDeque&) = delete;
    WorkStealingDeque& operator=(const WorkStealingDeque&) = delete;
    ~WorkStealingDeque()
    {
        Array* array = array_.load(std::memory_order_relaxed);
        while (array != nullptr) {
            Array* const older = array->older;
            upstream_->deallocate(array, bytes_for(array->capacity), alignof(Array));
            array = older;
        }
    }

    /// For the owner. Errors: std::bad_alloc, and the deque is as before.
    void push(T value)
    {
        const std::size_t bottom = bottom_->load(std::memory_order_relaxed);
        const std::size_t top = top_->load(std::memory_order_acquire);
        Array* array = array_.load(std::memory_order_relaxed);
        if (bottom - top == array->capacity) array = grow(array, top, bottom);
        array->cell(bottom).store(value, std::memory_order_relaxed);
        bottom_->store(bottom + 1, std::memory_order_release); // pairs with try_steal()
    }

    /// For the owner: the newest. Errors: nothing, if there is none.
    [[nodiscard]] std::optional<T> try_pop()
    {
        const std::size_t end = bottom_->load(std::memory_order_relaxed);
        if (end == top_->load(std::memory_order_relaxed)) return std::nullopt; // it only grows
        const std::size_t bottom = end - 1;
        // The sequentially consistent accesses have one order. In it, either this store is before a
        // thief's look at `bottom`, which then leaves the newest alone, or the thief's look at
        // `top` was before the load below, so that it can only win what the exchange decides.
        bottom_->store(bottom, std::memory_order_seq_cst);
        std::size_t top = top_->load(std::memory_order_seq_cst);
        if (top < bottom) return newest(bottom);
        // The last one is for whoever moves `top`; the deque is empty then.
        const bool is_ours =
            top == bottom && top_->compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                                           std::memory_order_relaxed);
        bottom_->store(end, std::memory_order_relaxed);
        if (!is_ours) return std::nullopt;
        return newest(bottom);
    }

    /// For any thread: the oldest. Errors: nothing, if there was a moment in which there was none.
    [[nodiscard]] std::optional<T> try_steal()
    {
        std::size_t top = top_->load(std::memory_order_seq_cst);
        while (static_cast<std::ptrdiff_t>(bottom_->load(std::memory_order_seq_cst) - top) > 0) {
            // Read before it is claimed: from then on the owner may write over it.
            const T value =
                array_.load(std::memory_order_acquire)->cell(top).load(std::memory_order_relaxed);
            if (top_->compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                              std::memory_order_seq_cst))
                return value;
        }
        return std::nullopt;
    }

    /// A moment old, unless the caller is the only one that changes it.
    std::size_t size() const noexcept
    {
        const std::size_t top = top_->load(std::memory_order_acquire);
        const std::size_t bottom = bottom_->load(std::memory_order_acquire);
        return static_cast<std::size_t>(
            std::max(static_cast<std::ptrdiff_t>(bottom - top), std::ptrdiff_t{0}));
    }
    bool is_empty() const noexcept { return size() == 0; }
    /// How many there is room for without a larger array.
    std::size_t capacity() const noexcept
    {
        return array_.load(std::memory_order_acquire)->capacity;
    }

private:
    // The cells lie behind it.
    struct alignas(std::max(alignof(std::atomic<T>), alignof(void*))) Array {
        Array* older;
        std::size_t capacity;

        std::atomic<T>& cell(std::size_t index)
        {
            return reinterpret_cast<std::atomic<T>*>(this + 1)[index & (capacity - 1)];
        }
    };

    static std::size_t checked(std::size_t capacity)
    {
        if (capacity > detail::kMaxRequest / sizeof(std::atomic<T>) / 4)
            throw std::invalid_argument("tarn::WorkStealingDeque: capacity");
        return std::bit_ceil(capacity);
    }
    static constexpr std::size_t bytes_for(std::size_t capacity)
    {
        return sizeof(Array) + capacity * sizeof(std::atomic<T>);
    }
    Array* make_array(std::size_t capacity, Array* older)
    {
        void* const memory = upstream_->allocate(bytes_for(capacity), alignof(Array));
        auto* const array = ::new (memory) Array{older, capacity};
        std::uninitialized_default_construct_n(&array->cell(0), capacity);
        return array;
    }
    Array* grow(Array* array, std::size_t top, std::size_t bottom)
    {
        Array* const larger = make_array(array->capacity * 2, array);
        for (std::size_t i = top; i != bottom; ++i)
            larger->cell(i).store(array->cell(i).load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
        array_.store(larger, std::memory_order_release); // pairs with try_steal()
        return larger;
    }
    T newest(std::size_t bottom)
    {
        return array_.load(std::memory_order_relaxed)->cell(bottom).load(std::memory_order_relaxed);
    }

    std::pmr::memory_resource* upstream_;
    CacheAligned<std::atomic<std::size_t>> top_{};    // taken from this end so far: only grows
    CacheAligned<std::atomic<std::size_t>> bottom_{}; // written by the owner
    std::atomic<Array*> array_;                       // beside it, as the owner reads both
};

} // namespace tarn
