// SPDX-License-Identifier: MIT
//
// Looking at the heap of the calling thread.

#pragma once

#include <cstddef>
#include <vector>

#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/heap.h"

namespace tarn::test {

/// The calling thread's heap; it gets one if it has none yet.
inline Heap& own_heap()
{
    if (this_thread_cache().heap == nullptr) deallocate(allocate(1));
    return *this_thread_cache().heap;
}

inline const ClassState& own_state(std::size_t size)
{
    return own_heap().state_of(size_class_for(size));
}

/// Blocks in the calling thread's bin, by following the list.
inline std::size_t binned(std::size_t size)
{
    std::size_t count = 0;
    const SizeClass size_class = size_class_for(size);
    const ClassState& state = own_heap().state_of(size_class);
    const FreeBlock* block = state.armed ? state.armed_list : own_heap().bin_of(size_class).head;
    for (; block != nullptr; block = block->next)
        ++count;
    return count;
}

inline Slab& slab_of(const void* block)
{
    const std::size_t granule = address_range.granule_of(block);
    return address_range.slab_at(granule,
                                 static_cast<SizeClass>(address_range.descriptor(granule) & 255));
}

inline std::size_t owner_of(const void* block)
{
    return address_range.descriptor(address_range.granule_of(block)) >> kOwnerShift;
}

/// `pointer`, of which the compiler no longer knows that no block lies there.
inline void* foreign(void* pointer)
{
    asm("" : "+r"(pointer));
    return pointer;
}

/// `count` blocks; all are freed when this goes.
class Blocks {
public:
    Blocks(std::size_t count, std::size_t size)
    {
        for (std::size_t i = 0; i < count; ++i)
            blocks_.push_back(allocate(size));
    }
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;
    ~Blocks() { free_all(); }

    void* operator[](std::size_t i) const { return blocks_[i]; }
    std::size_t size() const { return blocks_.size(); }
    auto begin() const { return blocks_.begin(); }
    auto end() const { return blocks_.end(); }

    /// Frees block `i`; each only once.
    void free(std::size_t i)
    {
        deallocate(blocks_[i]);
        blocks_[i] = nullptr;
    }
    void replace(std::size_t i, std::size_t size)
    {
        deallocate(blocks_[i]);
        blocks_[i] = allocate(size);
    }
    void free_all()
    {
        for (void*& block : blocks_) {
            deallocate(block);
            block = nullptr;
        }
    }

private:
    std::vector<void*> blocks_;
};

} // namespace tarn::test
