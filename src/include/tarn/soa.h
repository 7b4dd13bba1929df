// SPDX-License-Identifier: MIT
//
// A structure of arrays: loops that read one member of many objects read nothing else.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <tuple>
#include <utility>

#include <tarn/cache_aligned.h>
#include <tarn/resource.h>

namespace tarn {

/// Columns of equal length and fixed capacity in one block of a resource, each column at a cache
/// line of its own.
///
///     Soa<Position, Velocity> bodies(frame, 1000);
///     bodies.push_back(position, velocity);
///     for (Velocity& velocity : bodies.column<1>()) ...
///
/// Requires: moves of the types do not throw. Thread safety: one thread at a time.
template <class... Types> class Soa {
    static_assert((std::is_nothrow_move_constructible_v<Types> && ...));
    static constexpr std::size_t kColumns = sizeof...(Types);
    static constexpr std::size_t kAlignment = std::max({kCacheLine, alignof(Types)...});
    template <std::size_t Column> using Type = std::tuple_element_t<Column, std::tuple<Types...>>;

public:
    /// Errors: what the resource throws; std::bad_array_new_length.
    Soa(std::pmr::memory_resource& resource, std::size_t capacity)
        : resource_(&resource), capacity_(capacity)
    {
        if (capacity >
            detail::kMaxRequest / (kColumns * (kAlignment + std::max({sizeof(Types)...}))))
            throw std::bad_array_new_length();
        std::size_t column = 0;
        ((offsets_[column++] = std::exchange(bytes_, bytes_ + padded(capacity * sizeof(Types)))),
         ...);
        memory_ = static_cast<std::byte*>(resource.allocate(bytes_, kAlignment));
    }
    Soa(Soa&& other) noexcept
        : resource_(other.resource_), memory_(std::exchange(other.memory_, nullptr)),
          offsets_(other.offsets_), bytes_(other.bytes_),
          capacity_(std::exchange(other.capacity_, 0)), size_(std::exchange(other.size_, 0))
    {}
    Soa& operator=(Soa&&) = delete;
    ~Soa()
    {
        clear();
        if (memory_ != nullptr) resource_->deallocate(memory_, bytes_, kAlignment);
    }

    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }

    /// Appends one of each. Returns false if it is full; nothing is moved from then.
    [[nodiscard]] bool push_back(Types... values) noexcept
    {
        if (size_ == capacity_) return false;
        construct(std::index_sequence_for<Types...>(), values...);
        ++size_;
        return true;
    }

    /// Takes one out; the last takes its place. Requires: index < size().
    void swap_remove(std::size_t index) noexcept
    {
        swap_remove(std::index_sequence_for<Types...>(), index);
        --size_;
    }

    void clear() noexcept
    {
        destroy(std::index_sequence_for<Types...>());
        size_ = 0;
    }

    template <std::size_t Column> std::span<Type<Column>> column() noexcept
    {
        return {data<Column>(), size_};
    }
    template <std::size_t Column> std::span<const Type<Column>> column() const noexcept
    {
        return {data<Column>(), size_};
    }

    /// References to one of each. Requires: index < size().
    std::tuple<Types&...> operator[](std::size_t index) noexcept
    {
        return row(std::index_sequence_for<Types...>(), index);
    }

private:
    static constexpr std::size_t padded(std::size_t bytes)
    {
        return (bytes + kAlignment - 1) & ~(kAlignment - 1);
    }
    template <std::size_t Column> Type<Column>* data() const noexcept
    {
        return reinterpret_cast<Type<Column>*>(memory_ + offsets_[Column]);
    }
    template <std::size_t... Columns>
    void construct(std::index_sequence<Columns...> /*columns*/, Types&... values) noexcept
    {
        (std::construct_at(data<Columns>() + size_, std::move(values)), ...);
    }
    template <std::size_t... Columns>
    void swap_remove(std::index_sequence<Columns...> /*columns*/, std::size_t index) noexcept
    {
        (remove_one<Columns>(index), ...);
    }
    template <std::size_t Column> void remove_one(std::size_t index) noexcept
    {
        Type<Column>* const last = data<Column>() + size_ - 1;
        Type<Column>* const removed = data<Column>() + index;
        std::destroy_at(removed);
        if (removed == last) return;
        std::construct_at(removed, std::move(*last));
        std::destroy_at(last);
    }
    template <std::size_t... Columns>
    void destroy(std::index_sequence<Columns...> /*columns*/) noexcept
    {
        (std::destroy_n(data<Columns>(), size_), ...);
    }
    template <std::size_t... Columns>
    std::tuple<Types&...> row(std::index_sequence<Columns...> /*columns*/, std::size_t index)
    {
        return {data<Columns>()[index]...};
    }

    std::pmr::memory_resource* resource_;
    std::byte* memory_ = nullptr;
    std::array<std::size_t, kColumns> offsets_{};
    std::size_t bytes_ = 0;
    std::size_t capacity_;
    std::size_t size_ = 0;
};

} // namespace tarn
