// SPDX-License-Identifier: MIT
//
// Allocates at places of which each has a better way, at one that has none (ordinary), and at one
// that is hardly used (quiet).

#include <array>
#include <cstdint>
#include <cstdlib>
#include <pthread.h>

namespace {

#ifdef __clang__
#define APART [[gnu::noinline]]
#else
#define APART [[gnu::noinline, gnu::noclone]]
#endif

#define PLACE(name)                                                                                \
    APART void* name(std::size_t size)                                                             \
    {                                                                                              \
        asm volatile("# " #name); /* or functions that are alike become one */                     \
        void* volatile block = std::malloc(size);                                                  \
        *static_cast<void* volatile*>(block) = nullptr;                                            \
        return block;                                                                              \
    }

PLACE(scratch)
PLACE(quiet)
PLACE(object)
PLACE(together)
PLACE(message)
PLACE(ordinary)
PLACE(first_part)

APART void* growing(void* block, std::size_t size)
{
    asm volatile("# growing");
    return std::realloc(block, size);
}

void use_scratch()
{
    for (int i = 0; i < 200000; ++i)
        std::free(scratch(200));
    for (int i = 0; i < 50; ++i)
        std::free(quiet(40));
}

/// Each lives as long as it takes to make a thousand others.
void use_objects()
{
    std::array<void*, 1000> ring{};
    for (std::size_t i = 0; i < 200000; ++i) {
        std::free(ring[i % ring.size()]);
        ring[i % ring.size()] = object(48);
    }
    for (void* const block : ring)
        std::free(block);
}

void grow()
{
    for (int round = 0; round < 200; ++round) {
        void* block = first_part(1024);
        for (std::size_t size = 2; size <= 100; ++size)
            block = growing(block, size * 1024);
        std::free(block);
    }
}

std::array<void*, 500> batch;

void* take_messages(void*)
{
    for (void* const block : batch)
        std::free(block);
    return nullptr;
}

void send_messages()
{
    for (int round = 0; round < 100; ++round) {
        for (void*& block : batch)
            block = message(300);
        pthread_t taker{};
        ::pthread_create(&taker, nullptr, take_messages, nullptr);
        ::pthread_join(taker, nullptr);
    }
}

/// Of many sizes, and some live long.
void do_other_things()
{
    static std::array<void*, 3000> blocks;
    std::uint64_t random = 1;
    const auto below = [&random](std::uint64_t end) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        return (random >> 33U) % end;
    };
    for (int i = 0; i < 100000; ++i) {
        void*& block = blocks[below(blocks.size())];
        std::free(block);
        block = ordinary(16 + below(1000));
    }
}

void gather()
{
    static std::array<void*, 40000> blocks;
    for (void*& block : blocks)
        block = together(500);
    for (void* const block : blocks)
        std::free(block);
}

} // namespace

int main()
{
    use_scratch();
    use_objects();
    grow();
    send_messages();
    do_other_things();
    gather();
    return 0;
}
