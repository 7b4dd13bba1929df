// SPDX-License-Identifier: MIT
//
// A C++ plugin whose operator new runs out of memory; see
// new_fails_cleanly_in_a_plugin_of_a_c_program.c.

#include <cstddef>
#include <cstdint>
#include <new>

namespace {

int handler_calls = 0;

void handler()
{
    ++handler_calls;
    std::set_new_handler(nullptr);
}

volatile std::size_t too_much = SIZE_MAX / 2;

} // namespace

extern "C" int catches_bad_alloc()
{
    try {
        ::operator delete(::operator new(too_much));
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

extern "C" int calls_new_handler()
{
    std::set_new_handler(handler);
    return catches_bad_alloc() == 1 && handler_calls == 1 ? 1 : 0;
}

extern "C" int nothrow_is_null()
{
    return ::operator new[](too_much, std::nothrow) == nullptr ? 1 : 0;
}
