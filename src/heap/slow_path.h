// SPDX-License-Identifier: MIT
//
// What malloc and free do when the thread cache cannot answer. Reached from allocate.h and
// deallocate.h only. All of them keep errno unless they fail.

#pragma once

#include <cstddef>

#include "src/base/block_checks.h"
#include "src/base/units.h"
#include "src/heap/size_class.h"

namespace tarn {

/// `size` bytes for a thread whose bin is empty, or for more than kMaxPooledSize.
/// Errors: nullptr with errno ENOMEM.
void* allocate_slow(std::size_t size);

/// What they return then. Counts it.
void* out_of_memory();

/// For so many objects of so many bytes, which is more than any memory has: nullptr with errno
/// ENOMEM. Blocks that are checked have it reported.
void* refuse_size(std::size_t count, std::size_t size);

/// As allocate_slow(), the memory reads as zero.
void* allocate_zeroed_slow(std::size_t size);

/// As allocate_slow(), for an alignment that was asked for. `alignment` is a power of two.
void* allocate_aligned_slow(std::size_t size, std::size_t alignment);

/// As allocate_slow(padded), of which only `size` bytes were asked for.
void* allocate_padded_slow(std::size_t size, std::size_t padded);

/// `padded` bytes for a request of `size` that is not to fail, with whatever asks for a say.
/// Errors: nullptr with errno ENOMEM.
void* allocate_any_way(std::size_t size, std::size_t padded, std::size_t alignment);

/// Frees a block in the range of the pools that is not the calling thread's, as far as it knows.
void deallocate_slow(void* block);

/// Frees a block for which push() has just failed.
void deallocate_overflow(void* block);

/// NULL, blocks of the fallback, and pointers that are nobody's; all, if blocks are checked.
void deallocate_foreign(void* block, BlockKind kind = BlockKind::malloc);

/// malloc_usable_size() of what lies outside the pools; 0 for pointers that are nobody's.
std::size_t foreign_usable_size(const void* block);

/// As allocate_slow(), for a block that realloc() makes larger and is likely to make larger again.
void* allocate_to_grow(std::size_t size);

/// realloc() of what lies outside the pools. Errors: nullptr with errno ENOMEM.
void* reallocate_foreign(void* block, std::size_t size);

/// Tells the observer that realloc() leaves a block of the pools where it is. Returns it.
void* keep_in_place(void* block, std::size_t size);

/// Tells the observer, if there is one, that realloc() has made `block` by copying so many bytes.
/// Returns it.
void* tell_moved(void* block, std::size_t copied);

/// Another allocator of the process (libc's own), to which foreign pointers may belong.
/// `free` and `usable_size` return false or 0 when the pointer is not theirs either.
struct ForeignOwner {
    bool (*free)(void* block);
    std::size_t (*usable_size)(const void* block);
};
void set_foreign_owner(ForeignOwner owner);

/// What that owner says. False: it is not its block either.
bool free_foreign(void* block);
std::size_t foreign_size(const void* block);

/// For src/checks, on a slow path: blocks as the heap has them, which nobody is told of.
/// `zero` holds for blocks outside the pools only. Errors: nullptr; errno is left alone.
void* allocate_unchecked(std::size_t size, std::size_t alignment, Zero zero);
void deallocate_unchecked(void* block);
/// As allocate_unchecked(), of the pools only.
void* allocate_pooled_unchecked(SizeClass size_class, std::size_t size);

/// Frees of pointers that belong to nobody; left alone.
std::size_t unknown_frees();

/// Flushes and gives back everything that this process does not need. Returns true if any.
bool trim_process();

/// Called once, before the first allocation is served: fills in `settings`, `budget` and
/// `fallback`. The one in this library is weak and leaves the defaults; whoever embeds the heap
/// may define a strong one (preload/startup.cc reads the options). It must not allocate.
void configure_heap();

/// Calls `action` as on a slow path: no fork() and no signal handler of the thread comes in between
/// that could see what it does half done. Not if the thread is on one already.
void run_undisturbed(void (*action)());

/// The exit hook of a thread, see os::set_thread_exit_hook().
void leave_thread(void* argument);

/// fork() handlers.
void before_fork();
void after_fork_in_parent();
void after_fork_in_child();

} // namespace tarn
