// SPDX-License-Identifier: MIT
//
// Promise: operator new calls the new_handler again and again until the memory is there: here the
// third call lifts the limit that stood in the way.

#include <new>
#include <sys/resource.h>

#include "tests/abi/check.h"

namespace {

constexpr std::size_t kSize = 512 * MIB;
int calls = 0;

void limit_address_space(rlim_t bytes)
{
    const rlimit limit{bytes, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0, "expected setrlimit to succeed, seen errno %d", errno);
}

void handler()
{
    if (++calls == 3) {
        limit_address_space(RLIM_INFINITY);
    }
    CHECK(calls <= 3, "expected 3 calls of the handler, seen a fourth");
}

void* allocate(int form)
{
    switch (form) {
    case 0:
        return ::operator new(kSize);
    case 1:
        return ::operator new[](kSize);
    case 2:
        return ::operator new(kSize, std::nothrow);
    case 3:
        return ::operator new[](kSize, std::nothrow);
    case 4:
        return ::operator new (kSize, std::align_val_t{4096});
    case 5:
        return ::operator new[](kSize, std::align_val_t{4096});
    case 6:
        return ::operator new (kSize, std::align_val_t{4096}, std::nothrow);
    default:
        return ::operator new[](kSize, std::align_val_t{4096}, std::nothrow);
    }
}

} // namespace

int main()
{
    std::set_new_handler(handler);
    for (int form = 0; form < 8; ++form) {
        const pid_t child = fork();
        if (child == 0) {
            // Below what is mapped already, so that nothing more can be.
            limit_address_space(1 * MIB);
            void* block = allocate(form);
            CHECK(block != nullptr, "expected form %d to succeed, seen nullptr", form);
            CHECK(calls == 3, "expected 3 calls of the handler, seen %d", calls);
            _exit(0);
        }
        expect_success(child);
    }
    return 0;
}
