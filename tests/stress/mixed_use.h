// SPDX-License-Identifier: MIT
//
// Threads that allocate, resize, leave blocks for each other and free what they find, for the core
// by its own names and for malloc under the preload alike.

#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/unit/support/random.h"
#include "tests/unit/support/tagged_block.h"

namespace tarn::test {

template <class Calls> class MixedUse {
public:
    explicit MixedUse(std::size_t places, std::size_t most) : places_(places), most_(most) {}
    MixedUse(const MixedUse&) = delete;
    MixedUse& operator=(const MixedUse&) = delete;
    ~MixedUse() { empty(); }

    /// One call or three, any thread. Ends the process when a block is not as it was left.
    void step(Random& random)
    {
        void* block = any_place(random).exchange(nullptr);
        if (block == nullptr)
            block = Blocks::make(random, most_);
        else if (random.one_in(3))
            block = Blocks::resize(block, random, most_);
        else
            free_checked(std::exchange(block, nullptr));
        free_checked(any_place(random).exchange(block));
    }

    void empty()
    {
        for (std::atomic<void*>& place : places_)
            free_checked(place.exchange(nullptr));
    }

private:
    using Blocks = TaggedBlocks<Calls>;

    std::atomic<void*>& any_place(Random& random) { return places_[random.below(places_.size())]; }

    static void free_checked(void* block)
    {
        if (block == nullptr) return;
        if (!Blocks::is_intact(block)) {
            std::fprintf(stderr, "a block is not as it was left: %p\n", block);
            std::abort();
        }
        Calls::deallocate(block);
    }

    std::vector<std::atomic<void*>> places_;
    std::size_t most_; // bytes of a block
};

} // namespace tarn::test
