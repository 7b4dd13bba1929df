// SPDX-License-Identifier: MIT
//
// Pointers into the middle of a block by which C++ programs hold the whole.
//
//     new T[n] with destructors      [n][T][T]...       the pointer is behind the number
//     an object of two bases         [vtable ...][vtable ...]     it is to the second base
//     a block with its length        [length][...]      it is behind the length
//     std::string before C++11       [length][capacity][owners][characters]
//
// Source: Itanium C++ ABI, 2.4 and 2.7; Valgrind's leak check goes by the same signs, see
// --leak-check-heuristics in its manual.

#pragma once

#include <cstdint>

#include "src/base/heap_view.h"
#include "tracer/mapped_array.h"

namespace tarn {

class InteriorPointers {
public:
    /// Finds out where functions and tables of them are. Errors: false, no memory.
    bool find_functions();

    /// Whether `pointer`, which is behind the start of `block`, is one. `is_readable`: all of the
    /// block is. Cost: some ns; a system call for each table of functions.
    bool hold(MemoryRange block, std::uintptr_t pointer, bool is_readable) const;

private:
    bool points_to_functions(std::uintptr_t table) const;

    // In order of address.
    MappedArray<MemoryRange> code_;
    MappedArray<MemoryRange> constants_; // of programs and libraries
};

} // namespace tarn
