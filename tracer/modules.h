// SPDX-License-Identifier: MIT
//
// Modules: the program and its libraries, as far as calls of theirs have been seen; also those that
// dlclose() has unloaded meanwhile.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "src/base/heap_view.h"
#include "src/os/mutex.h"

namespace tarn {

using ModuleId = std::uint16_t;
inline constexpr ModuleId kNoModule = 0; // code that no file has: a just-in-time compiler's

/// One number is kNoModule.
inline constexpr std::size_t kMostModules = 4096;

struct Module {
    MemoryRange range;             // where it is mapped
    std::uintptr_t bias;           // address in memory less address in the file
    const char* name;              // path; empty: the program itself
    std::array<std::byte, 20> id;  // build id
    std::size_t id_size;           // bytes of it
    const std::byte* unwind_table; // its .eh_frame_hdr
    const void* link;              // the loader's record
    bool unloaded;

    /// Mapped where `other` is, and the same as far as that can be told.
    bool is(const Module& other) const
    {
        return range.start == other.range.start && range.end == other.range.end &&
               unwind_table == other.unwind_table && id == other.id &&
               std::string_view(name) == other.name;
    }
};

class ModuleTable {
public:
    /// The module whose code `address` is. Never waits for the loader (_dl_find_object,
    /// glibc 2.35). `has_changed`: set if modules turn out to be gone, as after a dlclose() of
    /// libc's own. Errors: kNoModule, none or no memory.
    ModuleId find(std::uintptr_t address, bool& has_changed);
    ModuleId find(std::uintptr_t address)
    {
        bool has_changed = false;
        return find(address, has_changed);
    }

    const Module& operator[](ModuleId id) const { return modules_[id - 1]; }
    std::size_t size() const { return size_.load(std::memory_order_acquire); }

    /// Takes over the modules of a state file, in their order. See StackTrie::adopt().
    void adopt(Module* modules, std::size_t count);

    /// After dlclose(): finds out which are gone. True: some are.
    bool look_for_unloaded();

private:
    ModuleId add(const Module& found);
    bool look_for_unloaded_locked();

    const char* kept(const char* name);

    Module* modules_ = nullptr; // kMostModules, in the arena
    std::atomic<std::size_t> size_{0};
    // Guarded by mutex_.
    char* names_ = nullptr; // where the next one goes
    std::size_t name_room_ = 0;
    os::Mutex mutex_;
};

extern constinit ModuleTable module_table;

/// Whether this libc tells what lies at an address.
bool can_find_modules();

} // namespace tarn
