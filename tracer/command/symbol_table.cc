// SPDX-License-Identifier: MIT

#include "tracer/command/symbol_table.h"

#include <algorithm>
#include <limits>

#include <elfutils/libdwfl.h>

namespace tarn {

namespace {

/// A higher one is preferred.
int rank_of(const GElf_Sym& symbol)
{
    switch (GELF_ST_BIND(symbol.st_info)) {
    case STB_GLOBAL:
        return 3;
    case STB_WEAK:
        return 2;
    case STB_LOCAL:
        return 1;
    default:
        return 0;
    }
}

bool has_address(const GElf_Sym& symbol)
{
    const int type = GELF_ST_TYPE(symbol.st_info);
    return symbol.st_shndx != SHN_UNDEF && type != STT_SECTION && type != STT_FILE &&
           type != STT_TLS;
}

std::uint64_t end_of(std::uint64_t start, std::uint64_t size)
{
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    return size > kMost - start ? kMost : start + size;
}

} // namespace

void SymbolTable::read(int first, int end, Symbols& symbols) const
{
    for (int number = first; number < end; ++number) {
        GElf_Sym symbol;
        GElf_Addr start = 0;
        const char* const name =
            dwfl_module_getsym_info(module_, number, &symbol, &start, nullptr, nullptr, nullptr);
        if (name != nullptr && name[0] != '\0' && has_address(symbol))
            symbols.push_back({start, symbol.st_size, 0, name, number, rank_of(symbol),
                               symbol.st_shndx >= SHN_LORESERVE});
    }
    std::ranges::stable_sort(symbols, {}, &Symbol::start);
    std::uint64_t reach = 0;
    for (Symbol& symbol : symbols)
        symbol.reach = reach = std::max(reach, end_of(symbol.start, symbol.size));
}

void SymbolTable::read()
{
    is_read_ = true;
    const int count = dwfl_module_getsymtab(module_);
    const int first_global = dwfl_module_getsymtab_first_global(module_);
    if (count < 0 || first_global < 0) return;
    // The first of all is none.
    read(std::max(first_global, 1), count, globals_);
    read(1, first_global, locals_);
}

/// Those that do not start behind it.
std::span<const SymbolTable::Symbol> SymbolTable::up_to(std::uint64_t address,
                                                        const Symbols& symbols)
{
    return {symbols.begin(), std::ranges::upper_bound(symbols, address, {}, &Symbol::start)};
}

/// Of those that contain it the one that libdw takes, which goes through them by number.
const SymbolTable::Symbol* SymbolTable::around(std::uint64_t address,
                                               std::span<const Symbol> symbols)
{
    std::vector<const Symbol*> all;
    for (std::size_t i = symbols.size(); i > 0 && symbols[i - 1].reach > address; --i)
        if (address - symbols[i - 1].start < symbols[i - 1].size) all.push_back(&symbols[i - 1]);
    std::ranges::sort(all, {}, &Symbol::number);
    const Symbol* best = nullptr;
    for (const Symbol* const other : all) {
        const bool is_better =
            best == nullptr || other->start > best->start || other->rank > best->rank ||
            (other->start == best->start && other->size < best->size && other->rank == best->rank);
        if (is_better) best = other;
    }
    return best;
}

/// The last label at `start` that is in the section of the address.
const SymbolTable::Symbol* SymbolTable::label(std::uint64_t address, std::uint64_t start,
                                              std::span<const Symbol> symbols) const
{
    for (std::size_t i = symbols.size(); i > 0 && symbols[i - 1].start >= start; --i) {
        const Symbol& symbol = symbols[i - 1];
        if (symbol.start == start && symbol.size == 0 && is_in_section_of(symbol, address))
            return &symbol;
    }
    return nullptr;
}

bool SymbolTable::is_in_section_of(const Symbol& label, std::uint64_t address) const
{
    const auto section_at = [&](GElf_Addr place) {
        Dwarf_Addr bias = 0;
        return dwfl_module_address_section(module_, &place, &bias);
    };
    // Absolute symbols and the like are in none.
    if (label.is_absolute) return label.start == address;
    return section_at(address) == section_at(label.start);
}

const SymbolTable::Symbol* SymbolTable::find(std::uint64_t address) const
{
    const std::span<const Symbol> globals = up_to(address, globals_);
    if (const Symbol* const symbol = around(address, globals)) return symbol;
    // A local function does not hide a global label at this very place.
    if (const Symbol* const symbol = label(address, address, globals)) return symbol;
    const std::span<const Symbol> locals = up_to(address, locals_);
    if (const Symbol* const symbol = around(address, locals)) return symbol;
    // What is behind the end of a function does not belong to a label before that.
    const std::uint64_t end = std::max(globals.empty() ? 0 : globals.back().reach,
                                       locals.empty() ? 0 : locals.back().reach);
    if (const Symbol* const symbol = label(address, end, locals)) return symbol;
    return label(address, end, globals);
}

FoundSymbol SymbolTable::at(std::uint64_t address)
{
    if (!is_read_) read();
    const Symbol* const symbol = find(address);
    if (symbol == nullptr) return {};
    return {.name = symbol->name, .offset = address - symbol->start, .size = symbol->size};
}

} // namespace tarn
