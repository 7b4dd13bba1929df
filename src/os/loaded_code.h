// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace tarn::os {

/// Where an address of code lies, as the dynamic loader knows it; texts are the loader's.
struct LoadedCode {
    const char* module = nullptr;   // path, or null: in none
    const char* function = nullptr; // mangled, or null: not among the exported ones
    std::uintptr_t offset = 0;      // as readers of the module's file count: addr2line, objdump
};

/// Thread safety: any thread at any time, under the loader's lock; not within malloc.
LoadedCode loaded_code_at(std::uintptr_t address);

} // namespace tarn::os
