// SPDX-License-Identifier: MIT
//
// Every stack is compared with what backtrace() of libc says of it; with code that has no unwind
// tables on it, where backtrace() ends, with what a walker says that remembers nothing.

#include "tracer/stack_walk.h"

#include <algorithm>
#include <alloca.h>
#include <array>
#include <csignal>
#include <cstring>
#include <execinfo.h>
#include <memory>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"
#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

/// A volatile store after a call keeps it from being a jump.
volatile int after_call = 0;

using Addresses = std::vector<std::uintptr_t>;

/// All zero, as the tracer's memory is.
using Walker = std::unique_ptr<StackWalker>;

/// Innermost first.
Addresses addresses_of(TraceId trace)
{
    Addresses addresses;
    for (; trace != kNoTrace; trace = stack_trie.parent(trace))
        addresses.push_back(stack_trie.call(trace).address);
    return addresses;
}

struct Stack {
    TraceId trace = kNoTrace;
    Addresses expected; // by backtrace()
};

/// The stack of the caller. Always the same place, as the walker requires.
[[gnu::noinline]] Stack take_stack(StackWalker& walker, std::size_t most_calls,
                                   TraceId root = kNoTrace)
{
    Stack stack;
    std::array<void*, kMostCalls + 64> buffer;
    const int size = ::backtrace(buffer.data(), buffer.size());
    stack.trace = walker.walk(current_position(), {}, most_calls, root);
    for (int i = 1; i < size; ++i) // the first is in here
        stack.expected.push_back(
            reinterpret_cast<std::uintptr_t>(buffer[static_cast<std::size_t>(i)]));
    if (stack.expected.size() > most_calls) stack.expected.resize(most_calls);
    if (root != kNoTrace) stack.expected.push_back(stack_trie.call(root).address);
    return stack;
}

/// `expected` by a walker that remembers nothing.
[[gnu::noinline]] Stack take_stack_twice(StackWalker& walker, std::size_t most_calls)
{
    Stack stack;
    stack.trace = walker.walk(current_position(), {}, most_calls);
    const Walker fresh = std::make_unique<StackWalker>();
    stack.expected = addresses_of(fresh->walk(current_position(), {}, most_calls));
    return stack;
}

struct Tree {
    StackWalker* walker = nullptr;
    test::Random* random = nullptr;
    std::size_t most_calls = kMostCalls;
    std::array<TraceId, 3> roots{};
    bool has_generated_code = false;
    int calls_left = 0;
    int stacks = 0;
    int wrong = 0; // stacks that differ
    Addresses last{};

    void look()
    {
        const TraceId root = roots[random->next() / 16 % roots.size()];
        const Stack stack = has_generated_code ? take_stack_twice(*walker, most_calls)
                                               : take_stack(*walker, most_calls, root);
        ++stacks;
        if (addresses_of(stack.trace) == stack.expected) return;
        if (wrong++ == 0) {
            EXPECT_EQ(addresses_of(stack.trace), stack.expected) << "stack " << stacks;
        }
    }
};

void grow(Tree& tree, int depth);

[[gnu::noinline]] void plain(Tree& tree, int depth)
{
    grow(tree, depth);
    after_call = 1;
}

[[gnu::noinline]] void with_alloca(Tree& tree, int depth)
{
    const std::size_t size = tree.random->below(500) + 1;
    auto* const memory = static_cast<volatile char*>(alloca(size));
    memory[0] = 1;
    grow(tree, depth);
    after_call = memory[0];
}

[[gnu::noinline]] void realigned(Tree& tree, int depth)
{
    alignas(128) volatile char memory[256];
    memory[0] = 1;
    asm volatile("" : : "r"(memory) : "memory");
    grow(tree, depth);
    after_call = memory[0];
}

[[gnu::noinline]] void realigned_with_alloca(Tree& tree, int depth)
{
    alignas(64) volatile char memory[64];
    auto* const more = static_cast<volatile char*>(alloca(tree.random->below(900) + 1));
    more[0] = 1;
    memory[1] = 1;
    asm volatile("" : : "r"(memory) : "memory");
    grow(tree, depth);
    after_call = more[0] + memory[1];
}

