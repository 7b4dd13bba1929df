// SPDX-License-Identifier: MIT

#include "tracer/modules.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "tracer/arena.h"

// glibc 2.35; weak, because older ones have none.
// NOLINTNEXTLINE(*-reserved-identifier, readability-identifier-naming): libc's name
extern "C" [[gnu::weak]] int _dl_find_object(void* address, dl_find_object* result) noexcept;

namespace tarn {

constinit ModuleTable module_table;

namespace {

bool find_object(std::uintptr_t address, dl_find_object& object)
{
    return &_dl_find_object != nullptr &&
           _dl_find_object(reinterpret_cast<void*>(address), &object) == 0;
}

bool begins_with_elf_header(const void* start)
{
    return std::memcmp(start, ELFMAG, SELFMAG) == 0;
}

/// Finds the build id in the notes of a module whose file header lies at `header`.
void read_build_id(const std::byte* header, std::uintptr_t bias, Module& module)
{
    if (!begins_with_elf_header(header)) return;
    const auto& file = *reinterpret_cast<const ElfW(Ehdr)*>(header);
    const auto* const segments = reinterpret_cast<const ElfW(Phdr)*>(header + file.e_phoff);
    for (std::size_t i = 0; i < file.e_phnum; ++i) {
        if (segments[i].p_type != PT_NOTE) continue;
        const auto* at = reinterpret_cast<const std::byte*>(bias + segments[i].p_vaddr);
        const std::byte* const end = at + segments[i].p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const auto& note = *reinterpret_cast<const ElfW(Nhdr)*>(at);
            const std::byte* const contents = at + sizeof note + round_up(note.n_namesz, 4);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU) {
                module.id_size = std::min<std::size_t>(note.n_descsz, module.id.size());
                std::memcpy(module.id.data(), contents, module.id_size);
                return;
            }
            at = contents + round_up(note.n_descsz, 4);
        }
    }
}

} // namespace

bool can_find_modules()
{
    return &_dl_find_object != nullptr;
}

/// A copy of the name: the loader's goes with the module.
const char* ModuleTable::kept(const char* name)
{
    constexpr std::size_t kNamesAtOnce = os::kPageSize;
    const std::size_t size = std::strlen(name) + 1;
    if (size > name_room_) {
        const std::size_t wanted = std::max(size, kNamesAtOnce);
        names_ = static_cast<char*>(arena.take(wanted));
        name_room_ = names_ != nullptr ? wanted : 0;
        if (names_ == nullptr) return "";
    }
    char* const copy = std::strcpy(names_, name);
    names_ += size;
    name_room_ -= size;
    return copy;
}

ModuleId ModuleTable::find(std::uintptr_t address)
{
    dl_find_object object{};
    if (!find_object(address, object)) return kNoModule;
    const auto start = reinterpret_cast<std::uintptr_t>(object.dlfo_map_start);
    const os::LockGuard guard(mutex_);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i)
        if (modules_[i].range.start == start && !modules_[i].unloaded)
            return static_cast<ModuleId>(i + 1);
    return add(object.dlfo_map_start, object.dlfo_map_end, object.dlfo_eh_frame,
               object.dlfo_link_map);
}

ModuleId ModuleTable::add(const void* start, const void* end, const void* unwind_table,
                          const void* map)
{
    if (modules_ == nullptr)
        modules_ = static_cast<Module*>(arena.take(kMostModules * sizeof(Module)));
    const std::size_t count = size();
    if (modules_ == nullptr || count + 1 == kMostModules) return kNoModule;
    const auto& link = *static_cast<const link_map*>(map);
    Module& module = modules_[count];
    module.range = {reinterpret_cast<std::uintptr_t>(start), reinterpret_cast<std::uintptr_t>(end)};
    module.bias = link.l_addr;
    module.name = kept(link.l_name);
    module.unwind_table = static_cast<const std::byte*>(unwind_table);
    read_build_id(static_cast<const std::byte*>(start), link.l_addr, module);
    size_.store(count + 1, std::memory_order_release);
    return static_cast<ModuleId>(count + 1);
}

bool ModuleTable::look_for_unloaded()
{
    bool found = false;
    const os::LockGuard guard(mutex_);
    for (std::size_t i = 0; i < size(); ++i) {
        Module& module = modules_[i];
        if (module.unloaded) continue;
        dl_find_object object{};
        if (find_object(module.range.start, object) && object.dlfo_eh_frame == module.unwind_table)
            continue;
        module.unloaded = true;
        found = true;
    }
    return found;
}

} // namespace tarn
