// SPDX-License-Identifier: MIT
//
// Dies of a signal, or does something with its own handler of it: segv_subject CASE.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

// NOLINTBEGIN(clang-analyzer-*): the mistakes are what it is for
namespace {

struct Node {
    Node* next;
    void (*call)();
    long value;
};

volatile long sink;
void* volatile hidden;

Node* new_node(bool is_freed)
{
    hidden = std::malloc(sizeof(Node));
    if (is_freed) std::free(hidden);
    return static_cast<Node*>(hidden);
}

[[gnu::noinline]] void touch(const void* address)
{
    sink = *static_cast<const volatile long*>(address);
}

[[gnu::noinline]] long recurse(long depth)
{
    volatile char room[1000];
    room[0] = static_cast<char>(depth);
    return recurse(depth + 1) + room[0];
}

void say(const char* text)
{
    const ssize_t done = ::write(1, text, std::strlen(text));
    if (done < 0) std::abort();
}

/// Writes behind a block until there is no memory any more.
[[gnu::noinline]] void run_away(std::size_t size, bool has_others)
{
    static void* others[1000];
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    for (void*& other : others)
        if (has_others) other = std::malloc(size);
    hidden = const_cast<char*>(block);
    for (std::size_t i = size;; ++i)
        block[i] = 1;
}

void exit_with_7(int)
{
    say("own handler\n");
    ::_exit(7);
}

void check_address(int, siginfo_t* info, void*)
{
    say(info->si_addr == reinterpret_cast<void*>(0x10) ? "right address\n" : "wrong address\n");
    ::_exit(8);
}

void open_page(int, siginfo_t* info, void*)
{
    const auto page = reinterpret_cast<std::uintptr_t>(info->si_addr) & ~std::uintptr_t{4095};
    if (::mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE) != 0) ::_exit(9);
}

void set_action(void (*handler)(int, siginfo_t*, void*), int flags)
{
    struct sigaction action {};
    struct sigaction previous {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &action, &previous);
    if (previous.sa_handler != SIG_DFL) say("not the default\n");
    sigaction(SIGSEGV, nullptr, &previous);
    if (previous.sa_sigaction != handler) say("not the handler that was set\n");
    if (sigismember(&previous.sa_mask, SIGUSR1) != 1) say("not the mask that was set\n");
    constexpr int kRestorer = 0x04000000; // libc's own
    if ((previous.sa_flags & ~kRestorer) != (SA_SIGINFO | flags))
        say("not the flags that were set\n");
}

/// As a garbage collector does.
void use_faults()
{
    constexpr std::size_t kPages = 100;
    constexpr std::size_t kPage = 4096;
    set_action(open_page, 0);
    void* const pages =
        ::mmap(nullptr, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (std::size_t i = 0; i < kPages; ++i)
        static_cast<volatile char*>(pages)[i * kPage] = 1;
    say("used\n");
}

void allocate_a_little()
{
    hidden = std::malloc(10);
    std::free(hidden);
}

struct Case {
    std::string_view name;
    void (*run)();
};

const Case cases[] = {
    {"null", [] { touch(static_cast<char*>(hidden) + 16); }},
    {"stale", [] { sink = new_node(true)->next->value; }},
    {"stale_call", [] { new_node(true)->call(); }},
    {"unset", [] { sink = new_node(false)->next->value; }},
    {"large_freed",
     [] {
         hidden = std::malloc(3 << 20);
         std::free(hidden);
         touch(static_cast<char*>(hidden) + 100'000);
     }},
    {"wild", [] { touch(reinterpret_cast<void*>(0x123456789000)); }},
    {"run_away", [] { run_away(100, false); }},
    {"run_away_mid", [] { run_away(50'000, false); }},
    {"run_away_large", [] { run_away(500'000, false); }},
    {"run_away_between_others", [] { run_away(100, true); }},
    {"jump_into_block",
     [] {
         hidden = std::malloc(40);
         reinterpret_cast<void (*)()>(hidden)();
     }},
    {"behind_a_file",
     [] {
         std::FILE* const file = std::tmpfile();
         touch(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, ::fileno(file), 0));
     }},
    {"wild_jump",
     [] {
#if defined(__x86_64__)
         // Arrives there on some processors, where the instruction cannot be read.
         asm volatile("push %0\n\tret" : : "r"(0xDFDFDFDFDFDFDFDF) : "memory");
#else
         touch(reinterpret_cast<void*>(0xDFDFDFDFDFDFDFDF));
#endif
     }},
    {"fork_while_reporting",
     [] {
         std::thread([] {
             hidden = std::malloc(40);
             std::free(hidden);
             std::free(hidden); // its report takes a while
         }).detach();
         ::usleep(500'000);
         const pid_t child = ::fork();
         if (child == 0) touch(reinterpret_cast<void*>(0x123456789000));
         int status = 0;
         ::waitpid(child, &status, 0);
         say(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? "the child first\n" : "no\n");
     }},
    {"wild_in_eight_threads",
     [] {
         std::vector<std::thread> threads;
         for (int i = 0; i < 8; ++i)
             threads.emplace_back([] { touch(reinterpret_cast<void*>(0x123456789000)); });
         for (std::thread& thread : threads)
             thread.join();
     }},
    {"deep", [] { sink = recurse(0); }},
    {"deep_thread", [] { std::thread([] { sink = recurse(0); }).join(); }},
    {"deep_thread_allocates",
     [] {
         for (int i = 0; i < 100; ++i)
             std::thread(allocate_a_little).join();
         std::thread([] {
             allocate_a_little();
             sink = recurse(0);
         }).join();
     }},
    {"own_alternate_stack",
     [] {
         std::thread([] {
             static char memory[1 << 16];
             stack_t own{.ss_sp = memory, .ss_flags = 0, .ss_size = sizeof memory};
             allocate_a_little();
             if (sigaltstack(&own, nullptr) != 0) say("no stack\n");
             allocate_a_little();
         }).join();
         std::thread([] {
             stack_t now{};
             allocate_a_little();
             if (sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0) say("own\n");
         }).join();
     }},
    {"thread", [] { std::thread([] { sink = new_node(true)->next->value; }).join(); }},
    {"raise", [] { std::raise(SIGSEGV); }},
    {"handler",
     [] {
         if (std::signal(SIGSEGV, exit_with_7) != SIG_DFL) say("not the default\n");
         touch(reinterpret_cast<void*>(0x10));
     }},
    {"action",
     [] {
         set_action(check_address, SA_NODEFER);
         touch(reinterpret_cast<void*>(0x10));
     }},
    {"reset",
     [] {
         set_action([](int, siginfo_t*, void*) { say("once\n"); }, static_cast<int>(SA_RESETHAND));
         touch(reinterpret_cast<void*>(0x10));
     }},
    {"back",
     [] {
         std::signal(SIGSEGV, exit_with_7);
         if (std::signal(SIGSEGV, SIG_DFL) != exit_with_7) say("not what was set\n");
         touch(reinterpret_cast<void*>(0x10));
     }},
    {"ignore",
     [] {
         std::signal(SIGSEGV, SIG_IGN);
         std::raise(SIGSEGV);
         say("ignored\n");
     }},
    {"use", use_faults},
    {"guarded_handler",
     [] {
         std::signal(SIGSEGV, exit_with_7);
         touch(new_node(true));
     }},
};

} // namespace

int main(int count, char** arguments)
{
    for (const Case& one : cases)
        if (count > 1 && one.name == arguments[1]) one.run();
}
// NOLINTEND(clang-analyzer-*)
