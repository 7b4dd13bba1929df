// SPDX-License-Identifier: MIT
//
// What lies at an address that is in no block.

#pragma once

#include <cstdint>
#include <string_view>

#include "src/base/heap_view.h"
#include "src/base/print.h"
#include "tracer/modules.h"

namespace tarn {

struct AddressPlace {
    enum class Kind : std::uint8_t {
        none,     // no memory
        data,     // of a module
        constant, // likewise, of what cannot be written
        heap,     // what brk() manages
        file,
        memory // mapped by somebody
    };

    Kind kind = Kind::none;
    ModuleId module = kNoModule;
    FixedText<256> file; // its path
    MemoryRange mapping{};
};

/// Reads the mappings of this process. Neither allocates nor takes locks of libc. Requires: one at
/// a time, as reports are made. Errors: Kind::none.
AddressPlace place_of(std::uintptr_t address);

} // namespace tarn
