// SPDX-License-Identifier: MIT

#include "tracer/process_maps.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

std::uintptr_t address_of(const void* pointer)
{
    return reinterpret_cast<std::uintptr_t>(pointer);
}

struct Seen {
    Mapping mapping;
    std::string name;
};

std::vector<Seen> read_all()
{
    std::vector<Seen> all;
    all.reserve(100000);
    MapsReader reader;
    Mapping mapping;
    while (reader.next(mapping))
        all.push_back({mapping, std::string(mapping.name)});
    return all;
}

const Seen* find(const std::vector<Seen>& all, const void* address)
{
    for (const Seen& seen : all)
        if (seen.mapping.range.contains(address_of(address))) return &seen;
    return nullptr;
}

int initialised = 7;

TEST(MapsReader, KnowsDataCodeAndStack)
{
    const std::vector<Seen> all = read_all();
    const Seen* const data = find(all, &initialised);
    ASSERT_NE(data, nullptr);
    EXPECT_TRUE(data->mapping.readable && data->mapping.writable && !data->mapping.shared);
    EXPECT_NE(data->name.find("process_maps_test"), std::string::npos) << data->name;
    const Seen* const code = find(all, reinterpret_cast<const void*>(&read_all));
    ASSERT_NE(code, nullptr);
    EXPECT_FALSE(code->mapping.writable);
    const int local = 0;
    ASSERT_NE(find(all, &local), nullptr);
    EXPECT_EQ(find(all, &local)->name, "[stack]");
}

TEST(MapsReader, ReadsMoreThanItsBufferHolds)
{
    // A guard page between any two, or they would be one mapping.
    constexpr std::size_t kCount = 500;
    auto* const start = static_cast<std::byte*>(os::reserve(2 * kCount * os::kPageSize, 4096));
    ASSERT_NE(start, nullptr);
    for (std::size_t i = 0; i < kCount; ++i)
        ASSERT_TRUE(os::commit(start + 2 * i * os::kPageSize, os::kPageSize));
    const std::vector<Seen> all = read_all();
    for (std::size_t i = 0; i < kCount; ++i) {
        const Seen* const seen = find(all, start + 2 * i * os::kPageSize);
        ASSERT_NE(seen, nullptr) << i;
        EXPECT_EQ(seen->mapping.range.size(), os::kPageSize);
        EXPECT_EQ(seen->name, "");
    }
    for (std::size_t i = 1; i < all.size(); ++i)
        EXPECT_GE(all[i].mapping.range.start, all[i - 1].mapping.range.end) << "in order";
    os::unmap(start, 2 * kCount * os::kPageSize);
}

TEST(PresentPages, AreThoseThatWereTouched)
{
    constexpr std::size_t kPages = 5000; // more than are read at once
    auto* const memory = static_cast<std::byte*>(os::map(kPages * os::kPageSize, os::kPageSize));
    ASSERT_NE(memory, nullptr);
    os::advise_huge_pages(memory, kPages * os::kPageSize, os::HugePages::never);
    for (const std::size_t page : {3U, 4U, 5U, 4000U})
        memory[page * os::kPageSize] = std::byte{1};
    MemoryRange rest{address_of(memory), address_of(memory + kPages * os::kPageSize)};
    PresentPages pages;
    bool is_sure = false;
    const MemoryRange first = pages.first_run(rest, is_sure);
    EXPECT_EQ(first.start, address_of(memory + 3 * os::kPageSize));
    EXPECT_EQ(first.size(), 3 * os::kPageSize);
    EXPECT_TRUE(is_sure);
    rest.start = first.end;
    const MemoryRange second = pages.first_run(rest, is_sure);
    EXPECT_EQ(second.start, address_of(memory + 4000 * os::kPageSize));
    rest.start = second.end;
    EXPECT_EQ(pages.first_run(rest, is_sure).size(), 0U);
    // A part of a page is a part of the answer.
    const MemoryRange part{first.start + 100, first.start + 200};
    EXPECT_EQ(pages.first_run(part, is_sure).start, part.start);
    EXPECT_EQ(pages.first_run(part, is_sure).end, part.end);
    os::unmap(memory, kPages * os::kPageSize);
}

} // namespace

} // namespace tarn
