// SPDX-License-Identifier: MIT
//
// Thirteen bugs, in a program as any other: g++ -O1 -g, nothing else. The first argument says
// which. Comments mark the lines that a report is to name.

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct Small {
    char bytes[40];
};
struct Large {
    char bytes[48];
};

volatile int sink;

/// `pointer`, of which the compiler no longer knows where it comes from.
template <class T> T* hidden(T* pointer)
{
    asm volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

char* make()
{
    return static_cast<char*>(std::malloc(40));
}

void uaf_r()
{
    char* const block = hidden(make());
    std::free(block);
    sink = *hidden(block);
}

void uaf_w()
{
    char* const block = hidden(static_cast<char*>(std::malloc(40))); // allocated: uaf_w
    std::free(block);                                                // freed: uaf_w
    hidden(block)[3] = 'x';
}

void of_w()
{
    char* const block = hidden(static_cast<char*>(std::malloc(40))); // allocated: of_w
    hidden(block)[40] = 0;
    std::free(block); // noticed: of_w
}

void of_r()
{
    char* const block = hidden(make());
    sink = hidden(block)[40];
    std::free(block);
}

void uf_w()
{
    char* const block = hidden(static_cast<char*>(std::malloc(40))); // allocated: uf_w
    hidden(block)[-1] = 1;
    std::free(block); // noticed: uf_w
}

void df()
{
    char* const block = hidden(static_cast<char*>(std::malloc(40))); // allocated: df
    std::free(block);                                                // freed: df
    std::free(hidden(block));                                        // noticed: df
}

void df2()
{
    char* const block = hidden(static_cast<char*>(std::malloc(40))); // allocated: df2
    char* const other = hidden(make());
    std::free(block); // freed: df2
    std::free(other);
    std::free(hidden(block)); // noticed: df2
}

void inv()
{
    char* const block = hidden(static_cast<char*>(std::malloc(40))); // allocated: inv
    std::free(hidden(block + 8));                                    // noticed: inv
}

void stk()
{
    char buffer[64];
    std::free(hidden(buffer)); // noticed: stk
}

void nm1()
{
    int* const block = hidden(new int[10]); // allocated: nm1
    std::free(block);                       // noticed: nm1
}

void nm2()
{
    int* const block = hidden(new int[10]); // allocated: nm2
    delete hidden(block);                   // noticed: nm2
}

void size()
{
    Small* const block = hidden(new Small);         // allocated: size
    delete reinterpret_cast<Large*>(hidden(block)); // noticed: size
}

void uninit()
{
    char* const block = hidden(make());
    if (block[7] != 0) sink = 1;
    std::free(block);
}

struct Bug {
    const char* name;
    void (*run)();
};

constexpr Bug kBugs[] = {{"uaf_r", uaf_r},  {"uaf_w", uaf_w}, {"of_w", of_w}, {"of_r", of_r},
                         {"uf_w", uf_w},    {"df", df},       {"df2", df2},   {"inv", inv},
                         {"stk", stk},      {"nm1", nm1},     {"nm2", nm2},   {"size", size},
                         {"uninit", uninit}};

} // namespace

int main(int, char** arguments)
{
    for (const Bug& bug : kBugs)
        if (std::strcmp(bug.name, arguments[1]) == 0) bug.run();
    std::puts("end");
}
