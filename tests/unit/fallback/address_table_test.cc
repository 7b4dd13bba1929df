// SPDX-License-Identifier: MIT

#include "src/fallback/address_table.h"

#include <map>

#include <gtest/gtest.h>

#include "tests/unit/support/random.h"

namespace tarn {

namespace {

const void* at(std::uintptr_t address)
{
    return reinterpret_cast<const void*>(address);
}

using Model = std::map<std::uintptr_t, int>;

Model contents(AddressTable<int>& table)
{
    Model found;
    table.for_each([&](std::uintptr_t address, int value) {
        EXPECT_TRUE(found.emplace(address, value).second) << "is there twice: " << address;
    });
    return found;
}

TEST(AddressTableTest, HasNothingAtFirst)
{
    AddressTable<int> table;
    EXPECT_EQ(table.find(at(0x1000)), 0);
    EXPECT_EQ(table.remove(at(0x1000)), 0);
    EXPECT_EQ(contents(table), Model{});
    EXPECT_EQ(table.memory().start, table.memory().end);
}

TEST(AddressTableTest, FindsWhatWasInsertedUntilItIsRemoved)
{
    AddressTable<int> table;
    ASSERT_TRUE(table.insert(at(0x1000), 1));
    ASSERT_TRUE(table.insert(at(0x2000), 2));
    EXPECT_EQ(table.find(at(0x1000)), 1);
    EXPECT_EQ(table.find(at(0x2000)), 2);
    EXPECT_EQ(table.find(at(0x3000)), 0);
    EXPECT_EQ(table.remove(at(0x1000)), 1);
    EXPECT_EQ(table.remove(at(0x1000)), 0);
    EXPECT_EQ(table.find(at(0x1000)), 0);
    EXPECT_EQ(contents(table), (Model{{0x2000, 2}}));
}

TEST(AddressTableTest, ReplacesTheValueOfAnAddress)
{
    AddressTable<int> table;
    ASSERT_TRUE(table.insert(at(0x1000), 1));
    ASSERT_TRUE(table.insert(at(0x1000), 5));
    EXPECT_EQ(contents(table), (Model{{0x1000, 5}}));
    EXPECT_EQ(table.remove(at(0x1000)), 5);
    EXPECT_EQ(table.find(at(0x1000)), 0);
}

TEST(AddressTableTest, KeepsAddressesOfOnePageApart)
{
    AddressTable<int> table;
    for (int i = 0; i < 200; ++i) // all begin to probe at the same slot
        ASSERT_TRUE(table.insert(at(0x5000 + static_cast<std::uintptr_t>(i) * 16), i + 1));
    for (int i = 0; i < 200; i += 2)
        ASSERT_EQ(table.remove(at(0x5000 + static_cast<std::uintptr_t>(i) * 16)), i + 1);
    for (int i = 0; i < 200; ++i)
        ASSERT_EQ(table.find(at(0x5000 + static_cast<std::uintptr_t>(i) * 16)),
                  i % 2 == 0 ? 0 : i + 1);
}

TEST(AddressTableTest, KeepsAllWhenItGrows)
{
    AddressTable<int> table;
    for (int i = 1; i <= 20000; ++i)
        ASSERT_TRUE(table.insert(at(static_cast<std::uintptr_t>(i) << 12U), i));
    for (int i = 1; i <= 20000; ++i)
        ASSERT_EQ(table.find(at(static_cast<std::uintptr_t>(i) << 12U)), i);
    EXPECT_EQ(contents(table).size(), 20000U);
    EXPECT_GE(table.memory().end - table.memory().start, 20000 * sizeof(std::uintptr_t));
}

TEST(AddressTableTest, DoesNotGrowForWhatComesAndGoes)
{
    AddressTable<int> table;
    ASSERT_TRUE(table.insert(at(0x1000), 1));
    const std::uintptr_t size = table.memory().end - table.memory().start;
    for (std::uintptr_t i = 2; i < 20000; ++i) {
        ASSERT_TRUE(table.insert(at(i << 12U), 1));
        ASSERT_EQ(table.remove(at(i << 12U)), 1);
    }
    EXPECT_EQ(table.memory().end - table.memory().start, size);
}

TEST(AddressTableTest, IsAModelsAfterRandomOperations)
{
    test::Random random;
    AddressTable<int> table;
    Model model;
    // Few enough for an address to come back, and some of one page.
    const auto random_address = [&] { return (1 + random.below(3000)) * 0x400; };
    for (int i = 1; i <= 200000; ++i) {
        const std::uintptr_t address = random_address();
        const auto found = model.find(address);
        const int expected = found != model.end() ? found->second : 0;
        switch (random.below(3)) {
        case 0:
            ASSERT_TRUE(table.insert(at(address), i));
            model[address] = i;
            break;
        case 1:
            ASSERT_EQ(table.remove(at(address)), expected) << "operation " << i;
            model.erase(address);
            break;
        default:
            ASSERT_EQ(table.find(at(address)), expected) << "operation " << i;
        }
    }
    EXPECT_EQ(contents(table), model);
}

} // namespace

} // namespace tarn
