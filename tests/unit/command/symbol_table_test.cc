// SPDX-License-Identifier: MIT

#include "tracer/command/symbol_table.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include <elfutils/libdwfl.h>
#include <gtest/gtest.h>

// Symbols in each other, at one place, without a size, and a label behind the last function.
asm(R"(
    .pushsection .text
    .globl table_outer, table_inner, table_twin, table_label_inside, table_label
    .weak table_weak
    .type table_outer, @function
    .type table_inner, @function
    .type table_twin, @function
    .type table_weak, @function
    .type table_local, @function
table_outer:
    .skip 16, 0xcc
table_weak:
table_inner:
table_twin:
table_local:
    .skip 8, 0xcc
table_label_inside:
    .skip 8, 0xcc
    .size table_inner, 16
    .size table_twin, 8
    .size table_weak, 4
    .size table_local, 24
    .skip 32, 0xcc
    .size table_outer, . - table_outer
    .skip 16, 0xcc
table_local_label:
table_label:
    .skip 16, 0xcc
    .type table_hidden, @function
table_hidden:
    .skip 8, 0xcc
    .globl table_label_in_local
table_label_in_local:
    .skip 8, 0xcc
    .size table_hidden, . - table_hidden
    .skip 16, 0xcc
    .popsection
)");

namespace tarn {

namespace {

constexpr Dwfl_Callbacks kCallbacks{.find_elf = nullptr,
                                    .find_debuginfo = dwfl_standard_find_debuginfo,
                                    .section_address = dwfl_offline_section_address,
                                    .debuginfo_path = nullptr};

/// One file, as libdw has it.
class File {
public:
    explicit File(const char* path)
    {
        dwfl_report_begin(session_.get());
        module_ = dwfl_report_elf(session_.get(), path, path, -1, kBase, false);
        dwfl_report_end(session_.get(), nullptr, nullptr);
        GElf_Addr bias = 0;
        if (module_ == nullptr || dwfl_module_getelf(module_, &bias) == nullptr) module_ = nullptr;
    }
    Dwfl_Module* module() const { return module_; }

    /// "name+offset/size", as libdw finds it.
    std::string name(GElf_Addr address) const
    {
        FoundSymbol found;
        GElf_Sym symbol{};
        found.name = dwfl_module_addrinfo(module_, address, &found.offset, &symbol, nullptr,
                                          nullptr, nullptr);
        found.size = symbol.st_size;
        return text(found);
    }
    static std::string text(const FoundSymbol& found)
    {
        if (found.name == nullptr) return "";
        std::ostringstream text;
        text << found.name << "+" << found.offset << "/" << found.size;
        return text.str();
    }

    /// The `number`th symbol: its start and its end.
    std::pair<GElf_Addr, GElf_Addr> range(int number) const
    {
        GElf_Sym symbol{};
        GElf_Addr start = 0;
        dwfl_module_getsym_info(module_, number, &symbol, &start, nullptr, nullptr, nullptr);
        return {start, start + symbol.st_size};
    }

private:
    static constexpr GElf_Addr kBase = GElf_Addr{1} << 40;
    std::unique_ptr<Dwfl, void (*)(Dwfl*)> session_{dwfl_begin(&kCallbacks), dwfl_end};
    Dwfl_Module* module_ = nullptr;
};

/// At the edges of some symbols and in them.
void expect_the_same(const File& file, int first, int end, int step)
{
    SymbolTable table(file.module());
    for (int number = first; number < end; number += step) {
        const auto [from, to] = file.range(number);
        for (const GElf_Addr address :
             {from - 1, from, from + 1, (from + to) / 2, to - 1, to, to + 1})
            ASSERT_EQ(File::text(table.at(address)), file.name(address))
                << std::hex << address << " near symbol " << std::dec << number;
    }
}

TEST(SymbolTableTest, FindsWhatLibdwFinds)
{
    constexpr int kMost = 400; // libdw takes a while
    for (const char* const path :
         {"/proc/self/exe", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2",
          "/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"}) {
        const File file(path);
        if (file.module() == nullptr) continue; // of another system
        SCOPED_TRACE(path);
        const int count = dwfl_module_getsymtab(file.module());
        expect_the_same(file, 0, count, std::max(1, count / kMost));
    }
}

TEST(SymbolTableTest, FindsWhatLibdwFindsAmongSymbolsInEachOther)
{
    const File self("/proc/self/exe");
    ASSERT_NE(self.module(), nullptr);
    SymbolTable table(self.module());
    GElf_Addr outer = 0;
    for (int number = dwfl_module_getsymtab(self.module()); number-- > 0;) {
        GElf_Sym symbol{};
        GElf_Addr start = 0;
        const char* const name = dwfl_module_getsym_info(self.module(), number, &symbol, &start,
                                                         nullptr, nullptr, nullptr);
        if (name != nullptr && std::string_view(name) == "table_outer") outer = start;
    }
    ASSERT_NE(outer, 0U);
    for (GElf_Addr address = outer; address < outer + 150; ++address)
        EXPECT_EQ(File::text(table.at(address)), self.name(address)) << address - outer;
    const auto found = [&](GElf_Addr offset) { return File::text(table.at(outer + offset)); };
    EXPECT_EQ(found(0), "table_outer+0/64");
    EXPECT_EQ(found(17), "table_twin+1/8") << "the smaller one";
    EXPECT_EQ(found(25), "table_inner+9/16") << "a label inside means nothing";
    EXPECT_EQ(found(40), "table_outer+40/64");
    EXPECT_EQ(found(81), "table_local_label+1/0") << "a label behind the end of all others";
    EXPECT_EQ(found(64), "") << "behind the end of a function";
    EXPECT_EQ(found(97), "table_hidden+1/16");
    EXPECT_EQ(found(104), "table_label_in_local+0/0");
    EXPECT_EQ(found(105), "table_hidden+9/16");
}

TEST(SymbolTableTest, HasNothingForAddressesOutside)
{
    const File self("/proc/self/exe");
    SymbolTable table(self.module());
    EXPECT_EQ(table.at(0).name, nullptr);
    EXPECT_EQ(table.at(~std::uint64_t{0}).name, nullptr);
}

} // namespace

} // namespace tarn
