// SPDX-License-Identifier: MIT

#include "tracer/command/scopes.h"

#include <algorithm>
#include <dwarf.h>

namespace tarn {

namespace {

bool is_function(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/// What may have functions with code in it. Clang has them in namespaces.
bool may_contain_functions(int tag)
{
    return is_function(tag) || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
           tag == DW_TAG_catch_block || tag == DW_TAG_namespace || tag == DW_TAG_module;
}

std::vector<Dwarf_Die> children_of(Dwarf_Die& die)
{
    std::vector<Dwarf_Die> children;
    Dwarf_Die child;
    for (int end = dwarf_child(&die, &child); end == 0; end = dwarf_siblingof(&child, &child))
        if (may_contain_functions(dwarf_tag(&child))) children.push_back(child);
    return children;
}

} // namespace

Scopes::Scopes(Dwarf_Die& unit)
{
    starts_[0] = kNone;
    add_below(unit, kNone);
}

/// What comes later covers what was there. So inner scopes follow outer ones; and the first of a
/// row comes last, for where the linker has dropped functions several begin at zero.
void Scopes::add_below(Dwarf_Die& die, Number outer)
{
    std::vector<Dwarf_Die> children = children_of(die);
    std::ranges::reverse(children);
    for (Dwarf_Die& child : children)
        add_below(child, is_function(dwarf_tag(&child)) ? add(child, outer) : outer);
}

Scopes::Number Scopes::add(Dwarf_Die& function, Number outer)
{
    const auto number = static_cast<Number>(scopes_.size());
    const bool is_inlined = dwarf_tag(&function) == DW_TAG_inlined_subroutine;
    scopes_.push_back({function, is_inlined ? outer : kNone});
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    for (std::ptrdiff_t at = 0; (at = dwarf_ranges(&function, at, &base, &start, &end)) > 0;)
        if (start < end) cover(start, end, number);
    return number;
}

void Scopes::cover(Dwarf_Addr start, Dwarf_Addr end, Number scope)
{
    const Number behind = innermost_at(end);
    starts_.erase(starts_.lower_bound(start), starts_.upper_bound(end));
    starts_[start] = scope;
    starts_[end] = behind;
}

Scopes::Number Scopes::innermost_at(Dwarf_Addr address) const
{
    return std::prev(starts_.upper_bound(address))->second;
}

std::vector<Dwarf_Die> Scopes::at(Dwarf_Addr address) const
{
    std::vector<Dwarf_Die> found;
    for (Number at = innermost_at(address); at != kNone; at = scopes_[at].outer)
        found.push_back(scopes_[at].function);
    return found;
}

} // namespace tarn
