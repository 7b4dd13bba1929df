// SPDX-License-Identifier: MIT
//
// Which functions have code at an address: the one that the compiler made, and those that it
// inlined there.
//
// libdw's dwarf_getscopes() and dwarf_getscopes_die() go through the whole unit for each address,
// and a report has thousands. This goes through it once.

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <elfutils/libdw.h>

namespace tarn {

/// The functions of a compilation unit, by address.
class Scopes {
public:
    explicit Scopes(Dwarf_Die& unit);

    /// Those at `address`, innermost first: inlined ones, then the one that they are in.
    /// Errors: none, there is no debug information for that address.
    std::vector<Dwarf_Die> at(Dwarf_Addr address) const;

private:
    using Number = std::uint32_t;
    static constexpr Number kNone = ~Number{0};

    struct Scope {
        Dwarf_Die function;
        Number outer; // that it is inlined into; kNone: it is not
    };

    void add_below(Dwarf_Die& die, Number outer);
    Number add(Dwarf_Die& function, Number outer);
    void cover(Dwarf_Addr start, Dwarf_Addr end, Number scope);
    Number innermost_at(Dwarf_Addr address) const;

    std::vector<Scope> scopes_;
    /// From an address up to the next one: the innermost scope.
    std::map<Dwarf_Addr, Number> starts_;
};

} // namespace tarn
