// SPDX-License-Identifier: MIT
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <tarn/poisoned.h>

#include "tests/unit/resources/misuse_handler.h"

namespace tarn {

namespace {

struct Pair {
    int first;
    int second;
};

} // namespace

TEST(PoisonedValue, IsUsedAsTheValue)
{
    Poisoned<std::string> name("a name that is too long to lie in the string");
    name->append("!");
    Poisoned<std::string> copy = name;
    const Poisoned<std::string> moved = std::move(copy);
    EXPECT_EQ(*moved, *name);
    name = moved;
    name = Poisoned<std::string>("short");
    EXPECT_EQ(*name, "short");
    EXPECT_TRUE(name.check());
    const Poisoned<Pair> pair(std::in_place, Pair{1, 2});
    EXPECT_EQ(pair->first + pair->second, 3);
}

TEST(PoisonedValue, SeesWritesInFrontBehindAndAfterItsEnd)
{
    const test::ThrowingMisuseHandler handler;
    alignas(Poisoned<Pair>) std::byte memory[sizeof(Poisoned<Pair>)];
    auto* pair = ::new (memory) Poisoned<Pair>(Pair{1, 2});
    std::byte* const bytes = memory;
    const auto flip = [bytes](std::size_t at) {
        volatile auto* const byte = reinterpret_cast<volatile unsigned char*>(bytes + at);
        *byte = static_cast<unsigned char>(*byte ^ 1U);
    };
    const std::size_t front = 7;
    const std::size_t behind = sizeof(std::uint64_t) + sizeof(Pair);
    flip(front);
    EXPECT_EQ(handler.of([&] { pair->check(); }), Misuse::underflow);
    flip(front);
    flip(behind);
    EXPECT_EQ(handler.of([&] { static_cast<void>(**pair); }), Misuse::overflow);
    flip(behind);
    EXPECT_EQ((*pair)->second, 2);
    std::destroy_at(pair);
    asm volatile("" : "+r"(pair)); // whose end the compiler has seen
    EXPECT_EQ(handler.of([&] { pair->check(); }), Misuse::use_after_free);
}

} // namespace tarn
