// SPDX-License-Identifier: MIT
//
// The symbols of a file by address. libdw finds the same ones, but looks through all of them for
// each address; these are sorted once.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

struct Dwfl_Module;

namespace tarn {

/// A symbol at an address, or before it if it has no size.
struct FoundSymbol {
    const char* name = nullptr; // as the linker has it, of libdw; nullptr: none
    std::uint64_t offset = 0;   // bytes behind its start
    std::uint64_t size = 0;
};

class SymbolTable {
public:
    /// Reads nothing yet. `module` outlives it.
    explicit SymbolTable(Dwfl_Module* module) : module_(module) {}

    /// What dwfl_module_addrinfo() says of `address`, which counts as libdw does.
    /// Cost: the first call sorts, the others search.
    FoundSymbol at(std::uint64_t address);

private:
    struct Symbol {
        std::uint64_t start;
        std::uint64_t size;  // 0: a label
        std::uint64_t reach; // where the furthest of those up to here ends
        const char* name;
        int number; // libdw's
        int rank;   // of how it is bound: global, weak, local
        bool is_absolute;
    };
    using Symbols = std::vector<Symbol>; // by start, then by number

    void read();
    void read(int first, int end, Symbols& symbols) const;
    static std::span<const Symbol> up_to(std::uint64_t address, const Symbols& symbols);
    static const Symbol* around(std::uint64_t address, std::span<const Symbol> symbols);
    const Symbol* label(std::uint64_t address, std::uint64_t start,
                        std::span<const Symbol> symbols) const;
    bool is_in_section_of(const Symbol& label, std::uint64_t address) const;
    const Symbol* find(std::uint64_t address) const;

    Dwfl_Module* module_;
    bool is_read_ = false;
    Symbols globals_;
    Symbols locals_;
};

} // namespace tarn
