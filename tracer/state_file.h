// SPDX-License-Identifier: MIT
//
// The tables in a file that others can read while the process runs, and after it was killed: a
// shared mapping, at addresses that stay. Nothing is copied, so nothing is late.
//
// A child of fork() would go on writing into its parent's tables. It gets a copy at the same
// addresses, which the parent makes before the fork, while nobody else counts anything.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/heap_view.h"
#include "src/base/print.h"
#include "src/os/mutex.h"
#include "tracer/shared_file.h"
#include "tracer/state_format.h"

namespace tarn {

struct StateDescription {
    std::string_view path;
    std::string_view options;    // text for readers
    std::uint64_t sample_period; // bytes
    std::uint64_t started_at;    // milliseconds of os::clock_milliseconds()
    TextSink sink;               // for what goes wrong
};

/// Thread safety: any thread, but for what says otherwise.
class StateFile {
public:
    /// Makes the file; one of the same name that is a state file, too, is replaced. Before any
    /// table has anything. Errors: false, with one line to the sink; the tables will lie in private
    /// memory.
    bool open(const StateDescription& description);

    /// Zeroed memory in the file, in whole pages. Errors: nullptr, there is no file, or it cannot
    /// grow, which is told once.
    void* take(StateChunk kind, std::size_t size);

    /// Where tables may lie, see Arena::range().
    MemoryRange range() const;
    std::size_t used() const { return used_; } // bytes
    bool is_open() const { return header() != nullptr; }

    /// To be told of what is new in the tables.
    void note_nodes(std::size_t count);
    void note_sites(std::size_t count);
    void note_tags(std::size_t count);
    void note_moment();
    void note_module(const StateModule& module, std::string_view name);

    /// What a child of fork() takes over. None: there is no file, or no memory for it.
    struct Copy {
        std::byte* start = nullptr;
        std::size_t size = 0;
    };

    /// Around fork(). With a path the child has a file of its own there, else private memory.
    /// Thread safety: nobody else is to change a table.
    Copy before_fork() const;
    static void after_fork_in_parent(Copy copy);
    void after_fork_in_child(Copy copy, std::string_view path);

private:
    bool make(std::string_view path, Copy contents);
    const char* map_totals();
    const char* extend_to(std::size_t end);
    bool grow(std::size_t end);
    void* take_locked(StateChunk kind, std::size_t size);
    std::byte* advance(std::size_t size);
    bool make_entry_room();
    void say(const char* what, const char* reason) const;
    bool make_for_child(Copy copy, std::string_view path);
    void become_private(Copy copy);
    StateHeader* header() const { return header_.load(std::memory_order_acquire); }
    StateDirectory& directory() const
    {
        return *reinterpret_cast<StateDirectory*>(start_ + last_directory_);
    }

    std::byte* start_ = nullptr; // of the reserved range and, in it, of the file
    std::size_t reserved_ = 0;
    std::atomic<StateHeader*> header_{nullptr}; // none: no file, or no more
    // Guarded by mutex_.
    std::size_t used_ = 0;
    std::size_t grown_ = 0;          // bytes that the file has
    std::size_t last_directory_ = 0; // offset
    std::size_t entries_ = 0;        // of that one
    std::byte* modules_ = nullptr;   // where the next record goes
    std::size_t module_room_ = 0;
    SharedFile file_;
    TextSink sink_ = nullptr;
    os::Mutex mutex_;
};

extern constinit StateFile state_file;

/// Memory for a table that readers of a state file need: in the file, else in the arena.
/// Errors: nullptr, no memory.
void* take_table(StateChunk kind, std::size_t size);

/// Bytes of all tables.
std::size_t table_bytes();

} // namespace tarn
