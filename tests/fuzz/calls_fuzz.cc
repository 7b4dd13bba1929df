// SPDX-License-Identifier: MIT
//
// Any bytes as a sequence of calls: blocks keep their contents and the heap's books stay right.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/resize.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"

namespace {

void require(bool holds)
{
    if (!holds) std::abort();
}

/// The input, a few bits at a time; zeroes behind its end.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(data), left_(size) {}

    bool empty() const { return left_ == 0; }
    std::size_t byte()
    {
        if (left_ == 0) return 0;
        --left_;
        return *rest_++;
    }
    /// 0 .. 2 MiB: four bits say how large, twelve more how much of that.
    std::size_t block_size()
    {
        const std::size_t low = byte();
        const std::size_t high = byte();
        const std::size_t doubling = 6 + (low & 15);
        return (std::size_t{1} << doubling) * (high << 4 | low >> 4) / 4096;
    }

private:
    const std::uint8_t* rest_;
    std::size_t left_;
};

/// The blocks of one input, by number.
class Blocks {
public:
    Blocks() = default;
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;
    ~Blocks()
    {
        for (std::size_t i = 0; i < kCount; ++i)
            free(i);
    }

    void step(Input& input)
    {
        const std::size_t what = input.byte();
        const std::size_t number = input.byte() % kCount;
        switch (what % 8) {
        case 0:
            free(number);
            break;
        case 1:
            resize(number, std::max(input.block_size(), std::size_t{1}));
            break;
        case 2: {
            const std::size_t size = input.block_size();
            put(number, tarn::allocate_zeroed(size), size);
            require(tarn::test::is_zero(blocks_[number].address, size));
            break;
        }
        case 3: {
            const std::size_t alignment = std::size_t{1} << (what / 8 % 20);
            const std::size_t size = input.block_size();
            put(number, tarn::allocate_aligned(size, alignment), size);
            require(tarn::test::is_aligned(blocks_[number].address, alignment));
            break;
        }
        case 4:
            if (what == 4) tarn::trim_process();
            break;
        default: {
            const std::size_t size = input.block_size();
            put(number, tarn::allocate(size), size);
        }
        }
        if (Block& block = blocks_[number]; block.address != nullptr)
            tarn::test::fill(block.address, block.size, block.tag = ++last_tag_);
    }

private:
    static constexpr std::size_t kCount = 48;

    struct Block {
        void* address = nullptr;
        std::size_t size = 0;
        std::uint64_t tag = 0;
    };

    void put(std::size_t number, void* address, std::size_t size)
    {
        free(number);
        require(address != nullptr);
        require(tarn::test::is_aligned(address, tarn::kMinAlignment));
        require(tarn::usable_size(address) >= size);
        blocks_[number] = {address, size, 0};
    }

    void free(std::size_t number)
    {
        const Block block = std::exchange(blocks_[number], {});
        if (block.address == nullptr) return;
        require(tarn::test::holds(block.address, block.size, block.tag));
        tarn::deallocate(block.address);
    }

    void resize(std::size_t number, std::size_t size)
    {
        Block& block = blocks_[number];
        if (block.address == nullptr) return;
        void* const moved = tarn::reallocate(block.address, size);
        require(moved != nullptr);
        require(tarn::test::holds(moved, block.size, block.tag, std::min(size, block.size)));
        block = {moved, size, 0};
    }

    std::array<Block, kCount> blocks_{};
    std::uint64_t last_tag_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    {
        Input input(data, size);
        Blocks blocks;
        for (int steps = 1; !input.empty(); ++steps) {
            blocks.step(input);
            if (steps % 16 == 0) tarn::verify_heap();
        }
        tarn::verify_heap();
    }
    tarn::verify_heap();
    // The next input starts with an empty heap, so that a finding can be repeated alone.
    tarn::trim_process();
    tarn::verify_heap();
    return 0;
}
