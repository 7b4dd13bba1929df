// SPDX-License-Identifier: MIT

#include "src/os/loaded_code.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

namespace tarn::os {

LoadedCode loaded_code_at(std::uintptr_t address)
{
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(address), &info) == 0) return {};
    // Addresses in a file that is always loaded at the same place are those in memory.
    const bool is_fixed = static_cast<const ElfW(Ehdr)*>(info.dli_fbase)->e_type == ET_EXEC;
    const auto base = is_fixed ? 0 : reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    return {.module = info.dli_fname, .function = info.dli_sname, .offset = address - base};
}

} // namespace tarn::os
