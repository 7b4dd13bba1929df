// SPDX-License-Identifier: MIT
//
// Touches one byte that it should not: guard_subject read|write|read_freed|write_freed SIZE OFFSET
// [plain|thread|aligned|calloc|realloc|new]. Before that it does what a program does that is right.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

// NOLINTBEGIN(clang-analyzer-*): the mistakes are what it is for
namespace {

volatile char sink;
char* volatile hidden;

[[gnu::noinline]] char* allocate(std::string_view how, std::size_t size)
{
    if (how == "aligned") {
        void* block = nullptr;
        if (posix_memalign(&block, 64, size) != 0) std::abort();
        return static_cast<char*>(block);
    }
    if (how == "calloc") return static_cast<char*>(std::calloc(1, size));
    if (how == "realloc") return static_cast<char*>(std::realloc(std::malloc(size / 2), size));
    if (how == "new") return new char[size];
    return static_cast<char*>(std::malloc(size));
}

[[gnu::noinline]] void release(std::string_view how)
{
    if (how == "new")
        delete[] hidden;
    else
        std::free(hidden);
}

[[gnu::noinline]] void touch(bool is_write, long offset)
{
    if (is_write)
        hidden[offset] = 1; // write
    else
        sink = hidden[offset]; // read
}

/// All of a block may be used, and it is where it should be.
void use_well(std::string_view how, std::size_t size)
{
    hidden = allocate(how, size);
    if (how == "aligned" && reinterpret_cast<std::uintptr_t>(hidden) % 64 != 0) std::abort();
    for (std::size_t i = 0; how == "calloc" && i < size; ++i)
        if (hidden[i] != 0) std::abort();
    std::memset(hidden, 1, size);
}

void act(std::string_view what, std::size_t size, long offset, std::string_view how)
{
    for (int i = 0; i < 100; ++i) {
        use_well(how, size);
        release(how);
    }
    use_well(how, size);
    if (what == "read_freed" || what == "write_freed") {
        release(how);
        std::vector<char*> others;
        others.reserve(1000);
        for (int i = 0; i < 1000; ++i)
            others.push_back(new char[size % 1000 + 1]);
        for (char* other : others)
            delete[] other;
    }
    touch(what == "write" || what == "write_freed", offset);
    if (what == "read" || what == "write") release(how);
}

} // namespace

int main(int count, char** arguments)
{
    if (count < 4) return 2;
    const std::string_view how = count > 4 ? arguments[4] : "plain";
    const auto run = [&] {
        act(arguments[1], std::strtoul(arguments[2], nullptr, 10),
            std::strtol(arguments[3], nullptr, 10), how);
    };
    if (how == "thread")
        std::thread(run).join();
    else
        run();
    std::puts("went on");
}
// NOLINTEND(clang-analyzer-*)
