// SPDX-License-Identifier: MIT
//
// What the programs of misuse share. One executable holds them all; the first argument says which.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace misuse {

/// A way to misuse memory, known by its name.
class Kind {
public:
    Kind(const char* name, void (*run)()) : name_(name), run_(run), next_(first) { first = this; }
    Kind(const Kind&) = delete;
    Kind& operator=(const Kind&) = delete;

    static const Kind* find(const char* name)
    {
        const Kind* kind = first;
        while (kind != nullptr && std::strcmp(kind->name_, name) != 0)
            kind = kind->next_;
        return kind;
    }
    void run() const { run_(); }

private:
    const char* const name_;
    void (*const run_)();
    const Kind* const next_;
    static inline constinit const Kind* first = nullptr;
};

/// `pointer`, of which the compiler no longer knows where it comes from.
template <class T> T* hidden(T* pointer)
{
    asm("" : "+r"(pointer) : : "memory");
    return pointer;
}

// The functions that stacks in reports begin with.
[[gnu::noinline]] inline char* make(std::size_t size)
{
    return hidden(static_cast<char*>(std::malloc(size)));
}
[[gnu::noinline]] inline void drop(void* block)
{
    std::free(hidden(block));
}

/// Writes to stderr, among the reports, and without malloc.
void say(const char* text);

} // namespace misuse

/// Defines a kind of misuse by the name of a function, whose body follows.
// NOLINTBEGIN(cert-err58-cpp): the list is made before main
#define MISUSE(name)                                                                               \
    static void name();                                                                            \
    static const misuse::Kind name##_kind(#name, name);                                            \
    [[gnu::noinline]] static void name()
// NOLINTEND(cert-err58-cpp)
