// SPDX-License-Identifier: MIT
//
// START HERE: the checked heap. It stands between the program and the heap, and looks after every
// block from malloc until its memory is used again.
//
//      malloc   a block of the heap with a front and a back      canary.h
//               is filled                                        poison.h
//      free     is it a block, and has it come from there        block_record.h
//               are its canaries as they were
//               is filled anew, and waits                        quarantine.h
//      later    is it still as it was, then it goes to the heap
//
// Some blocks have pages of their own instead (guards.h), where access.h takes over.
//
// Who notices something tells `CheckHooks::report`, which need not return.

#pragma once

#include <cstddef>
#include <cstdint>

#include "src/base/block_checks.h"
#include "src/base/check_error.h"
#include "src/checks/canary.h"
#include "src/checks/guards.h"

namespace tarn {

struct CheckSettings {
    bool canaries = false;
    bool fills_allocated = false;
    bool fills_freed = false;
    bool keeps_stacks = false;     // of where blocks are allocated and freed
    bool checks_kinds = true;      // whether free() may take what operator new gave
    std::uint8_t allocated = 0xA5; // what fills_allocated writes
    std::uint8_t freed = 0;        // what fills_freed writes; 0: which block it was
    std::size_t quarantine = 0;    // bytes
    bool uses_pools = true;        // or gives each block a mapping of its own
    std::size_t check_every = 0;   // look at all blocks at every so many calls; 0: never
    /// Called when that is due, on a slow path: where no look can be taken.
    void (*look_is_due)() = nullptr;
    guards::GuardSettings guards = {};
};

struct CheckHooks {
    /// Number of the calling thread's stack, of the tracer; 0: not known.
    std::uint32_t (*current_stack)();
    /// Number of the place that a stack belongs to, the same in every run of the program.
    std::uint32_t (*site_of)(std::uint32_t stack);
    void (*report)(const CheckError& error);
    /// So many were reported; of others nothing more is said.
    void (*reports_end)(std::size_t reports) = nullptr;
    /// The calling thread is new to the checks.
    void (*thread_begins)() = nullptr;
    /// Whether there are operators new and delete whose blocks may come from anywhere, by now.
    bool (*has_own_operators)() = nullptr;
};

/// Before the heap is configured. Returns what `settings.checks` is to be.
const BlockChecks* start_checks(const CheckSettings& wanted, const CheckHooks& hooks);

/// The same where only a few blocks are guarded, one in as many as `wanted.guards` says, and the
/// heap has all others. Returns what `settings.guards` is to be.
const BlockChecks* start_guards(const CheckSettings& wanted, const CheckHooks& hooks);

/// The calling thread ends.
void note_thread_end();

/// Operators of the program's own are no mismatch: from now on kinds are not compared.
void ignore_block_kinds();

/// Looks at all blocks, those in use and those in quarantine. Requires: hold_heap(), on no slow
/// path. Returns how many are damaged.
std::size_t check_all_blocks(const char* occasion);

/// Reports the block that a write without end began in, which has come as far as `address`: the
/// nearest one in front of it whose canary behind it is damaged and the one before it is not; if
/// that is not known, 0, the last one of all. False: there is none. Requires: as
/// check_all_blocks().
bool report_overrun(std::uintptr_t address, const char* occasion);

/// Blocks that the program has freed and the heap does not know to be.
std::size_t blocks_held_back();

/// What is known of the memory at `address`; CheckedBlock::start 0: nothing.
CheckedBlock describe_address(std::uintptr_t address);

} // namespace tarn
