// SPDX-License-Identifier: MIT
//
// Preloaded into real programs: finds the stack of every malloc by tracer/stack_walk.h, and of
// every n-th one by libunwind too, which takes a thousand times as long. At the end it writes
//
//      unwind: 12034 stacks compared, 0 different, 411203 walked
//
// to the file that UNWIND_REPORT names, with both stacks of the first that differ.

#define UNW_LOCAL_ONLY
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <libunwind.h>

#include "tracer/arena.h"
#include "tracer/own_code.h"
#include "tracer/stack_walk.h"

namespace {

constexpr std::size_t kMost = 512;
constexpr std::uint64_t kEveryOther = 97;

std::atomic<std::uint64_t> walked{0};
std::atomic<std::uint64_t> compared{0};
std::atomic<std::uint64_t> different{0};

[[gnu::tls_model("initial-exec")]] thread_local bool inside = false;
[[gnu::tls_model("initial-exec")]] thread_local tarn::StackWalker* walker = nullptr;

struct Stack {
    std::array<std::uintptr_t, kMost> calls;
    std::size_t size = 0;

    void add(std::uintptr_t call)
    {
        if (size < calls.size()) calls[size++] = call;
    }
};

int open_report()
{
    const char* const path = std::getenv("UNWIND_REPORT");
    return path != nullptr ? ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
}

void print(int file, const char* title, const Stack& stack)
{
    ::dprintf(file, "%s\n", title);
    for (std::size_t i = 0; i < stack.size && i < 40; ++i) {
        Dl_info info{};
        ::dladdr(reinterpret_cast<void*>(stack.calls[i] - 1), &info);
        ::dprintf(file, "    %#lx %s+%#lx %s\n", stack.calls[i],
                  info.dli_fname != nullptr ? info.dli_fname : "?",
                  stack.calls[i] - reinterpret_cast<std::uintptr_t>(info.dli_fbase),
                  info.dli_sname != nullptr ? info.dli_sname : "");
    }
}

void compare(const Stack& ours, const Stack& reference)
{
    compared.fetch_add(1, std::memory_order_relaxed);
    bool same = ours.size == reference.size;
    for (std::size_t i = 0; same && i < ours.size; ++i)
        same = ours.calls[i] == reference.calls[i];
    if (same || different.fetch_add(1, std::memory_order_relaxed) >= 5) return;
    const int file = open_report();
    print(file, "ours:", ours);
    print(file, "libunwind's:", reference);
    ::close(file);
}

[[gnu::noinline]] void look()
{
    const tarn::Position start = tarn::current_position();
    if (walker == nullptr)
        walker = static_cast<tarn::StackWalker*>(tarn::arena.take(sizeof(tarn::StackWalker)));
    const tarn::TraceId trace = walker->walk(start, tarn::own_code(), kMost);
    const std::uint64_t number = walked.fetch_add(1, std::memory_order_relaxed);
    static const char* const every = std::getenv("UNWIND_EVERY");
    if (number % (every != nullptr ? std::strtoull(every, nullptr, 10) : kEveryOther) != 0) return;

    Stack ours;
    for (tarn::TraceId node = trace; node != tarn::kNoTrace; node = tarn::stack_trie.parent(node))
        ours.add(tarn::stack_trie.call(node).address);

    Stack reference;
    unw_context_t context;
    unw_cursor_t cursor;
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    while (unw_step(&cursor) > 0) {
        unw_word_t address = 0;
        unw_get_reg(&cursor, UNW_REG_IP, &address);
        if (address == 0) break;
        if (reference.size == 0 && tarn::own_code().contains(address)) continue;
        // As the walker does it: one more where an instruction was interrupted.
        reference.add(address + (unw_is_signal_frame(&cursor) > 0 ? 1 : 0));
    }
    compare(ours, reference);
}

void look_once()
{
    if (inside) return;
    inside = true;
    static const bool ready = tarn::arena.initialise();
    if (ready) look();
    inside = false;
}

template <class Function> Function* next(const char* name)
{
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

[[gnu::destructor]] void end()
{
    inside = true;
    const int file = open_report();
    ::dprintf(file, "unwind: %lu stacks compared, %lu different, %lu walked\n", compared.load(),
              different.load(), walked.load());
    ::close(file);
}

} // namespace

// NOLINTBEGIN: libc's names
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);

[[gnu::visibility("default")]] void* malloc(std::size_t size)
{
    look_once();
    return __libc_malloc(size);
}

[[gnu::visibility("default")]] void* calloc(std::size_t count, std::size_t size)
{
    look_once();
    return __libc_calloc(count, size);
}

[[gnu::visibility("default")]] void* realloc(void* block, std::size_t size)
{
    look_once();
    return __libc_realloc(block, size);
}

[[gnu::visibility("default")]] int dlclose(void* library)
{
    static auto* const libc = next<int(void*)>("dlclose");
    const int result = libc(library);
    if (tarn::module_table.look_for_unloaded()) tarn::rule_cache.clear();
    return result;
}
}
// NOLINTEND
