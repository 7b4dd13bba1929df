// SPDX-License-Identifier: MIT

#include "tracer/modules.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/os/memory.h"
#include "src/os/probe.h"
#include "tracer/arena.h"
#include "tracer/state_file.h"

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

/// Finds the build id in the notes from `at` on, of which at most a page is looked at.
void read_notes(std::uintptr_t at, std::size_t size, Module& module)
{
    std::array<std::byte, 1024> notes;
    size = std::min(size, notes.size());
    if (!module.range.contains(at) || !os::read_memory(at, notes.data(), size)) return;
    for (std::size_t offset = 0; offset + sizeof(ElfW(Nhdr)) <= size;) {
        ElfW(Nhdr) note;
        std::memcpy(&note, &notes[offset], sizeof note);
        const std::size_t contents = offset + sizeof note + round_up(note.n_namesz, 4);
        const std::size_t id_size = std::min<std::size_t>(note.n_descsz, module.id.size());
        if (contents + id_size > size) return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU) {
            module.id_size = id_size;
            std::memcpy(module.id.data(), &notes[contents], id_size);
            return;
        }
        offset = contents + round_up(note.n_descsz, 4);
    }
}

/// Reads the build id of a module from its file header, as far as that is in memory: the table that
/// it points to need not be.
void read_build_id(Module& module)
{
    ElfW(Ehdr) file;
    if (!os::read_memory(module.range.start, &file, sizeof file) ||
        std::memcmp(file.e_ident, ELFMAG, SELFMAG) != 0)
        return;
    for (std::size_t i = 0; i < file.e_phnum && module.id_size == 0; ++i) {
        ElfW(Phdr) segment;
        const std::uintptr_t at = module.range.start + file.e_phoff + i * sizeof segment;
        if (!module.range.contains(at) || !os::read_memory(at, &segment, sizeof segment)) return;
        if (segment.p_type == PT_NOTE)
            read_notes(module.bias + segment.p_vaddr, segment.p_memsz, module);
    }
}

/// Puts a module into the state file, if there is one. Under the table's lock.
void tell_readers(const Module& module, std::size_t number)
{
    static constinit std::array<char, PATH_MAX> own{};
    std::string_view path = module.name;
    if (path.empty()) {
        const ::ssize_t size = ::readlink("/proc/self/exe", own.data(), own.size());
        path = {own.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    StateModule record{};
    record.number = static_cast<std::uint32_t>(number);
    record.start = module.range.start;
    record.end = module.range.end;
    record.bias = module.bias;
    record.id_size = static_cast<std::uint32_t>(module.id_size);
    std::ranges::copy(module.id, record.id.begin());
    state_file.note_module(record, path);
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
    auto* const copy = static_cast<char*>(std::memcpy(names_, name, size));
    names_ += size;
    name_room_ -= size;
    return copy;
}

ModuleId ModuleTable::find(std::uintptr_t address, bool& has_changed)
{
    dl_find_object object{};
    if (!find_object(address, object)) return kNoModule;
    const auto start = reinterpret_cast<std::uintptr_t>(object.dlfo_map_start);
    const auto end = reinterpret_cast<std::uintptr_t>(object.dlfo_map_end);
    const os::LockGuard guard(mutex_);
    for (std::size_t i = 0; i < size(); ++i) {
        Module& module = modules_[i];
        if (module.range.start != start || module.unloaded) continue;
        // The record, too, may lie where the last one's was.
        if (module.range.end == end && module.unwind_table == object.dlfo_eh_frame &&
            module.link == object.dlfo_link_map &&
            std::strcmp(module.name, object.dlfo_link_map->l_name) == 0)
            return static_cast<ModuleId>(i + 1);
        module.unloaded = true;
        look_for_unloaded_locked();
        has_changed = true;
    }
    const auto& link = *object.dlfo_link_map;
    Module found{.range = {start, end},
                 .bias = link.l_addr,
                 .name = link.l_name,
                 .id = {},
                 .id_size = 0,
                 .unwind_table = static_cast<const std::byte*>(object.dlfo_eh_frame),
                 .link = object.dlfo_link_map,
                 .unloaded = false};
    read_build_id(found);
    return add(found);
}

ModuleId ModuleTable::add(const Module& found)
{
    if (modules_ == nullptr)
        modules_ = static_cast<Module*>(arena.take(kMostModules * sizeof(Module)));
    if (modules_ == nullptr) return kNoModule;
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) {
        if (!modules_[i].unloaded || !modules_[i].is(found)) continue;
        // Back again, where it was.
        modules_[i].link = found.link;
        modules_[i].unloaded = false;
        return static_cast<ModuleId>(i + 1);
    }
    if (count + 1 == kMostModules) return kNoModule;
    modules_[count] = found;
    modules_[count].name = kept(found.name);
    size_.store(count + 1, std::memory_order_release);
    tell_readers(modules_[count], count + 1);
    return static_cast<ModuleId>(count + 1);
}

bool ModuleTable::look_for_unloaded()
{
    const os::LockGuard guard(mutex_);
    return look_for_unloaded_locked();
}

bool ModuleTable::look_for_unloaded_locked()
{
    bool found = false;
    for (std::size_t i = 0; i < size(); ++i) {
        Module& module = modules_[i];
        if (module.unloaded) continue;
        dl_find_object object{};
        if (find_object(module.range.start, object) &&
            object.dlfo_eh_frame == module.unwind_table && object.dlfo_link_map == module.link)
            continue;
        module.unloaded = true;
        found = true;
    }
    return found;
}

} // namespace tarn
