// SPDX-License-Identifier: MIT

#include "tracer/resident_pages.h"

#include <cstring>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "tracer/process_maps.h"

namespace tarn {

namespace {

TEST(PageSetTest, CountsBytesOnItsPages)
{
    PageSet set;
    set.add(1);
    set.add(200);
    EXPECT_EQ(set.bytes(), 2 * os::kPageSize);
    EXPECT_EQ(set.bytes_in(0, os::kPageSize), 0U);
    EXPECT_EQ(set.bytes_in(4000, 5000), 5000U - 4096);
    EXPECT_EQ(set.bytes_in(8000, 9000), 8192U - 8000);
    EXPECT_EQ(set.bytes_in(0, PageSet::kMost * os::kPageSize), 2 * os::kPageSize);
    EXPECT_EQ(set.bytes_in(5000, 5000), 0U);
}

TEST(PageMapTest, SeesWhichPagesWereWritten)
{
    constexpr std::size_t kPages = 3000; // more than are read at once
    auto* const memory = static_cast<std::byte*>(os::map(kPages * os::kPageSize, os::kPageSize));
    ASSERT_NE(memory, nullptr);
    os::advise_huge_pages(memory, kPages * os::kPageSize, os::HugePages::never);
    const auto start = reinterpret_cast<std::uintptr_t>(memory);
    for (const std::size_t page : {0, 7, 1023, 1024, 2999})
        memory[page * os::kPageSize + 5] = std::byte{1};
    ResidentPages map;
    ASSERT_TRUE(map.is_readable());
    EXPECT_EQ(map.resident_in({start, start + kPages * os::kPageSize}), 5 * os::kPageSize);
    const PageSet first = map.pages_in({start, start + MiB(1)});
    EXPECT_TRUE(first.contains(0) && first.contains(7));
    EXPECT_EQ(first.bytes(), 2 * os::kPageSize);
    os::unmap(memory, kPages * os::kPageSize);
}

TEST(ResidentReaderTest, AgreesWithThePagesOfEachMapping)
{
    auto* const memory = static_cast<std::byte*>(os::map(MiB(4), os::kPageSize));
    ASSERT_NE(memory, nullptr);
    os::advise_huge_pages(memory, MiB(4), os::HugePages::never);
    std::memset(memory, 1, MiB(1));
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    ResidentReader reader;
    ResidentPages map;
    Mapping mapping;
    std::size_t resident = 0;
    bool has_memory = false;
    bool has_stack = false;
    bool has_file = false;
    while (reader.next(mapping, resident)) {
        has_stack |= mapping.name == "[stack]" && resident != 0;
        has_file |= mapping.name.substr(0, 1) == "/" && resident != 0;
        if (!mapping.range.contains(address)) continue;
        has_memory = true;
        EXPECT_EQ(resident, map.resident_in(mapping.range));
        EXPECT_GE(resident, MiB(1));
    }
    EXPECT_TRUE(has_memory && has_stack && has_file);
    os::unmap(memory, MiB(4));
}

} // namespace

} // namespace tarn
