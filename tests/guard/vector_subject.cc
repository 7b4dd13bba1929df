// SPDX-License-Identifier: MIT
//
// Instructions that want 16 aligned bytes, on blocks that malloc promises to be so aligned.

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__x86_64__)

namespace {

using Vector = std::array<std::uint8_t, 32>;

struct Case {
    const char* name;
    void (*run)(std::uint8_t* block, Vector& result);
};

// Each gets `block` in rdi and a vector in xmm3, and leaves its result in xmm3 or in the block.
#define CASE(text)                                                                                 \
    {                                                                                              \
        text, [](std::uint8_t* block, Vector& result) {                                            \
            asm volatile("movdqu (%%rsi), %%xmm3\n\t" text "\n\tmovdqu %%xmm3, (%%rsi)"            \
                         : "+D"(block)                                                             \
                         : "a"(std::uintptr_t{2}), "S"(result.data())                              \
                         : "xmm3", "xmm11", "xmm12", "r9", "r12", "r13", "memory");                \
        }                                                                                          \
    }

const Case kCases[] = {
    CASE("movdqa (%%rdi), %%xmm3"),
    CASE("movdqa 16(%%rdi), %%xmm3"),
    CASE("movaps (%%rdi), %%xmm3"),
    CASE("movapd 0x10(%%rdi), %%xmm3"),
    CASE("movdqa %%xmm3, (%%rdi)"),
    CASE("movaps %%xmm3, 16(%%rdi)"),
    CASE("movapd %%xmm3, (%%rdi)"),
    CASE("movntdq %%xmm3, (%%rdi)"),
    CASE("movntps %%xmm3, (%%rdi)"),
    CASE("movdqa (%%rdi,%%rax,8), %%xmm3"),
    CASE("lea -4096(%%rdi), %%r9\n\tmovdqa 4096(%%r9), %%xmm3"),
    CASE("mov %%rdi, %%r12\n\tmovdqa (%%r12), %%xmm3"),
    CASE("mov %%rdi, %%r13\n\tmovdqa (%%r13), %%xmm3"),
    CASE("mov %%rdi, %%r13\n\tpaddd 16(%%r13), %%xmm3"),
    CASE("mov %%rax, %%r12\n\tpxor (%%rdi,%%r12,8), %%xmm3"),
    CASE("movdqa (%%rdi), %%xmm11\n\tmovdqa %%xmm11, %%xmm3"),
    CASE("movdqu %%xmm3, %%xmm12\n\tpaddb (%%rdi), %%xmm12\n\tmovdqa %%xmm12, %%xmm3"),
    CASE("pcmpeqb (%%rdi), %%xmm3"),
    CASE("paddusw (%%rdi), %%xmm3"),
    CASE("punpcklbw (%%rdi), %%xmm3"),
    CASE("pshufd $0x1b, (%%rdi), %%xmm3"),
    CASE("shufps $0x4e, (%%rdi), %%xmm3"),
    CASE("unpckhps (%%rdi), %%xmm3"),
    CASE("andps (%%rdi), %%xmm3"),
    CASE("orpd 16(%%rdi), %%xmm3"),
    CASE("addps (%%rdi), %%xmm3"),
    CASE("sqrtpd (%%rdi), %%xmm3"),
    CASE("cmpeqps (%%rdi), %%xmm3"),
    CASE("pshufb (%%rdi), %%xmm3"),
    CASE("palignr $5, (%%rdi), %%xmm3"),
};

const Case kAvxCases[] = {
    CASE("vmovdqa (%%rdi), %%xmm3"),
    CASE("vmovaps 16(%%rdi), %%xmm3"),
    CASE("vmovdqa %%xmm3, (%%rdi)"),
    CASE("vmovapd %%xmm3, (%%rdi)"),
    CASE("mov %%rdi, %%r12\n\tvmovdqa (%%r12,%%rax,8), %%xmm3"),
    CASE("vmovntdq %%xmm3, (%%rdi)"),
};

void fill(std::uint8_t* bytes, std::size_t size, unsigned seed)
{
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(seed + 37 * i);
}

/// As in aligned memory. False: it has done something else.
bool runs_right(const Case& one)
{
    constexpr std::size_t kSize = 40;
    alignas(32) std::array<std::uint8_t, kSize> expected_block;
    auto* const block = static_cast<std::uint8_t*>(std::malloc(kSize));
    Vector expected{};
    Vector result{};
    for (unsigned seed = 0; seed < 200; seed += 50) {
        fill(expected_block.data(), kSize, seed);
        fill(block, kSize, seed);
        fill(expected.data(), expected.size(), seed + 9);
        result = expected;
        one.run(expected_block.data(), expected);
        one.run(block, result);
        if (std::memcmp(block, expected_block.data(), kSize) != 0 || result != expected) {
            std::printf("wrong: %s\n", one.name);
            return false;
        }
    }
    std::free(block);
    return true;
}

bool run_all()
{
    bool all_right = true;
    for (const Case& one : kCases)
        all_right &= runs_right(one);
    if (!__builtin_cpu_supports("avx")) return all_right;
    for (const Case& one : kAvxCases)
        all_right &= runs_right(one);
    return all_right;
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 1 && std::strcmp(arguments[1], "beyond") == 0) {
        auto* const block = static_cast<std::uint8_t*>(std::malloc(40));
        Vector result{};
        kCases[0].run(block + 32, result);
        std::puts("not stopped");
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([] {
            if (run_all()) std::puts("right");
        });
    for (std::thread& thread : threads)
        thread.join();
}

#else

int main()
{
    for (int i = 0; i < 4; ++i)
        std::puts("right");
}

#endif