[[gnu::noinline]] void with_large_frame(Tree& tree, int depth)
{
    volatile char memory[5000];
    memory[tree.random->below(5000)] = 1;
    grow(tree, depth);
    after_call = memory[0];
}

/// All registers that a call preserves are in use.
[[gnu::noinline]] void with_saved_registers(Tree& tree, int depth)
{
    asm volatile("" : : : "rbx", "r12", "r13", "r14", "r15");
    grow(tree, depth);
    after_call = 3;
    grow(tree, depth - 2); // from another place of the same frame
    after_call = 4;
}

using Grow = void(Tree&, int);
std::vector<void (*)(Grow*, Tree*, int)> generated;

/// Code as just-in-time compilers make it, with frame pointers and without unwind tables.
[[maybe_unused]] void generate()
{
    // push %rbp; mov %rsp, %rbp; sub $SIZE, %rsp; mov %rdi, %rax; mov %rsi, %rdi; mov %edx, %esi;
    // call *%rax; leave; ret
    std::array<unsigned char, 20> code{0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0,    0x48, 0x89,
                                       0xF8, 0x48, 0x89, 0xF7, 0x89, 0xD6, 0xFF, 0xD0, 0xC9, 0xC3};
    constexpr std::size_t kSize = 4096;
    auto* const page = static_cast<unsigned char*>(
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(page, MAP_FAILED);
    for (std::size_t at = 64; at + 64 <= kSize; at += 64) {
        code[7] = static_cast<unsigned char>(at / 64 % 3 * 16);
        std::memcpy(page + at, code.data(), code.size());
        generated.push_back(reinterpret_cast<void (*)(Grow*, Tree*, int)>(page + at));
    }
    ASSERT_EQ(::mprotect(page, kSize, PROT_READ | PROT_EXEC), 0);
}

/// Between what such code calls and what calls it, rbp is whatever it is.
[[gnu::noinline]] void by_generated(Tree& tree, int depth)
{
    generated[tree.random->below(generated.size())](grow, &tree, depth);
    after_call = 10;
}

void grow(Tree& tree, int depth)
{
    constexpr std::array kKinds{plain,
                                with_alloca,
                                realigned,
                                realigned_with_alloca,
                                with_large_frame,
                                with_saved_registers};
    while (tree.calls_left > 0) {
        --tree.calls_left;
        if (tree.random->one_in(3)) tree.look();
        if (depth <= 0 || tree.random->one_in(3)) break;
        if (tree.has_generated_code && tree.random->one_in(3))
            by_generated(tree, depth - 1);
        else
            kKinds[tree.random->below(kKinds.size())](tree, depth - 1);
        after_call = 2;
    }
}

class StackWalk : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        ASSERT_TRUE(arena.initialise());
        std::array<void*, 1> buffer;
        ::backtrace(buffer.data(), 1); // loads a library the first time
    }
};

TEST_F(StackWalk, SaysTheSameAsBacktraceInRandomTrees)
{
    test::Random random;
    const Walker walker = std::make_unique<StackWalker>();
    for (int round = 0; round < 20; ++round) {
        Tree tree{.walker = walker.get(), .random = &random, .calls_left = 1000};
        while (tree.calls_left > 0)
            grow(tree, 40);
        ASSERT_GT(tree.stacks, 50);
        ASSERT_EQ(tree.wrong, 0) << "of " << tree.stacks << " in round " << round;
    }
}

#if defined(__x86_64__)

[[gnu::noinline]] void keep_stack(Tree& tree, int)
{
    const Stack stack = take_stack_twice(*tree.walker, kMostCalls);
    tree.last = addresses_of(stack.trace);
    tree.wrong += tree.last == stack.expected ? 0 : 1;
}

TEST_F(StackWalk, GoesThroughGeneratedCode)
{
    generate();
    test::Random random;
    const Walker walker = std::make_unique<StackWalker>();
    const std::uintptr_t beginning =
        addresses_of(take_stack_twice(*walker, kMostCalls).trace).back();
    const auto is_generated = [](std::uintptr_t address) {
        return module_table.find(address) == kNoModule;
    };
    for (const Unwind how : {Unwind::automatic, Unwind::cfi}) {
        set_unwinding(how);
        Tree tree{.walker = walker.get(),
                  .random = &random,
                  .has_generated_code = true,
                  .calls_left = 3000};
        while (tree.calls_left > 0)
            grow(tree, 40);
        ASSERT_GT(tree.stacks, 50);
        EXPECT_EQ(tree.wrong, 0) << "of " << tree.stacks;
        generated.back()(keep_stack, &tree, 0);
        ASSERT_GE(tree.last.size(), 2U);
        EXPECT_TRUE(is_generated(tree.last[1]));
        if (how == Unwind::automatic)
            EXPECT_EQ(tree.last.back(), beginning);
        else
            EXPECT_EQ(tree.last.size(), 2U) << "nothing says where its caller is";
    }
    set_unwinding(Unwind::automatic);
}

