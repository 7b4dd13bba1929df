// SPDX-License-Identifier: MIT
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/failing_resource.h>
#include <tarn/handle_table.h>

#include "tests/unit/resources/counted.h"

namespace tarn {

namespace {

// Few generations, so that slots are used up.
using SmallTable = HandleTable<std::string, std::uint8_t>;
constexpr int kLives = 128; // of a slot of it

std::string text(std::size_t number)
{
    return "a text that does not fit the string itself, " + std::to_string(number);
}

} // namespace

// A step is a number: below 5 something is made, else that handle of all there were is erased.
RC_GTEST_PROP(HandleTableProperty, HandlesNameTheirObjectsOrNothing, (std::uint16_t most))
{
    test::Counted upstream;
    SmallTable table({.most = most}, &upstream);
    std::map<std::uint64_t, std::string> live;
    std::vector<std::uint64_t> handles; // all there ever were
    const auto steps = *rc::gen::container<std::vector<std::size_t>>(
        rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 5), rc::gen::arbitrary<std::size_t>()));
    for (std::size_t step = 0; step < steps.size(); ++step) {
        // Each step once more for each of a slot's lives, so that some slots end.
        for (int life = 0; life < (step % 8 == 0 ? kLives : 1); ++life) {
            if (steps[step] < 5 || handles.empty()) {
                const auto handle = table.try_make(text(handles.size()));
                RC_ASSERT(static_cast<bool>(handle) == (live.size() + table.retired() < most));
                if (!handle) continue;
                RC_ASSERT(live.emplace(handle.bits(), text(handles.size())).second);
                handles.push_back(handle.bits());
            } else {
                const std::size_t which = life % 2 == 0 ? steps[step] : handles.size() - 1;
                const std::uint64_t handle = handles[which % handles.size()];
                RC_ASSERT(table.erase(SmallTable::Handle::from_bits(handle)) ==
                          (live.erase(handle) == 1));
                if (life % 2 == 0) continue;
                const auto next = table.try_make(text(handles.size()));
                if (!next) continue;
                live.emplace(next.bits(), text(handles.size()));
                handles.push_back(next.bits());
            }
        }
        RC_ASSERT(table.size() == live.size());
    }
    RC_ASSERT(std::set<std::uint64_t>(handles.begin(), handles.end()).size() == handles.size());
    for (const std::uint64_t bits : handles) {
        const std::string* const object = table.get(SmallTable::Handle::from_bits(bits));
        RC_ASSERT((object != nullptr) == live.contains(bits));
        if (object != nullptr) RC_ASSERT(*object == live[bits]);
    }
    std::map<std::uint64_t, std::string> seen;
    table.for_each([&](SmallTable::Handle handle, const std::string& object) {
        seen.emplace(handle.bits(), object);
    });
    RC_ASSERT(seen == live);
}

TEST(HandleTable, RetiresASlotThatHasHadAllGenerations)
{
    SmallTable table;
    std::set<std::uint64_t> handles;
    for (int life = 0; life < kLives; ++life) {
        const auto handle = table.make("an object");
        EXPECT_TRUE(handles.insert(handle.bits()).second) << life;
        EXPECT_EQ(table.retired(), 0U);
        EXPECT_EQ(table.slots(), 1U);
        EXPECT_TRUE(table.erase(handle));
    }
    EXPECT_EQ(table.retired(), 1U);
    const auto handle = table.make("in another slot");
    EXPECT_TRUE(handles.insert(handle.bits()).second);
    EXPECT_EQ(table.slots(), 2U);
    for (const std::uint64_t bits : handles)
        EXPECT_EQ(table.contains(SmallTable::Handle::from_bits(bits)), bits == handle.bits());
}

TEST(HandleTable, ObjectsStayWhereTheyAre)
{
    HandleTable<int> table;
    const auto first = table.make(0);
    const int* const place = table.get(first);
    for (int i = 1; i < 10'000; ++i)
        table.make(i);
    EXPECT_EQ(table.get(first), place);
    EXPECT_EQ(*place, 0);
    EXPECT_EQ(table.size(), 10'000U);
}

TEST(HandleTable, NumbersThatNoTableGaveNameNothing)
{
    HandleTable<int, std::uint8_t> table;
    using Handle = HandleTable<int, std::uint8_t>::Handle;
    const Handle handle = table.make(1);
    EXPECT_EQ(Handle::from_bits(handle.bits()), handle);
    EXPECT_FALSE(Handle());
    EXPECT_FALSE(table.contains(Handle()));
    for (const std::uint64_t bits :
         {std::uint64_t{0}, ~std::uint64_t{0}, handle.bits() | std::uint64_t{1} << 40,
          handle.bits() + 1, handle.bits() + (std::uint64_t{1} << 32),
          handle.bits() + (std::uint64_t{2} << 32)})
        EXPECT_FALSE(table.contains(Handle::from_bits(bits))) << bits;
}

TEST(HandleTable, RefusesWithoutMemoryAndAtItsLimit)
{
    FailingResource upstream({.at = 1});
    HandleTable<int> table({.most = 2}, &upstream);
    EXPECT_FALSE(table.try_make(1));
    EXPECT_TRUE(table.try_make(1));
    const auto handle = table.make(2);
    EXPECT_FALSE(table.try_make(3));
    EXPECT_THROW(table.make(3), std::bad_alloc);
    table.erase(handle);
    EXPECT_TRUE(table.try_make(3));
}

TEST(HandleTable, AConstructorThatThrowsTakesNoSlot)
{
    struct Thrower {
        explicit Thrower(bool throws)
        {
            if (throws) throw std::runtime_error("thrown");
        }
    };
    HandleTable<Thrower> table;
    EXPECT_THROW(table.make(true), std::runtime_error);
    EXPECT_EQ(table.size(), 0U);
    table.make(false);
    EXPECT_EQ(table.slots(), 1U);
}

TEST(HandleTable, ADestructorFindsItsOwnHandleStaleAndMayUseTheTable)
{
    struct Node;
    using Table = HandleTable<Node>;
    struct Node {
        Table* table;
        Table::Handle child;
        Table::Handle self = {};

        Node(Table* table_, Table::Handle child_) : table(table_), child(child_) {}
        ~Node()
        {
            EXPECT_FALSE(table->contains(self));
            table->erase(child);
        }
    };
    Table table;
    const auto child = table.make(&table, Table::Handle());
    const auto parent = table.make(&table, child);
    table.get(parent)->self = parent;
    EXPECT_TRUE(table.erase(parent));
    EXPECT_TRUE(table.is_empty());
    EXPECT_FALSE(table.erase(parent));
}

} // namespace tarn
