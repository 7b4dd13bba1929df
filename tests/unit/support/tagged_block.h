// SPDX-License-Identifier: MIT
//
// Blocks that say themselves how they must look, so that whoever finds one can check it.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "tests/unit/support/contents.h"
#include "tests/unit/support/random.h"

namespace tarn::test {

/// `Calls` is CoreCalls or LibcCalls.
template <class Calls> class TaggedBlocks {
public:
    /// A block of at most `most` bytes and the header, by any of the calls there are.
    /// Errors: nullptr when there is no memory; abort() when zeroed memory is not.
    static void* make(Random& random, std::size_t most)
    {
        const std::size_t size = sizeof(Header) + random.size_up_to(most);
        void* const block = allocate(random, size);
        if (block == nullptr) return nullptr;
        write(block, {size, random.next()});
        return block;
    }

    /// Whether the block is as it was made, and may be as large as it is.
    static bool is_intact(void* block)
    {
        const Header header = read(block);
        return Calls::usable_size(block) >= header.size && is_intact(block, header, header.size);
    }

    /// Resizes the block to at most `most` bytes and the header; the contents must come along.
    /// Errors: as make(); the block is gone then.
    static void* resize(void* block, Random& random, std::size_t most)
    {
        const Header before = read(block);
        const std::size_t size = sizeof(Header) + random.size_up_to(most);
        void* const moved = Calls::reallocate(block, size);
        if (moved == nullptr) {
            Calls::deallocate(block);
            return nullptr;
        }
        if (!is_intact(moved, before, std::min(size, before.size))) std::abort();
        write(moved, {size, before.tag + 1});
        return moved;
    }

private:
    struct Header {
        std::size_t size;
        std::uint64_t tag;
    };

    static void* allocate(Random& random, std::size_t size)
    {
        switch (random.below(4)) {
        case 0: {
            void* const block = Calls::allocate_zeroed(size);
            if (block != nullptr && !is_zero(block, size)) std::abort();
            return block;
        }
        case 1:
            return Calls::allocate_aligned(size, std::size_t{16} << random.below(12));
        default:
            return Calls::allocate(size);
        }
    }

    static void write(void* block, Header header)
    {
        fill(block, header.size, header.tag);
        std::memcpy(block, &header, sizeof(header));
    }

    static Header read(const void* block)
    {
        Header header;
        std::memcpy(&header, block, sizeof(header));
        return header;
    }

    /// Of a block that was written with `header`, the first `limit` bytes but the header itself.
    static bool is_intact(const void* block, const Header& header, std::size_t limit)
    {
        const auto* const bytes = static_cast<const unsigned char*>(block);
        return for_checked_offsets(header.size, limit, [&](std::size_t i) {
            return i < sizeof(Header) || bytes[i] == expected_byte(header.tag, i);
        });
    }
};

} // namespace tarn::test