/// Frames of generated code end at the same address, though they are of different sizes, and what
/// the other one's caller has left there is still there.
[[gnu::noinline]] void look_in_room(Tree& tree, std::size_t room)
{
    auto* const memory = static_cast<volatile char*>(alloca(room));
    asm volatile("" : : "r"(memory) : "memory");
    const std::size_t size = 32 - room; // of generated[0] 16, then 32, then 0
    if (room == 0)
        generated[1](keep_stack, &tree, 0);
    else
        generated[size == 0 ? 2 : 0](keep_stack, &tree, 0);
    after_call = 11;
}

TEST_F(StackWalk, TellsFramesApartWhoseSizesDiffer)
{
    if (generated.empty()) generate();
    const Walker walker = std::make_unique<StackWalker>();
    Tree tree{.walker = walker.get()};
    for (const std::size_t room : {0, 32, 16, 32, 0, 16, 0})
        look_in_room(tree, room);
    EXPECT_EQ(tree.wrong, 0);
}

using CallWithFrame = void (*)(Grow*, Tree*, int, const std::uintptr_t* frame);

/// Calls with rbp as it is told. Ends `page`.
void generate_call_with_frame(unsigned char*& page)
{
    // push %rbp; mov %rcx, %rbp; mov %rdi, %rax; mov %rsi, %rdi; mov %edx, %esi; call *%rax;
    // pop %rbp; ret
    constexpr std::array<unsigned char, 16> kCode{0x55, 0x48, 0x89, 0xCD, 0x48, 0x89, 0xF8, 0x48,
                                                  0x89, 0xF7, 0x89, 0xD6, 0xFF, 0xD0, 0x5D, 0xC3};
    constexpr std::size_t kSize = 4096;
    page = static_cast<unsigned char*>(
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(page, MAP_FAILED);
    std::ranges::copy(kCode, page + 64);
    ASSERT_EQ(::mprotect(page, kSize, PROT_READ | PROT_EXEC), 0);
}

TEST_F(StackWalk, BelievesAFramePointerThatLeadsToACall)
{
    unsigned char* page = nullptr;
    generate_call_with_frame(page);
    const auto call = reinterpret_cast<CallWithFrame>(page + 64);
    const Walker walker = std::make_unique<StackWalker>();
    Tree tree{.walker = walker.get()};

    const auto real = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    std::array<std::uintptr_t, 3> frame{0, real, 0};
    asm volatile("" : : "r"(frame.data()) : "memory");
    call(keep_stack, &tree, 0, frame.data());
    ASSERT_GE(tree.last.size(), 3U);
    EXPECT_EQ(tree.last[2], real);
    // Interpreters push where they return to.
    frame[1] = reinterpret_cast<std::uintptr_t>(page) + 66;
    asm volatile("" : : "r"(frame.data()) : "memory");
    call(keep_stack, &tree, 0, frame.data());
    EXPECT_EQ(tree.last.size(), 3U);
    // Neither what is no address, nor what is no code, nor what is not aligned.
    static std::uintptr_t data = 0;
    const std::vector<int> on_heap(100);
    for (const std::uintptr_t other :
         {std::uintptr_t{0x123456}, reinterpret_cast<std::uintptr_t>(&data),
          reinterpret_cast<std::uintptr_t>(&on_heap[50])}) {
        frame[1] = other;
        asm volatile("" : : "r"(frame.data()) : "memory");
        call(keep_stack, &tree, 0, frame.data());
        EXPECT_EQ(tree.last.size(), 2U);
    }
    auto* const shifted = reinterpret_cast<char*>(frame.data()) + 4;
    std::memcpy(shifted + 8, &real, sizeof real);
    call(keep_stack, &tree, 0, reinterpret_cast<const std::uintptr_t*>(shifted));
    EXPECT_EQ(tree.last.size(), 2U);
    // Once it leads nowhere, once it does.
    frame[1] = 0;
    call(keep_stack, &tree, 0, frame.data());
    EXPECT_EQ(tree.last.size(), 2U);
    frame[1] = real;
    asm volatile("" : : "r"(frame.data()) : "memory");
    call(keep_stack, &tree, 0, frame.data());
    EXPECT_GE(tree.last.size(), 3U);
    EXPECT_EQ(tree.wrong, 0);
}

// A second stack, to and from which the test switches.
ucontext_t first_context;
ucontext_t second_context;

struct Beyond {
    Tree tree;
    CallWithFrame call = nullptr;
    std::uintptr_t* buffer = nullptr; // right behind the stack
};
Beyond beyond;

[[gnu::noinline]] void keep_once(Tree& tree, int)
{
    tree.last = addresses_of(take_stack(*tree.walker, kMostCalls).trace);
    after_call = 12;
}

void run_below_a_buffer()
{
    keep_once(beyond.tree, 0);
    for (;;) {
        beyond.call(keep_once, &beyond.tree, 0, beyond.buffer);
        ::swapcontext(&second_context, &first_context);
    }
}

/// rbp may be left over from a buffer that was given back since.
TEST_F(StackWalk, ReadsNoMemoryThatIsNotOfTheStack)
{
    constexpr std::size_t kStack = std::size_t{256} * 1024;
    constexpr std::size_t kBuffer = 4096;
    auto* const memory = static_cast<std::byte*>(::mmap(
        nullptr, kStack + kBuffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    unsigned char* page = nullptr;
    generate_call_with_frame(page);
    const Walker walker = std::make_unique<StackWalker>();
    beyond.tree.walker = walker.get();
    beyond.call = reinterpret_cast<CallWithFrame>(page + 64);
    beyond.buffer = reinterpret_cast<std::uintptr_t*>(memory + kStack + 64);
    beyond.buffer[1] = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    ASSERT_EQ(::getcontext(&second_context), 0);
    second_context.uc_stack.ss_sp = memory;
    second_context.uc_stack.ss_size = kStack;
    second_context.uc_link = nullptr;
    ::makecontext(&second_context, run_below_a_buffer, 0);
    ::swapcontext(&first_context, &second_context);
    EXPECT_EQ(beyond.tree.last.size(), 2U) << "the buffer is none of its frames";
    ASSERT_EQ(::munmap(memory + kStack, kBuffer), 0);
    ::swapcontext(&first_context, &second_context);
    EXPECT_EQ(beyond.tree.last.size(), 2U);
    ::munmap(memory, kStack);
}

#endif

TEST_F(StackWalk, GivesTheSameStackTheSameTrace)
{
    const Walker walker = std::make_unique<StackWalker>();
    const Walker other = std::make_unique<StackWalker>();
    std::array<TraceId, 4> traces{};
    for (std::size_t i = 0; i < 4; ++i)
        traces[i] = take_stack(i % 2 == 0 ? *walker : *other, kMostCalls).trace;
    EXPECT_NE(traces[0], kNoTrace);
    for (const TraceId trace : traces)
        EXPECT_EQ(trace, traces[0]);
}

TEST_F(StackWalk, IsBelowTheRootOfTheMoment)
{
    test::Random random;
    const Walker walker = std::make_unique<StackWalker>();
    for (const std::size_t most_calls : {kMostCalls, std::size_t{12}}) {
        Tree tree{.walker = walker.get(),
                  .random = &random,
                  .most_calls = most_calls,
                  .roots = {kNoTrace, stack_trie.child(kNoTrace, {.address = 1, .module = 0xFFFF}),
                            stack_trie.child(kNoTrace, {.address = 2, .module = 0xFFFF})},
                  .calls_left = 2000};
        while (tree.calls_left > 0)
            grow(tree, 30);
        ASSERT_GT(tree.stacks, 50);
        EXPECT_EQ(tree.wrong, 0) << "of " << tree.stacks << " with " << most_calls << " calls";
    }
}

TEST_F(StackWalk, SaysTheSameInThreads)
{
    test::seed();
    test::in_threads(3, [](std::size_t number) {
        test::Random random(number);
        const Walker walker = std::make_unique<StackWalker>();
        Tree tree{.walker = walker.get(), .random = &random, .calls_left = 3000};
        while (tree.calls_left > 0)
            grow(tree, 30);
        EXPECT_EQ(tree.wrong, 0) << "of " << tree.stacks;
    });
}

/// Calls itself so many times, and looks on each step of the way back.
[[gnu::noinline]] void dive(Tree& tree, std::size_t depth)
{
    if (depth != 0) dive(tree, depth - 1);
    after_call = 5;
    tree.look();
    after_call = 6;
}

TEST_F(StackWalk, KeepsTheInnermostCallsOfADeepStack)
{
    test::Random random;
    const Walker walker = std::make_unique<StackWalker>();
    Tree tree{.walker = walker.get(), .random = &random};
    tree.most_calls = 10;
    const auto look_from = [&](std::size_t depth) {
        struct Dive {
            [[gnu::noinline]] static void to(Tree& tree, std::size_t depth)
            {
                if (depth == 0)
                    tree.look();
                else
                    to(tree, depth - 1);
                after_call = 7;
            }
        };
        Dive::to(tree, depth);
    };
    look_from(100);
    look_from(100);
    EXPECT_EQ(tree.wrong, 0);
    tree.most_calls = kMostCalls;
    look_from(2 * kMostCalls);
    EXPECT_EQ(tree.wrong, 0);
}

TEST_F(StackWalk, KeepsAsManyCallsAsItMayOnTheWayBack)
{
    test::Random random;
    const Walker walker = std::make_unique<StackWalker>();
    Tree tree{.walker = walker.get(), .random = &random};
    tree.most_calls = 10;
    dive(tree, 30); // what the last walk kept does not reach far enough for the next
    EXPECT_EQ(tree.wrong, 0) << "of " << tree.stacks;
}

Tree* switching = nullptr;

[[gnu::noinline]] void look_and_switch(int depth)
{
    if (depth > 0) look_and_switch(depth - 1);
    switching->look();
    ::swapcontext(&second_context, &first_context);
    switching->look();
    after_call = 8;
}

void run_second()
{
    for (;;)
        look_and_switch(10);
}

TEST_F(StackWalk, FollowsAProgramFromStackToStack)
{
    test::Random random;
    const Walker walker = std::make_unique<StackWalker>();
    Tree tree{.walker = walker.get(), .random = &random};
    switching = &tree;
    std::vector<char> memory(std::size_t{256} * 1024);
    ASSERT_EQ(::getcontext(&second_context), 0);
    second_context.uc_stack.ss_sp = memory.data();
    second_context.uc_stack.ss_size = memory.size();
    second_context.uc_link = nullptr;
    ::makecontext(&second_context, run_second, 0);
    for (int i = 0; i < 50; ++i) {
        tree.look();
        ::swapcontext(&first_context, &second_context);
        tree.calls_left = 20;
        grow(tree, 8);
    }
    EXPECT_EQ(tree.wrong, 0) << "of " << tree.stacks;
}

Stack interrupted;
StackWalker* signal_walker = nullptr;

TEST_F(StackWalk, GoesThroughSignalHandlers)
{
    const Walker walker = std::make_unique<StackWalker>();
    signal_walker = walker.get();
    const auto before = std::signal(SIGUSR1, [](int) {
        interrupted = take_stack(*signal_walker, kMostCalls);
        after_call = 9;
    });
    for (int i = 0; i < 3; ++i) {
        interrupted = {};
        std::raise(SIGUSR1);
        Addresses found = addresses_of(interrupted.trace);
        ASSERT_EQ(found.size(), interrupted.expected.size());
        // Of what was interrupted the address is one more, as one is taken off to show it.
        std::size_t different = 0;
        for (std::size_t n = 0; n < found.size(); ++n) {
            if (found[n] == interrupted.expected[n]) continue;
            ++different;
            EXPECT_EQ(found[n], interrupted.expected[n] + 1) << "call " << n;
        }
        EXPECT_EQ(different, 1U);
    }
    std::signal(SIGUSR1, before);
}

} // namespace

} // namespace tarn
