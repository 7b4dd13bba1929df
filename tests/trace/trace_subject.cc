// SPDX-License-Identifier: MIT
//
// Allocates a known number of blocks in known places, in one thread or in four:
//
//      trace_subject THREADS
//
// Each thread: 1000 blocks of 100 bytes that are freed at once (in_passing), 50 of 1000 bytes that
// are all in use together and then freed (together), 7 of 64 bytes that stay (kept), one that grows
// from 10 to 200 bytes (grown) and is freed by the main thread; 3 of 1025 bytes that stay
// (rounded); 300 of 33 to 64 bytes and 5 of 5000 (of_many_sizes); 200 of which one lives for 30 ms
// (long_lived); one that realloc makes larger 100 times, by 100 bytes (growing), and another that
// it leaves where it is 50 times (in_place).

#include <array>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <unistd.h>

#include "tests/leaks/calls_apart.h"

namespace {

std::array<std::array<void*, 7>, 4> kept_blocks;
std::array<std::array<void*, 3>, 4> rounded_blocks;
std::array<void*, 4> grown_blocks;

APART void in_passing()
{
    void* volatile block = std::malloc(100);
    std::free(block);
    BEHIND;
}

APART void* one_of_many()
{
    void* volatile block = std::malloc(1000);
    BEHIND;
    return block;
}

APART void together()
{
    std::array<void*, 50> blocks;
    for (void*& block : blocks)
        block = one_of_many();
    for (void* const block : blocks)
        std::free(block);
    BEHIND;
}

APART void kept(std::size_t thread)
{
    for (void*& block : kept_blocks[thread])
        block = std::calloc(8, 8);
    BEHIND;
}

APART void grown(std::size_t thread)
{
    void* block = std::malloc(10);
    block = std::realloc(block, 200);
    grown_blocks[thread] = block;
    BEHIND;
}

APART void rounded(std::size_t thread)
{
    for (void*& block : rounded_blocks[thread])
        block = std::malloc(1025);
    BEHIND;
}

/// Keeps loops from becoming several calls.
APART std::size_t times(std::size_t count)
{
    volatile std::size_t result = count;
    return result;
}

/// The size of the `number`th of 305.
APART std::size_t many_sizes(std::size_t number)
{
    return number < 300 ? 33 + number % 32 : 5000;
}

APART void* of_size(std::size_t size)
{
    void* volatile block = std::malloc(size);
    BEHIND;
    return block;
}

APART void of_many_sizes()
{
    for (std::size_t i = 0; i < times(305); ++i)
        std::free(of_size(many_sizes(i)));
    BEHIND;
}

APART void* of_some_time()
{
    void* volatile block = std::malloc(100);
    BEHIND;
    return block;
}

APART void sleep_once(std::size_t number)
{
    if (number == 5) ::usleep(30000);
    BEHIND;
}

APART void long_lived()
{
    for (std::size_t i = 0; i < times(200); ++i) {
        void* const block = of_some_time();
        sleep_once(i);
        std::free(block);
    }
    BEHIND;
}

APART void growing()
{
    void* block = std::malloc(100);
    for (std::size_t i = 2; i <= times(101); ++i)
        block = std::realloc(block, 100 * i);
    std::free(block);
    BEHIND;
}

APART void in_place()
{
    void* block = std::malloc(1);
    for (std::size_t i = 0; i < times(50); ++i)
        block = std::realloc(block, 1 + i % 16);
    std::free(block);
    BEHIND;
}

APART void work(std::size_t thread)
{
    for (int i = 0; i < 1000; ++i)
        in_passing();
    together();
    kept(thread);
    grown(thread);
    rounded(thread);
    of_many_sizes();
    long_lived();
    growing();
    in_place();
    BEHIND;
}

void* run(void* argument)
{
    work(reinterpret_cast<std::size_t>(argument));
    return nullptr;
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1;
    if (threads == 1) {
        work(0);
    } else {
        std::array<pthread_t, 4> all;
        for (std::size_t i = 0; i < threads; ++i)
            ::pthread_create(&all[i], nullptr, run, reinterpret_cast<void*>(i));
        for (std::size_t i = 0; i < threads; ++i)
            ::pthread_join(all[i], nullptr);
    }
    for (std::size_t i = 0; i < threads; ++i)
        std::free(grown_blocks[i]);
    return 0;
}
