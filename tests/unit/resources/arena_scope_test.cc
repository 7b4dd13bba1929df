// SPDX-License-Identifier: MIT
//
// Marks, scopes and objects with destructors of arenas.

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/gap.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/resources/poisoned.h"
#include "tests/unit/support/contents.h"

namespace tarn {

namespace {

using test::Counted;

/// Writes its number into a list when it ends.
struct Noted {
    Noted(std::vector<int>& list, int number) : list(list), number(number) {}
    Noted(const Noted&) = delete;
    Noted& operator=(const Noted&) = delete;
    ~Noted() { list.push_back(number); }

    std::vector<int>& list;
    int number;
};

struct MarkedModel {
    ArenaResource::Mark mark;
    std::size_t blocks;
};

} // namespace

// Blocks of before a mark survive any rewind to it; those of after it are given back.
RC_GTEST_PROP(ArenaScopeProperty, RewindsKeepWhatWasBefore, (bool checked))
{
    Counted upstream;
    ArenaResource arena({.growth = {2048, 150, 16384}, .checked = checked}, &upstream);
    struct Block {
        void* address;
        std::size_t size;
        std::uint64_t tag;
    };
    std::vector<Block> blocks;
    std::vector<MarkedModel> marks;
    std::uint64_t tag = 0;
    for (const auto& step : *test::any_steps(8000)) {
        using Call = test::ResourceStep::Call;
        if (step.call == Call::allocate) {
            void* const block = arena.allocate(step.size, std::size_t{1} << (step.alignment % 8));
            test::fill(block, step.size, ++tag);
            blocks.push_back({block, step.size, tag});
        } else if (step.call == Call::free_any) {
            marks.push_back({arena.mark(), blocks.size()});
        } else if (!marks.empty()) {
            marks.resize(step.which % marks.size() + 1);
            arena.rewind(marks.back().mark);
            blocks.resize(marks.back().blocks);
        }
        for (const Block& block : blocks)
            RC_ASSERT(test::holds(block.address, block.size, block.tag));
    }
}

TEST(ArenaScope, GivesBackWhatWasAllocatedInIt)
{
    Counted upstream;
    ArenaResource arena({.growth = {4096, 100, 4096}}, &upstream);
    static_cast<void>(arena.allocate(100));
    const std::size_t before = arena.statistics().in_use;
    for (int round = 0; round < 100; ++round) {
        const ArenaScope scope(arena);
        for (int block = 0; block < 100; ++block)
            static_cast<void>(arena.allocate(100));
        static_cast<void>(arena.allocate(100'000));
    }
    EXPECT_EQ(arena.statistics().in_use, before);
    EXPECT_LE(arena.capacity(), 16384U) << "chunks are used again, blocks of their own go back";
}

TEST(ArenaScope, NestsAndWorksOnAnEmptyArena)
{
    ArenaResource arena;
    {
        const ArenaScope outer(arena);
        static_cast<void>(arena.allocate(100, 1));
        {
            const ArenaScope inner(arena);
            static_cast<void>(arena.allocate(MiB(1), 1));
        }
        EXPECT_EQ(arena.statistics().in_use, 100U + test::gap());
    }
    EXPECT_EQ(arena.statistics().in_use, 0U);
}

TEST(ArenaScope, RewindsPastABlockThatWasGivenBack)
{
    ArenaResource arena;
    void* const block = arena.allocate(100, 1);
    const auto mark = arena.mark();
    arena.deallocate(block, 100, 1);
    arena.rewind(mark);
    EXPECT_EQ(arena.statistics().in_use, 0U);
}

TEST(ArenaMark, OfAnotherArenaOrOfBeforeAResetIsMisuse)
{
    const test::ThrowingMisuseHandler handler;
    ArenaResource arena;
    ArenaResource other;
    const auto mark = arena.mark();
    EXPECT_EQ(handler.of([&] { other.rewind(mark); }), Misuse::not_owned);
    arena.reset();
    EXPECT_EQ(handler.of([&] { arena.rewind(mark); }), Misuse::out_of_order);
}

TEST(ArenaMark, ThatIsVoidIsFoundInCheckedArenas)
{
    const test::ThrowingMisuseHandler handler;
    ArenaResource arena({.checked = true});
    const auto outer = arena.mark();
    const auto inner = arena.mark();
    arena.rewind(inner);
    arena.rewind(outer);
    arena.rewind(outer);
    EXPECT_EQ(handler.of([&] { arena.rewind(inner); }), Misuse::out_of_order);
}

TEST(ArenaMake, RunsDestructorsAtResetRewindAndEndNewestFirst)
{
    std::vector<int> ended;
    {
        ArenaResource arena;
        arena.make<Noted>(ended, 1);
        {
            const ArenaScope scope(arena);
            arena.make<Noted>(ended, 2);
            arena.make<Noted>(ended, 3);
        }
        EXPECT_EQ(ended, (std::vector{3, 2}));
        arena.reset();
        EXPECT_EQ(ended, (std::vector{3, 2, 1}));
        arena.make<Noted>(ended, 4);
    }
    EXPECT_EQ(ended, (std::vector{3, 2, 1, 4}));
}

TEST(ArenaMake, GivesBackWhatAConstructorThatThrowsAllocated)
{
    struct Throwing {
        explicit Throwing(ArenaResource& arena) : text(1000, 'x', &arena)
        {
            throw std::runtime_error("no");
        }
        std::pmr::string text;
    };
    ArenaResource arena;
    EXPECT_THROW(arena.make<Throwing>(arena), std::runtime_error);
    EXPECT_EQ(arena.statistics().in_use, 0U);
    arena.reset();
}

TEST(ArenaMake, LetsConstructorsMakeObjects)
{
    struct Parent {
        Parent(ArenaResource& arena, std::vector<int>& ended)
            : child(arena.make<Noted>(ended, 1)), ended(ended)
        {}
        ~Parent() { ended.push_back(child->number + 1); } // it must still be there
        Noted* child;
        std::vector<int>& ended;
    };
    std::vector<int> ended;
    ArenaResource arena;
    arena.make<Parent>(arena, ended);
    arena.reset();
    EXPECT_EQ(ended, (std::vector{2, 1}));
}

TEST(ArenaMake, GivesItsMembersTheArena)
{
    ArenaResource arena;
    auto* const text = arena.make<std::pmr::string>("a text that is longer than a string holds");
    EXPECT_TRUE(arena.owns(text->data()));
}

TEST(ArenaMake, AlignsAndCountsArrays)
{
    struct alignas(256) Wide {
        int value;
    };
    ArenaResource arena;
    const auto numbers = arena.make_array<int>(100);
    EXPECT_EQ(numbers.size(), 100U);
    EXPECT_EQ(numbers[99], 0);
    EXPECT_TRUE(test::is_aligned(arena.make_array<Wide>(3).data(), 256));
    const auto texts = arena.make_array<std::string>(10);
    texts[9] = std::string(1000, 'x'); // LeakSanitizer would miss its end
    EXPECT_TRUE(arena.make_array<std::string>(0).empty());
    EXPECT_THROW(arena.make_array<int>(std::numeric_limits<std::size_t>::max() / 2),
                 std::bad_array_new_length);
}

// Of an arena that is not checked: what it has not handed out, or taken back, may not be touched.
TEST(ArenaDeathTest, AddressSanitizerSeesWhatIsNotHandedOut)
{
    ArenaResource arena;
    auto* const block = static_cast<volatile char*>(arena.allocate(13, 1));
    test::expect_poisoned(block + 13);
    const ArenaResource::Mark mark = arena.mark();
    auto* const later = static_cast<volatile char*>(arena.allocate(100));
    later[99] = 'x';
    arena.rewind(mark);
    test::expect_poisoned(later); // a rewind has taken it
    block[12] = 'x';
    arena.reset();
    test::expect_poisoned(block); // a reset has taken it
}

TEST(ArenaDup, CopiesTextsWithAZeroBehind)
{
    ArenaResource arena;
    std::string original = "text";
    const std::string_view copy = arena.dup(original);
    original[0] = 'n';
    EXPECT_EQ(copy, "text");
    EXPECT_EQ(copy.data()[4], '\0');
    EXPECT_EQ(arena.dup({}), "");
}

} // namespace tarn
