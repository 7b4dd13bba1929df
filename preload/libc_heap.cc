// SPDX-License-Identifier: MIT
//
// Memory of libc's own malloc that arrives at our free.
//
// It exists in spite of the preload: from __libc_malloc, from libraries opened with RTLD_DEEPBIND
// (deepbind=keep), from before we were loaded. libc would abort on a pointer that is not its own,
// so its chunk header is read first, by system call: the address may be anything.

#include "preload/libc_heap.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "preload/export.h"
#include "src/heap/slow_path.h"
#include "src/os/memory.h"
#include "src/os/probe.h"

extern "C" [[gnu::weak]] void __libc_free(void*); // NOLINT(*-reserved-identifier): libc's name

namespace tarn {

namespace {

/// The two words in front of a chunk's user memory, and the flags in the second.
/// Source: glibc malloc/malloc.c, struct malloc_chunk.
struct ChunkHeader {
    std::size_t previous_size;
    std::size_t size_and_flags;

    static constexpr std::size_t kMapped = 2;
    static constexpr std::size_t kOtherArena = 4;
    std::size_t size() const { return size_and_flags & ~std::size_t{7}; }
    /// What the program may use of it: up to the end of a mapping, else into the next chunk's first
    /// word, which belongs to this one while it is in use.
    std::size_t usable() const
    {
        const bool mapped = (size_and_flags & kMapped) != 0;
        return size() - sizeof(ChunkHeader) + (mapped ? 0 : sizeof(std::size_t));
    }
};

/// Arenas of threads live in heaps aligned to this. Source: glibc malloc/arena.c, HEAP_MAX_SIZE.
constexpr std::uintptr_t kArenaHeapAlignment = std::uintptr_t{64} << 20;

bool is_mapped_chunk(std::uintptr_t chunk, const ChunkHeader& header)
{
    const std::uintptr_t start = chunk - header.previous_size;
    return start % os::kPageSize == 0 &&
           (header.previous_size + header.size()) % os::kPageSize == 0;
}

bool is_in_thread_arena(std::uintptr_t chunk)
{
    // struct heap_info: ar_ptr, prev, size, mprotect_size.
    std::array<std::uintptr_t, 4> info{};
    const std::uintptr_t heap = chunk & ~(kArenaHeapAlignment - 1);
    if (!os::read_memory(heap, info.data(), sizeof(info))) return false;
    const auto [arena, previous, size, writable] = info;
    return arena != 0 && size != 0 && size <= writable && writable <= kArenaHeapAlignment &&
           chunk < heap + size && (previous % kArenaHeapAlignment) == 0;
}

/// The header of a block of libc's; size 0 if it is none.
ChunkHeader libc_chunk(const void* block)
{
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    if (address % 16 != 0 || address < os::kPageSize) return {};
    const std::uintptr_t chunk = address - sizeof(ChunkHeader);
    ChunkHeader header{};
    if (!os::read_memory(chunk, &header, sizeof(header))) return {};
    const std::size_t size = header.size();
    if (size < 32 || size % 16 != 0) return {};
    bool is_libcs = false;
    if ((header.size_and_flags & ChunkHeader::kMapped) != 0) {
        is_libcs = is_mapped_chunk(chunk, header);
    } else if ((header.size_and_flags & ChunkHeader::kOtherArena) != 0) {
        is_libcs = is_in_thread_arena(chunk);
    } else {
        const os::BreakArea area = os::break_area();
        is_libcs = chunk >= area.start && chunk < area.end && size <= area.end - chunk;
    }
    return is_libcs ? header : ChunkHeader{};
}

bool free_libc_block(void* block)
{
    if (__libc_free == nullptr || libc_chunk(block).size() == 0) return false;
    __libc_free(block);
    return true;
}

std::size_t libc_block_size(const void* block)
{
    const ChunkHeader header = libc_chunk(block);
    return header.size() != 0 ? header.usable() : 0;
}

} // namespace

void connect_libc_heap()
{
    set_foreign_owner({.free = free_libc_block, .usable_size = libc_block_size});
}

} // namespace tarn
