// SPDX-License-Identifier: MIT
//
// A library with operators of its own for itself, as Rust's libLLVM has them: what it calls is
// bound when it is linked, what a program's inline functions call is ours.

#include <cstdlib>
#include <new>
#include <string>

// NOLINTBEGIN(misc-definitions-in-headers)
void* operator new(std::size_t size)
{
    if (void* const block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept
{
    std::free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept
{
    std::free(block);
}
// NOLINTEND(misc-definitions-in-headers)

extern "C" std::string* make_text()
{
    return new std::string(100, 'x');
}
extern "C" void drop_text(std::string* text)
{
    delete text;
}
