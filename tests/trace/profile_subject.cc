// SPDX-License-Identifier: MIT
//
// Allocates in a way that a careless sample would get wrong, in one thread or in several:
//
//      profile_subject THREADS ROUNDS
//
// Each round: a block that is freed at once (at_once); two in a row, of which the second always
// finds what the first left (first, second); each tenth one of 3000 bytes (medium), each hundredth
// one of 200 000 (run), each thousandth one of 3 000 000 (large); each tenth one of 1000 bytes that
// is lost (lost).

#include <array>
#include <cstdlib>
#include <pthread.h>

#include "tests/leaks/calls_apart.h"

namespace {

#define PLACE(name, bytes)                                                                         \
    APART void* name()                                                                             \
    {                                                                                              \
        asm volatile("# " #name); /* or functions that are alike become one */                     \
        void* volatile block = std::malloc(bytes);                                                 \
        *static_cast<void* volatile*>(block) = nullptr; /* no link to another free block */        \
        return block;                                                                              \
    }

PLACE(at_once, 40)
PLACE(first, 40)
PLACE(second, 40)
PLACE(medium, 3000)
PLACE(run, 200000)
PLACE(large, 3000000)
PLACE(lost, 1000)

APART void one_round(long number)
{
    std::free(at_once());
    void* const one = first();
    void* const other = second();
    std::free(one);
    std::free(other);
    if (number % 10 == 0) std::free(medium());
    if (number % 100 == 0) std::free(run());
    if (number % 1000 == 0) std::free(large());
    if (number % 10 == 5) lost();
}

/// Overwrites what calls have left on the stack: the address of the last lost block, too.
APART void forget()
{
    std::array<volatile char, 4096> waste;
    for (volatile char& byte : waste)
        byte = 0;
}

void* work(void* argument)
{
    const auto rounds = reinterpret_cast<long>(argument);
    for (long number = 0; number < rounds; ++number)
        one_round(number);
    return nullptr;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) return 2;
    const std::size_t threads = std::strtoul(argv[1], nullptr, 10);
    void* const rounds = reinterpret_cast<void*>(std::strtol(argv[2], nullptr, 10));
    if (threads == 1) {
        work(rounds);
        forget();
        return 0;
    }
    std::array<pthread_t, 8> all{};
    for (std::size_t i = 0; i < threads && i < all.size(); ++i)
        ::pthread_create(&all[i], nullptr, work, rounds);
    for (std::size_t i = 0; i < threads && i < all.size(); ++i)
        ::pthread_join(all[i], nullptr);
    return 0;
}
