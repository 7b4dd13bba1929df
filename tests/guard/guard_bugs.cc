// SPDX-License-Identifier: MIT
//
// The thirteen bugs of the design's matrix, one by its name; ok: none.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

// NOLINTBEGIN(clang-analyzer-*): the mistakes are what it is for
namespace {

struct Small {
    char bytes[40];
};
struct Big {
    char bytes[48];
};

volatile char sink;
void* volatile hidden;

[[gnu::noinline]] void* hide(void* block)
{
    hidden = block;
    return hidden;
}

[[gnu::noinline]] char* make(std::size_t size)
{
    return static_cast<char*>(hide(std::malloc(size)));
}

[[gnu::noinline]] void drop(void* block)
{
    std::free(hide(block));
}

char* stale()
{
    drop(make(40));
    return static_cast<char*>(hidden);
}

struct Bug {
    std::string_view name;
    void (*commit)();
};

constexpr Bug kBugs[] = {
    {"uaf_r", [] { sink = *stale(); }},
    {"uaf_w", [] { stale()[3] = 1; }},
    {"of_w", [] { make(40)[40] = 1, drop(hidden); }},
    {"of_r", [] { sink = make(40)[40], drop(hidden); }},
    {"uf_w", [] { make(40)[-1] = 1, drop(hidden); }},
    {"df", [] { drop(stale()); }},
    {"df2",
     [] {
         char* const first = make(40);
         char* const second = make(40);
         drop(first);
         drop(second);
         drop(first);
     }},
    {"inv", [] { drop(make(40) + 8); }},
    {"stk",
     [] {
         char local[64];
         drop(local);
     }},
    {"nm1", [] { drop(hide(new int[10])); }},
    {"nm2", [] { delete static_cast<int*>(hide(new int[10])); }},
    {"size", [] { delete static_cast<Big*>(hide(new Small)); }},
    {"ok",
     [] {
         std::memset(make(40), 1, 40);
         drop(hidden);
         delete[] new int[7];
         delete new Small;
     }},
};

} // namespace

int main(int count, char** arguments)
{
    for (const Bug& bug : kBugs)
        if (count > 1 && bug.name == arguments[1]) bug.commit();
    std::puts("end");
}
// NOLINTEND(clang-analyzer-*)
