// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <type_traits>

namespace tarn {

/// Objects that lie in a row, some at a time: as many as fit a cache with what is done to them, or
/// as a job of a thread.
///
///     for (std::span<Particle> batch : Batches(particles, 256)) ...
///
/// All but the last have the same size. `size` 0 counts as one. Owns nothing; costs nothing beyond
/// the loops. Thread safety: as the objects'.
template <class T> class Batches {
public:
    class Iterator {
    public:
        using value_type = std::span<T>;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;

        std::span<T> operator*() const { return rest_.first(std::min(size_, rest_.size())); }
        Iterator& operator++()
        {
            rest_ = rest_.subspan(std::min(size_, rest_.size()));
            return *this;
        }
        Iterator operator++(int)
        {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        /// Requires: both are of the same Batches.
        friend bool operator==(const Iterator& left, const Iterator& right)
        {
            return left.rest_.size() == right.rest_.size();
        }

    private:
        friend class Batches;
        Iterator(std::span<T> rest, std::size_t size) : rest_(rest), size_(size) {}

        std::span<T> rest_;
        std::size_t size_ = 1;
    };

    Batches(std::span<T> objects, std::size_t size)
        : objects_(objects), size_(std::max<std::size_t>(size, 1))
    {}

    Iterator begin() const { return {objects_, size_}; }
    Iterator end() const { return {objects_.last(0), size_}; }
    /// How many there are.
    std::size_t size() const { return objects_.size() / size_ + (objects_.size() % size_ != 0); }

private:
    std::span<T> objects_;
    std::size_t size_;
};
template <class Objects>
Batches(Objects&& objects, std::size_t)
    -> Batches<std::remove_reference_t<decltype(*std::data(objects))>>;

} // namespace tarn
