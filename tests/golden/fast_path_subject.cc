// SPDX-License-Identifier: MIT
//
// Calls each function as often as the first argument says, in a loop of its own, so that callgrind
// can tell who called what. Each loop hits the thread cache from its second round on.

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

/// What the loops leave, so that the compiler cannot leave the calls out.
void* volatile last;

} // namespace

#define LOOP extern "C" [[gnu::noinline]] void

LOOP loop_of_small_blocks(long rounds)
{
    for (long i = 0; i < rounds; ++i) {
        last = std::malloc(64);
        std::free(last);
    }
}

LOOP loop_of_medium_blocks(long rounds)
{
    for (long i = 0; i < rounds; ++i) {
        last = std::malloc(4000);
        std::free(last);
    }
}

LOOP loop_of_zeroed_blocks(long rounds)
{
    for (long i = 0; i < rounds; ++i) {
        last = std::calloc(1, 64);
        std::free(last);
    }
}

LOOP loop_of_aligned_blocks(long rounds)
{
    for (long i = 0; i < rounds; ++i) {
        last = ::aligned_alloc(64, 192);
        std::free(last);
    }
}

LOOP loop_of_objects(long rounds)
{
    for (long i = 0; i < rounds; ++i) {
        last = ::operator new(64);
        ::operator delete (last, std::size_t{64});
    }
}

LOOP loop_of_questions(long rounds)
{
    void* const block = std::malloc(64);
    std::size_t sum = 0;
    for (long i = 0; i < rounds; ++i)
        sum += ::malloc_usable_size(block);
    last = reinterpret_cast<void*>(sum);
    std::free(block);
}

int main(int count, char** arguments)
{
    if (count < 2) return 2;
    const long rounds = std::strtol(arguments[1], nullptr, 10);
    loop_of_small_blocks(rounds);
    if (count > 2) return 0; // only these are wanted
    loop_of_medium_blocks(rounds);
    loop_of_zeroed_blocks(rounds);
    loop_of_aligned_blocks(rounds);
    loop_of_objects(rounds);
    loop_of_questions(rounds);
    return 0;
}
