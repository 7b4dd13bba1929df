// SPDX-License-Identifier: MIT
//
// Names for addresses, by elfutils' libdw: from debug information in the file, in a separate file
// found by build id or link, or from the symbol table alone.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct Dwfl;
struct Dwfl_Module;

namespace tarn {

class SymbolTable;

/// One of the functions at an address: the innermost, or one that it was inlined into.
struct SourceFrame {
    std::string function; // as a person writes it; empty: not known
    std::string linkage;  // as the linker knows it; empty: a C function, or not known
    std::string file;     // empty: not known
    int line = 0;
    int column = 0; // 0: not known
};

struct DataSymbol {
    std::string name;         // as a person writes it; empty: not known
    std::uint64_t offset = 0; // bytes behind its start
};

class Symbols {
public:
    Symbols();
    ~Symbols();
    Symbols(const Symbols&) = delete;
    Symbols& operator=(const Symbols&) = delete;

    /// Makes a file known; `build_id` in hexadecimal, empty: any. Returns its number.
    std::size_t add(const std::string& path, const std::string& build_id);

    /// The functions at `address`, as it stands in the file, innermost first.
    /// Errors: none, nothing is known.
    std::vector<SourceFrame> at(std::size_t file, std::uint64_t address);

    /// The variable at `address`. Errors: without a name, nothing is known.
    DataSymbol data_at(std::size_t file, std::uint64_t address);

private:
    struct Units;
    struct Loaded {
        Dwfl_Module* module;
        std::uint64_t bias;
        std::shared_ptr<Units> units;
        std::shared_ptr<SymbolTable> symbols;
    };
    /// Of libdw, which has one range of addresses for all files.
    std::unique_ptr<Dwfl, void (*)(Dwfl*)> session_;
    std::vector<Loaded> files_;
};

} // namespace tarn
