// SPDX-License-Identifier: MIT
//
// libdw itself is the judge, which looks for each address anew, and so is slow.

#include "tracer/command/scopes.h"

#include <dwarf.h>
#include <fcntl.h>
#include <link.h>
#include <memory>
#include <unistd.h>

#include <gtest/gtest.h>

// A function with calls in it that are inlined, in a block, too. In no namespace, where libdw would
// not find them of clang.

[[gnu::always_inline]] inline int scopes_test_innermost(int number)
{
    asm volatile("" : "+r"(number));
    return number * 3;
}

[[gnu::always_inline]] inline int scopes_test_between(int number)
{
    for (int i = 0; i < number; ++i) {
        const int next = scopes_test_innermost(i);
        asm volatile("" ::"r"(next));
    }
    return scopes_test_innermost(number);
}

[[gnu::noinline]] int scopes_test_outermost(int number);

int scopes_test_outermost(int number)
{
    return scopes_test_between(number) + scopes_test_innermost(number + 1);
}

namespace tarn {

namespace {

using Offsets = std::vector<Dwarf_Off>;

/// What libdw says. It does not look into namespaces, in which clang has functions: then nothing.
Offsets judged(Dwarf_Die& unit, Dwarf_Addr address)
{
    const auto list = [](auto find) {
        Dwarf_Die* found = nullptr;
        const int count = find(&found);
        const std::unique_ptr<Dwarf_Die, void (*)(void*)> owner(found, std::free);
        return count > 0 ? std::vector<Dwarf_Die>(found, found + count) : std::vector<Dwarf_Die>();
    };
    std::vector<Dwarf_Die> scopes =
        list([&](Dwarf_Die** found) { return dwarf_getscopes(&unit, address, found); });
    if (scopes.empty()) return {};
    Offsets functions;
    for (Dwarf_Die& scope :
         list([&](Dwarf_Die** found) { return dwarf_getscopes_die(&scopes[0], found); })) {
        const int tag = dwarf_tag(&scope);
        if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine) continue;
        functions.push_back(dwarf_dieoffset(&scope));
        if (tag == DW_TAG_subprogram) break;
    }
    return functions;
}

Offsets offsets_of(std::vector<Dwarf_Die> scopes)
{
    Offsets offsets;
    for (Dwarf_Die& scope : scopes)
        offsets.push_back(dwarf_dieoffset(&scope));
    return offsets;
}

/// This program's own debug information, see tests/unit/meson.build.
class ScopesTest : public testing::Test {
protected:
    ScopesTest()
        : file_(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)),
          dwarf_(dwarf_begin(file_, DWARF_C_READ), dwarf_end)
    {}
    ~ScopesTest() override { ::close(file_); }

    /// Calls `use(unit)` for each unit.
    template <class Use> void for_each_unit(Use use)
    {
        Dwarf_CU* cu = nullptr;
        Dwarf_Die unit;
        while (dwarf_get_units(dwarf_.get(), cu, &cu, nullptr, nullptr, &unit, nullptr) == 0)
            use(unit);
    }

    int file_;
    std::unique_ptr<Dwarf, int (*)(Dwarf*)> dwarf_;
};

/// Where a function of this program lies in its file.
Dwarf_Addr place_of(int (*function)(int))
{
    std::uintptr_t bias = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* context) {
            *static_cast<std::uintptr_t*>(context) = info->dlpi_addr;
            return 1; // the first is the program
        },
        &bias);
    return reinterpret_cast<std::uintptr_t>(function) - bias;
}

/// Some addresses of the unit: in our function, and in its first ranges; libdw takes up to 50 ms
/// for one.
std::vector<Dwarf_Addr> places_in(Dwarf_Die& unit)
{
    std::vector<Dwarf_Addr> places;
    for (Dwarf_Addr place = place_of(scopes_test_outermost); places.size() < 12; place += 3)
        places.push_back(place);
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    for (std::ptrdiff_t at = 0; (at = dwarf_ranges(&unit, at, &base, &start, &end)) > 0;) {
        const Dwarf_Addr step = (end - start) / 24 + 1;
        for (Dwarf_Addr place = start; place < end && start != 0; place += step)
            places.push_back(place);
        if (places.size() > 36) break;
    }
    return places;
}

TEST_F(ScopesTest, AreThoseThatLibdwFinds)
{
    EXPECT_NE(scopes_test_outermost(3), 0);
    ASSERT_NE(dwarf_, nullptr);
    std::size_t compared = 0;
    std::size_t inlined = 0;
    for_each_unit([&](Dwarf_Die& unit) {
        const Scopes scopes(unit);
        for (const Dwarf_Addr place : places_in(unit)) {
            const Offsets expected = judged(unit, place);
            if (expected.empty()) continue;
            ASSERT_EQ(offsets_of(scopes.at(place)), expected) << std::hex << place;
            ++compared;
            if (expected.size() > 1) ++inlined;
        }
        EXPECT_TRUE(scopes.at(~Dwarf_Addr{0}).empty());
    });
    EXPECT_GT(compared, 10U);
    EXPECT_GT(inlined, 2U);
}

} // namespace

} // namespace tarn
