// SPDX-License-Identifier: MIT
//
// Memory in the shapes by which leak checkers are judged: Valgrind's classes, the places where
// LeakSanitizer looks for pointers, and those where neither does. No shape frees anything.
//
//      shapes_subject PLUGIN SHAPE...

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <initializer_list>
#include <map>
#include <memory>
#include <pthread.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <vector>

#include <tarn/malloc.h>

#include "tests/leaks/calls_apart.h"

namespace {

/// Each shape takes what it needs, so that one process can have several.
std::array<void* volatile, 64> roots;
std::size_t roots_in_use = 0;

/// Has an initial value, so it is not where the zeroed ones are.
void* volatile initialised_root = &roots_in_use;

void keep(void* block)
{
    roots[roots_in_use++] = block;
}

/// For pointers that shall not look like one.
std::uintptr_t disguised(void* block)
{
    return ~reinterpret_cast<std::uintptr_t>(block);
}

void* block()
{
    return std::calloc(1, 40);
}

/// Where the rest begins of a block of 64 bytes that begins with these words.
void* numbered(std::initializer_list<std::size_t> numbers)
{
    auto* const words = static_cast<std::size_t*>(std::calloc(1, 64));
    return std::copy(numbers.begin(), numbers.end(), words);
}

void lose(void*) {}

void* inside(void* block)
{
    return static_cast<char*>(block) + 16;
}

/// A block that holds a pointer.
void* holder(void* held)
{
    auto** const words = static_cast<void**>(std::calloc(1, 72));
    words[2] = held;
    return words;
}

/// Overwrites what calls have left on the stack and in registers.
APART void forget()
{
    std::array<volatile char, 65536> waste;
    for (volatile char& byte : waste)
        byte = 0;
#ifdef __x86_64__
    asm volatile("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\txor %%esi, %%esi\n\txor %%edi, %%edi\n\t"
                 "xor %%r8d, %%r8d\n\txor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\t"
                 "xor %%r11d, %%r11d"
                 :
                 :
                 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
#endif
}

// Blocks that lead to each other.

struct Node {
    Node* left;
    Node* right;
    std::uint64_t value;
};

Node* tree(int depth)
{
    if (depth == 0) return nullptr;
    auto* const node = static_cast<Node*>(std::calloc(1, sizeof(Node)));
    node->left = tree(depth - 1);
    node->right = tree(depth - 1);
    return node;
}

Node* ring(int length)
{
    Node* const first = tree(1);
    Node* last = first;
    for (int i = 1; i < length; ++i)
        last = last->left = tree(1);
    last->left = first;
    return first;
}

/// From its end, so that each block is found before the one that leads to it.
void long_list()
{
    Node* first = nullptr;
    for (int i = 0; i < 400'000; ++i) {
        Node* const node = tree(1);
        node->left = first;
        first = node;
    }
    lose(first);
}

void tree_without_a_branch()
{
    Node* const root = tree(4);
    root->right = nullptr;
    keep(root);
}

/// Whichever of the two has the lower addresses.
void ring_that_leads_to_a_ring(bool first_is_lower)
{
    Node* const one = ring(3);
    Node* const other = ring(4);
    (first_is_lower ? one : other)->right = first_is_lower ? other : one;
}

void points_to_itself()
{
    auto** const words = static_cast<void**>(block());
    words[1] = words;
}

void beside_a_word()
{
    const auto address = reinterpret_cast<std::uintptr_t>(block());
    char* const bytes = static_cast<char*>(block());
    keep(bytes);
    std::memcpy(bytes + 3, &address, sizeof address);
}

void resized_too_far()
{
    void* const kept = std::malloc(300);
    if (std::realloc(kept, SIZE_MAX / 2) != nullptr) std::abort();
    keep(kept);
}

void resized_to_zero()
{
    if (std::realloc(block(), 0) != nullptr) std::abort();
}

/// Blocks with a page that cannot be read, as of guarded stacks; they lead to others.
void with_a_page_that_cannot_be_read(std::size_t size, bool is_kept)
{
    char* const pages = static_cast<char*>(std::aligned_alloc(4096, size));
    std::memset(pages, 0, size);
    *reinterpret_cast<void**>(pages) = block();
    *reinterpret_cast<void**>(pages + size - 8) = block();
    ::mprotect(pages + 4096, 4096, PROT_NONE);
    if (is_kept) keep(pages);
}

// Places where pointers may be.

char* plugin_path = nullptr;

/// The variables of a plugin: one for all, one for each thread.
void* volatile* variable_of_plugin(void* plugin, const char* function)
{
    return reinterpret_cast<void* volatile* (*)()>(::dlsym(plugin, function))();
}

void* open_plugin()
{
    void* const plugin = ::dlopen(plugin_path, RTLD_NOW);
    if (plugin == nullptr) std::abort();
    return plugin;
}

void data_of_an_unloaded_library()
{
    void* const plugin = open_plugin();
    *variable_of_plugin(plugin, "shared_variable") = block();
    ::dlclose(plugin);
}

thread_local void* volatile of_thread = nullptr;

void thread_specific(int count)
{
    for (int i = 0; i < count; ++i) {
        pthread_key_t key = 0;
        if (::pthread_key_create(&key, nullptr) != 0) std::abort();
        ::pthread_setspecific(key, block());
    }
}

std::array<pthread_barrier_t, 2> barriers;

void* wait_for_ever(void* body)
{
    reinterpret_cast<void (*)()>(body)();
    forget();
    ::pthread_barrier_wait(&barriers[0]);
    for (;;)
        ::pause();
}

/// A thread that has done `body` and lives on.
void in_thread(void (*body)())
{
    pthread_t thread;
    ::pthread_barrier_init(&barriers[0], nullptr, 2);
    ::pthread_create(&thread, nullptr, wait_for_ever, reinterpret_cast<void*>(body));
    ::pthread_barrier_wait(&barriers[0]);
}

#ifdef __x86_64__
/// Knows a block by a register only.
void* hold_in_register(void* unused)
{
    const std::uintptr_t disguise = disguised(block());
    forget();
    ::pthread_barrier_wait(&barriers[0]);
    asm volatile("mov %0, %%r14\n\tnot %%r14\n"
                 "1:\tmov $34, %%eax\n\tsyscall\n\tjmp 1b" // pause
                 :
                 : "r"(disguise)
                 : "rax", "rcx", "r11", "r14", "memory");
    return unused;
}

void in_a_register()
{
    pthread_t thread;
    ::pthread_barrier_init(&barriers[0], nullptr, 2);
    ::pthread_create(&thread, nullptr, hold_in_register, nullptr);
    ::pthread_barrier_wait(&barriers[0]);
    ::usleep(20000);
}
#endif

APART void leave_deep_in_the_stack()
{
    std::array<void* volatile, 8192> deep;
    deep[16] = block();
}

pthread_key_t cleaned_key;

void* has_a_key(void* unused)
{
    ::pthread_setspecific(cleaned_key, block());
    return unused;
}

void freed_when_a_thread_ends()
{
    ::pthread_key_create(&cleaned_key, std::free);
    pthread_t thread;
    ::pthread_create(&thread, nullptr, has_a_key, nullptr);
    ::pthread_join(thread, nullptr);
}

ucontext_t main_context;
ucontext_t other_context;

void exit_there()
{
    std::exit(0); // NOLINT(concurrency-mt-unsafe): nobody else does
}

/// The main stack is nobody's while the process ends.
void end_on_another_stack()
{
    void* volatile held = block();
    constexpr std::size_t kSize = 256 * 1024;
    ::getcontext(&other_context);
    other_context.uc_stack.ss_sp =
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    other_context.uc_stack.ss_size = kSize;
    ::makecontext(&other_context, exit_there, 0);
    ::swapcontext(&main_context, &other_context);
    std::free(held);
}

// What C++ makes.

struct Counted {
    ~Counted() { --count; }
    static inline int count = 0;
    int value = ++count;
};

struct First {
    virtual ~First() = default;
    long one = 1;
};
struct Second {
    virtual ~Second() = default;
    long two = 2;
};
struct Both : First, Second {};

struct Friend {
    std::shared_ptr<Friend> other;
};

using Words = std::vector<std::string>;

/// The vector, its array, and a buffer for each word.
Words* words(int count)
{
    auto* const result = new Words;
    result->reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        result->emplace_back(100, 'x');
    return result;
}

/// A row of blocks of which only the ends are known, as of a vector that is full: where the next
/// block begins, if the allocator lays them side by side.
void keep_ends(std::size_t size)
{
    constexpr std::size_t kLength = 5;
    auto** const ends = static_cast<char**>(std::malloc(kLength * sizeof(char*)));
    for (std::size_t i = 0; i < kLength; ++i)
        ends[i] = static_cast<char*>(std::malloc(size)) + size;
    keep(ends);
}

void ends_of_full_blocks()
{
    for (const std::size_t size : {16, 48, 512, 4096, 65536, 1 << 20})
        keep_ends(size);
}

void friends()
{
    const auto one = std::make_shared<Friend>();
    const auto other = std::make_shared<Friend>(Friend{one});
    one->other = other;
}

void map_of_words()
{
    static std::map<int, std::string> all;
    for (int i = 0; i < 10; ++i)
        all[i] = std::string(100, 'y');
}

// Reports in the middle of things.

void must_report_nothing()
{
    if (tarn_report_leaks != nullptr && tarn_report_leaks() != 0) std::_Exit(98);
}

void* free_what_is_given(void* given)
{
    ::usleep(1000);
    std::free(given);
    return nullptr;
}

void while_threads_begin()
{
    std::array<pthread_t, 8> threads;
    for (pthread_t& thread : threads) {
        ::pthread_create(&thread, nullptr, free_what_is_given, block());
        must_report_nothing();
    }
    for (const pthread_t thread : threads)
        ::pthread_join(thread, nullptr);
}

std::atomic<bool> is_enough{false};

void* allocate_all_the_time(void* unused)
{
    while (!is_enough) {
        std::array<void*, 20> some;
        for (std::size_t i = 0; i < some.size(); ++i)
            some[i] = std::malloc(i * 50);
        for (void* const one : some)
            std::free(one);
    }
    return unused;
}

void while_threads_allocate()
{
    std::array<pthread_t, 6> threads;
    for (pthread_t& thread : threads)
        ::pthread_create(&thread, nullptr, allocate_all_the_time, nullptr);
    for (int i = 0; i < 10; ++i)
        must_report_nothing();
    is_enough = true;
    for (const pthread_t thread : threads)
        ::pthread_join(thread, nullptr);
}

/// The child has no threads, only what they had.
void in_child_of_threads()
{
    in_thread([] { of_thread = block(); });
    if (const pid_t child = ::fork(); child != 0) {
        int status = 0;
        ::waitpid(child, &status, 0);
        std::printf("child %d\n", status);
        std::fflush(stdout);
    } else {
        std::exit(0); // NOLINT(concurrency-mt-unsafe): nobody else is there
    }
}

struct Shape {
    std::string_view name;
    void (*make)();
};

const Shape kShapes[] = {
    {"nothing", [] {}},
    {"case_1", [] { keep(block()); }},
    {"case_2", [] { keep(holder(block())); }},
    {"case_3", [] { block(); }},
    {"case_4", [] { holder(block()); }},
    {"case_5", [] { keep(inside(block())); }},
    {"case_6", [] { keep(holder(inside(block()))); }},
    {"case_7", [] { keep(inside(holder(block()))); }},
    {"case_8", [] { keep(inside(holder(inside(block())))); }},
    {"case_9", [] { holder(inside(block())); }},
    {"lost_tree", [] { tree(4); }},
    {"tree_without_a_branch", tree_without_a_branch},
    {"branch_without_a_tree", [] { keep(tree(4)->right); }},
    {"long_list", long_list},
    {"kept_ring", [] { keep(ring(5)); }},
    {"ring_before_a_ring", [] { ring_that_leads_to_a_ring(true); }},
    {"ring_behind_a_ring", [] { ring_that_leads_to_a_ring(false); }},
    {"points_to_itself", points_to_itself},
    {"empty", [] { lose(std::malloc(0)); }},
    {"kept_empty", [] { keep(std::malloc(0)); }},
    {"behind_its_end", [] { keep(static_cast<char*>(block()) + 4096); }},
    {"ends_of_full_blocks", ends_of_full_blocks},
    {"ends_of_large_blocks", [] { keep_ends(std::size_t{2} << 20); }},
    {"disguised", [] { keep(reinterpret_cast<void*>(disguised(block()))); }},
    {"beside_a_word", beside_a_word},
    {"resized_too_far", resized_too_far},
    {"resized_to_zero", resized_to_zero},
    {"huge", [] { lose(std::malloc(std::size_t{300} << 20)); }},
    {"kept_unreadable_page", [] { with_a_page_that_cannot_be_read(4 * 4096, true); }},
    {"lost_unreadable_page", [] { with_a_page_that_cannot_be_read(4 * 4096, false); }},
    {"kept_unreadable_large", [] { with_a_page_that_cannot_be_read(1 << 20, true); }},
    {"lost_unreadable_large", [] { with_a_page_that_cannot_be_read(1 << 20, false); }},
    {"initialised_data", [] { initialised_root = block(); }},
    {"data_of_a_library", [] { *variable_of_plugin(open_plugin(), "shared_variable") = block(); }},
    {"data_of_an_unloaded_library", data_of_an_unloaded_library},
    {"own_tls", [] { of_thread = block(); }},
    {"tls_of_a_library", [] { *variable_of_plugin(open_plugin(), "thread_variable") = block(); }},
    {"tls_of_a_thread", [] { in_thread([] { of_thread = block(); }); }},
    {"tls_of_a_library_in_a_thread",
     [] { in_thread([] { *variable_of_plugin(open_plugin(), "thread_variable") = block(); }); }},
    {"few_keys", [] { thread_specific(3); }},
    {"many_keys", [] { thread_specific(100); }},
    {"many_keys_of_a_thread", [] { in_thread([] { thread_specific(100); }); }},
#ifdef __x86_64__
    {"register", in_a_register},
#endif
    {"deep_in_the_stack", leave_deep_in_the_stack},
    {"freed_when_a_thread_ends", freed_when_a_thread_ends},
    {"array_with_a_count", [] { keep(new Counted[7]); }},
    {"second_base", [] { keep(static_cast<Second*>(new Both)); }},
    {"second_member", [] { keep(&(new Both)->two); }},
    {"behind_a_length", [] { keep(numbered({56})); }},
    {"behind_another_number", [] { keep(numbered({55})); }},
    {"old_string",
     [] {
         keep(numbered({5, 39, 0}));
     }},
    {"first_base", [] { keep(static_cast<First*>(new Both)); }},
    {"kept_words", [] { keep(words(20)); }},
    {"lost_words", [] { words(10); }},
    {"friends", friends},
    {"map_of_words", map_of_words},
    {"while_threads_begin", while_threads_begin},
    {"while_threads_allocate", while_threads_allocate},
    {"in_child_of_threads", in_child_of_threads},
    {"end_on_another_stack", end_on_another_stack},
};

APART bool make(std::string_view name)
{
    for (const Shape& shape : kShapes) {
        if (shape.name != name) continue;
        shape.make();
        return true;
    }
    return false;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) return 99;
    plugin_path = argv[1];
    for (int i = 2; i < argc; ++i)
        if (!make(argv[i])) return 99;
    forget();
    return 0;
}
