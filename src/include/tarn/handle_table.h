// SPDX-License-Identifier: MIT
//
// Objects by handles, which tell when their object is gone.
//
//     handle [index|generation] --> slot [generation|object]      same generation: that object
//                                        [generation|  free ]-> next free slot
//
// A slot's generation is odd while an object is in it, and one more when that goes: so a handle of
// before never names what comes later. A slot that has had all generations is not used again.

#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include <tarn/resource.h>

namespace tarn {

/// How many objects a HandleTable may name.
struct HandleTableOptions {
    /// Most slots, those that are used up included.
    std::uint32_t most = std::numeric_limits<std::uint32_t>::max() - 1;
};

/// Objects that are named by a number of 64 bits instead of a pointer: it can be stored, sent and
/// copied by anybody, and a lookup by one that is stale gives nullptr, not another object. Objects
/// do not move until they are erased, so nothing must be pinned.
///
///     HandleTable<Texture> textures;
///     const auto handle = textures.make("grass.png");
///     if (Texture* texture = textures.get(handle)) texture->bind();
///     textures.erase(handle);   // get(handle) is nullptr from now on
///
/// Cost: a lookup is some twenty instructions and a cache line besides the object. Memory goes back
/// at the end of the table, and per object it is some 8 bytes more. `Generation` decides how often
/// a slot is used before it is retired: half its values. Thread safety: one thread at a time.
template <class T, std::unsigned_integral Generation = std::uint32_t> class HandleTable {
    static_assert(sizeof(Generation) <= sizeof(std::uint32_t), "a handle has 64 bits");

public:
    using Options = HandleTableOptions;

    /// Names an object of a table of this type. One made by default names none.
    class Handle {
    public:
        Handle() = default;

        /// For storage and other languages. 0: none.
        std::uint64_t bits() const noexcept
        {
            return std::uint64_t{generation_} << 32 | std::uint64_t{index_};
        }
        /// Any number will do: one that bits() never gave names no object.
        static Handle from_bits(std::uint64_t bits) noexcept
        {
            const auto generation = static_cast<Generation>(bits >> 32);
            const bool is_ours = generation == bits >> 32;
            return is_ours ? Handle(static_cast<std::uint32_t>(bits), generation) : Handle();
        }
        /// Whether it was made by a table; its object may be gone.
        explicit operator bool() const noexcept { return generation_ != 0; }
        friend bool operator==(const Handle&, const Handle&) = default;

    private:
        friend class HandleTable;
        Handle(std::uint32_t index, Generation generation) noexcept
            : index_(index), generation_(generation)
        {}

        std::uint32_t index_ = 0;
        Generation generation_ = 0;
    };

    explicit HandleTable(const Options& options = {}, std::pmr::memory_resource* upstream = nullptr)
        : upstream_(upstream), most_(options.most)
    {}
    HandleTable(const HandleTable&) = delete;
    HandleTable& operator=(const HandleTable&) = delete;
    ~HandleTable()
    {
        clear();
        for (std::size_t chunk = 0; chunk < chunks_.size() && chunks_[chunk] != nullptr; ++chunk)
            upstream_.deallocate(chunks_[chunk], bytes_of(chunk), alignof(Slot));
    }

    /// Errors: std::bad_alloc, also at the most slots; and what the constructor throws.
    template <class... Arguments> Handle make(Arguments&&... arguments)
    {
        const Handle handle = try_make(std::forward<Arguments>(arguments)...);
        if (!handle) throw std::bad_alloc();
        return handle;
    }
    /// Errors: a handle of nothing; and what the constructor throws.
    template <class... Arguments> Handle try_make(Arguments&&... arguments)
    {
        const std::uint32_t index = take_slot();
        if (index == kNone) return Handle();
        Slot& slot = slot_at(index);
        try {
            ::new (static_cast<void*>(slot.place)) T(std::forward<Arguments>(arguments)...);
        } catch (...) {
            link(index);
            throw;
        }
        ++slot.generation;
        ++size_;
        return Handle(index, slot.generation);
    }

    /// nullptr: the object is gone, or there never was one.
    T* get(Handle handle) noexcept { return find(handle); }
    const T* get(Handle handle) const noexcept { return find(handle); }
    bool contains(Handle handle) const noexcept { return find(handle) != nullptr; }

    /// Destroys the object; its handles are stale from before its destructor on, which may use the
    /// table. Errors: false, and nothing happens: it is gone already.
    bool erase(Handle handle)
    {
        T* const object = find(handle);
        if (object == nullptr) return false;
        Slot& slot = slot_at(handle.index_);
        ++slot.generation;
        --size_;
        std::destroy_at(object);
        if (slot.generation == 0) {
            ++retired_; // all generations were used: any other would be one that was before
        } else {
            link(handle.index_);
        }
        return true;
    }
    /// Erases all objects. Memory and generations stay.
    void clear()
    {
        for_each([this](Handle handle, T& /*object*/) { erase(handle); });
    }

    /// Calls `work(handle, object)` for each object, in the order of slots. It may erase any
    /// object; what it makes may or may not be among them. Cost: of all slots ever used.
    template <class Work> void for_each(Work&& work)
    {
        for (std::uint32_t index = 0; index < used_; ++index) {
            const Handle handle(index, slot_at(index).generation);
            if (T* const object = find(handle)) std::invoke(work, handle, *object);
        }
    }

    std::size_t size() const noexcept { return size_; }
    bool is_empty() const noexcept { return size_ == 0; }
    /// Slots used so far: the most objects there were at once, and those retired.
    std::size_t slots() const noexcept { return used_; }
    /// Slots that have had all generations.
    std::size_t retired() const noexcept { return retired_; }

private:
    struct Slot {
        alignas(T) std::byte place[sizeof(T)];
        Generation generation; // odd: there is an object
        std::uint32_t next;    // free slot
    };

    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    // A chunk has twice the slots of the one before, so that none ever moves.
    static constexpr std::size_t kFirstChunk = 64;
    static constexpr std::size_t kChunks = 27; // 64 + 128 + ... hold 32 bits of slots

    static constexpr std::size_t chunk_of(std::size_t index)
    {
        return static_cast<std::size_t>(std::bit_width(index + kFirstChunk)) -
               std::bit_width(kFirstChunk);
    }
    static constexpr std::size_t bytes_of(std::size_t chunk)
    {
        return (kFirstChunk << chunk) * sizeof(Slot);
    }
    static_assert(chunk_of(kNone) == kChunks - 1);

    Slot& slot_at(std::size_t index) const noexcept
    {
        const std::size_t chunk = chunk_of(index);
        return chunks_[chunk][index + kFirstChunk - (kFirstChunk << chunk)];
    }

    T* find(Handle handle) const noexcept
    {
        if (handle.index_ >= used_ || handle.generation_ % 2 == 0) return nullptr;
        Slot& slot = slot_at(handle.index_);
        if (slot.generation != handle.generation_) return nullptr;
        return std::launder(reinterpret_cast<T*>(slot.place));
    }

    /// Errors: kNone.
    std::uint32_t take_slot() noexcept
    {
        if (free_ != kNone) return std::exchange(free_, slot_at(free_).next);
        if (used_ >= most_ || used_ == kNone) return kNone;
        const std::size_t chunk = chunk_of(used_);
        if (chunks_[chunk] == nullptr)
            chunks_[chunk] =
                static_cast<Slot*>(upstream_.try_allocate(bytes_of(chunk), alignof(Slot)));
        if (chunks_[chunk] == nullptr) return kNone;
        slot_at(used_).generation = 0;
        return used_++;
    }

    void link(std::uint32_t index) noexcept { slot_at(index).next = std::exchange(free_, index); }

    detail::Upstream upstream_;
    std::array<Slot*, kChunks> chunks_{};
    std::uint32_t most_;
    std::uint32_t used_ = 0;     // slots that ever had an object
    std::uint32_t free_ = kNone; // of these, the one freed last
    std::size_t size_ = 0;
    std::size_t retired_ = 0;
};

} // namespace tarn
