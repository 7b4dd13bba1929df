// SPDX-License-Identifier: MIT
//
// Blocks that are given back twice, and what is no block.

#include <atomic>
#include <cerrno>
#include <csignal>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/misuse/subject.h"

using misuse::drop;
using misuse::hidden;
using misuse::make;
using misuse::say;

namespace {

constexpr std::size_t kMid = 200000;
constexpr std::size_t kLarge = 3 << 20;

char global_bytes[64];

void drop_twice(void* block)
{
    drop(block);
    drop(block);
}

/// As many different stacks.
[[gnu::noinline]] void drop_at_depths(int depth)
{
    drop(&global_bytes[0]);
    if (depth > 1) drop_at_depths(depth - 1);
    asm("" : : : "memory");
}

[[gnu::noinline]] void* make_aligned(std::size_t alignment, std::size_t size)
{
    void* block = nullptr;
    return ::posix_memalign(&block, alignment, size) == 0 ? hidden(block) : nullptr;
}

[[gnu::noinline]] void* resize(void* block, std::size_t size)
{
    return hidden(std::realloc(hidden(block), size));
}

} // namespace

MISUSE(double_free)
{
    drop_twice(make(40));
}

MISUSE(double_free_with_others_between)
{
    char* const block = make(40);
    char* const other = make(40);
    drop(block);
    drop(other);
    for (int i = 0; i < 1000; ++i)
        drop(make(40));
    drop(block);
}

MISUSE(double_free_of_another_thread)
{
    char* const block = make(40);
    std::thread([block] { drop(block); }).join();
    drop(block);
}

MISUSE(double_free_in_another_thread)
{
    char* const block = make(40);
    drop(block);
    std::thread([block] { drop(block); }).join();
}

MISUSE(double_free_in_a_child)
{
    char* const block = make(40);
    drop(block);
    const pid_t child = ::fork();
    if (child == 0) {
        drop(block);
        std::_Exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    say(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? "the child was aborted\n"
                                                           : "the child ended otherwise\n");
}

MISUSE(free_in_parent_and_child)
{
    char* const block = make(40);
    const pid_t child = ::fork();
    drop(block);
    if (child == 0) std::_Exit(0);
    int status = 0;
    ::waitpid(child, &status, 0);
    say(status == 0 ? "the child ended well\n" : "the child ended otherwise\n");
}

MISUSE(double_free_mid)
{
    drop_twice(make(kMid));
}

MISUSE(double_free_large)
{
    drop_twice(make(kLarge));
}

MISUSE(double_free_aligned)
{
    drop_twice(make_aligned(64, 100));
}

MISUSE(double_free_page_aligned)
{
    drop_twice(make_aligned(4096, 100));
}

MISUSE(double_free_huge_aligned)
{
    drop_twice(make_aligned(1 << 21, 100));
}

MISUSE(double_free_empty)
{
    drop_twice(make(0));
}

MISUSE(double_delete)
{
    int* const block = hidden(new int(1));
    delete block;
    delete hidden(block);
}

MISUSE(double_delete_array)
{
    int* const block = hidden(new int[10]);
    delete[] block;
    delete[] hidden(block);
}

MISUSE(free_inside)
{
    drop(make(40) + 8);
}

MISUSE(free_inside_by_a_byte)
{
    drop(make(40) + 1);
}

MISUSE(free_before)
{
    drop(make(40) - 16);
}

MISUSE(free_behind)
{
    drop(make(40) + 48);
}

MISUSE(free_inside_mid)
{
    drop(make(kMid) + 100000);
}

MISUSE(free_inside_large)
{
    drop(make(kLarge) + 4096);
}

MISUSE(free_inside_freed)
{
    char* const block = make(40);
    drop(block);
    drop(block + 8);
}

MISUSE(free_stack)
{
    char buffer[64];
    drop(buffer);
}

MISUSE(free_static)
{
    static char buffer[64];
    drop(buffer);
}

MISUSE(free_of_global)
{
    drop(&global_bytes[5]);
}

MISUSE(free_stack_of_thread)
{
    std::thread([] {
        drop(make(40));
        char buffer[64];
        drop(buffer);
    }).join();
}

MISUSE(free_stack_of_another)
{
    // The one that ends first must not be taken for it.
    std::thread([] { drop(make(40)); }).join();
    std::atomic<char*> theirs{nullptr};
    std::atomic<bool> is_done{false};
    std::thread other([&] {
        drop(make(40));
        char buffer[64];
        theirs = buffer;
        while (!is_done)
            std::this_thread::yield();
    });
    while (theirs == nullptr)
        std::this_thread::yield();
    drop(theirs);
    is_done = true;
    other.join();
}

MISUSE(free_many)
{
    drop_at_depths(300);
}

MISUSE(free_string)
{
    drop(const_cast<char*>("a string"));
}

MISUSE(free_mapping)
{
    drop(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

MISUSE(free_small_number)
{
    drop(reinterpret_cast<void*>(16));
}

MISUSE(free_impossible_address)
{
    drop(reinterpret_cast<void*>(0xdeadbeefdeadbee0));
}

MISUSE(free_keeps_errno)
{
    errno = 42;
    char* const block = make(40);
    drop(block);
    drop(block);
    drop(block + 8);
    say(errno == 42 ? "errno as it was\n" : "errno is another one\n");
}

MISUSE(realloc_freed)
{
    char* const block = make(40);
    drop(block);
    drop(resize(block, 80));
}

MISUSE(realloc_freed_smaller)
{
    char* const block = make(40);
    drop(block);
    drop(resize(block, 8));
}

MISUSE(realloc_to_zero_of_freed)
{
    char* const block = make(40);
    drop(block);
    say(resize(block, 0) == nullptr ? "null\n" : "a block\n");
}

MISUSE(realloc_freed_large)
{
    char* const block = make(kLarge);
    drop(block);
    drop(resize(block, 80));
}

MISUSE(realloc_inside)
{
    resize(make(40) + 16, 80);
}

MISUSE(realloc_stack)
{
    char buffer[64];
    say(resize(buffer, 80) == nullptr && errno == ENOMEM ? "null and ENOMEM\n" : "a block\n");
}

MISUSE(free_after_realloc)
{
    char* const block = make(40);
    void* const moved = resize(block, 4000);
    drop(block);
    drop(moved);
}

/// Of what a loop does wrong once is enough.
MISUSE(double_free_a_hundred_times)
{
    for (int i = 0; i < 100; ++i)
        drop_twice(make(40));
}

MISUSE(two_different_double_frees)
{
    drop_twice(make(40));
    char* const block = make(50);
    drop(block);
    drop(block);
}
