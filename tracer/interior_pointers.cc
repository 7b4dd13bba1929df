// SPDX-License-Identifier: MIT

#include "tracer/interior_pointers.h"

#include <algorithm>
#include <span>

#include "src/base/text.h"
#include "src/os/probe.h"
#include "tracer/process_maps.h"

namespace tarn {

namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);

std::uintptr_t read_word(std::uintptr_t address, bool is_readable = false)
{
    if (address % kWord != 0) return 0;
    if (is_readable) return *reinterpret_cast<const std::uintptr_t*>(address);
    std::uintptr_t word = 0;
    return os::read_memory(address, &word, kWord) ? word : 0;
}

bool is_in(std::span<const MemoryRange> ranges, std::uintptr_t address)
{
    const auto at = std::ranges::upper_bound(ranges, address, {}, &MemoryRange::end);
    return at != ranges.end() && at->contains(address);
}

} // namespace

bool InteriorPointers::find_functions()
{
    MapsReader maps;
    Mapping mapping;
    while (maps.next(mapping)) {
        if (mapping.executable && !code_.push_back(mapping.range)) return false;
        const bool is_constant =
            mapping.readable && !mapping.writable && has_prefix(mapping.name, "/");
        if (is_constant && !constants_.push_back(mapping.range)) return false;
    }
    return true;
}

/// Whether a table of virtual functions begins there: its first one is a function.
bool InteriorPointers::points_to_functions(std::uintptr_t table) const
{
    return is_in(constants_.all(), table) && is_in(code_.all(), read_word(table));
}

bool InteriorPointers::hold(MemoryRange block, std::uintptr_t pointer, bool is_readable) const
{
    const std::uintptr_t offset = pointer - block.start;
    if (pointer % kWord != 0 || offset + kWord > block.size()) return false;
    const std::uintptr_t first = read_word(block.start, is_readable);
    const std::uintptr_t rest = block.size() - offset;
    if (offset == kWord && first != 0 && rest % first == 0) return true;
    if (offset == 3 * kWord && first < rest &&
        read_word(block.start + kWord, is_readable) == rest - 1)
        return true;
    return points_to_functions(first) && points_to_functions(read_word(pointer, is_readable));
}

} // namespace tarn
