// SPDX-License-Identifier: MIT
//
// Promise: an exception derived from bad_alloc that the new_handler throws reaches the caller of
// operator new as it is; a handler that removes itself turns the failure into a plain bad_alloc.

#include <new>

#include "tests/abi/check.h"

namespace {

struct OutOfWater : std::bad_alloc {
    int level = 42;
};

int calls = 0;

void throwing_handler()
{
    throw OutOfWater();
}

void resigning_handler()
{
    ++calls;
    std::set_new_handler(nullptr);
}

} // namespace

int main()
{
    std::set_new_handler(throwing_handler);
    try {
        ::operator delete(::operator new(opaque_size(SIZE_MAX)));
        CHECK(false, "expected the handler's exception, seen none");
    } catch (const OutOfWater& error) {
        CHECK(error.level == 42, "expected the handler's own object, seen level %d", error.level);
    }

    std::set_new_handler(resigning_handler);
    try {
        ::operator delete[](::operator new[](opaque_size(SIZE_MAX)));
        CHECK(false, "expected bad_alloc, seen none");
    } catch (const OutOfWater&) {
        CHECK(false, "expected a plain bad_alloc, seen the old handler's exception");
    } catch (const std::bad_alloc&) {
        CHECK(calls == 1, "expected one call of the handler, seen %d", calls);
    }
    return 0;
}
