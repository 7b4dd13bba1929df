// SPDX-License-Identifier: MIT
//
// Deletes what a library's own operator new gave, and the reverse. The library is linked in, or the
// argument says what to open.

#include <cstdio>
#include <dlfcn.h>
#include <string>

extern "C" [[gnu::weak]] std::string* make_text();
extern "C" [[gnu::weak]] void drop_text(std::string* text);

int main(int count, char** arguments)
{
    auto* make = &make_text;
    auto* drop = &drop_text;
    if (make == nullptr && count > 1) {
        void* const library = ::dlopen(arguments[1], RTLD_NOW);
        make = reinterpret_cast<decltype(make)>(::dlsym(library, "make_text"));
        drop = reinterpret_cast<decltype(drop)>(::dlsym(library, "drop_text"));
    }
    delete make();
    drop(new std::string(200, 'y'));
    std::puts("all done");
}
