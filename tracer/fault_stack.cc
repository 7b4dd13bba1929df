// SPDX-License-Identifier: MIT

#include "tracer/fault_stack.h"

#include <array>
#include <cstddef>

#include "src/os/probe.h"
#include "tracer/modules.h"
#include "tracer/own_code.h"
#include "tracer/unwinder.h"

namespace tarn {

namespace {

/// Of a stack that has overflowed, the innermost are all that anyone reads.
constexpr std::size_t kMost = 256;
constexpr std::uintptr_t kAddressBits = (std::uintptr_t{1} << 48U) - 1;

/// Where nothing is known of an address, a call through a bad pointer is likely: as if it returned.
bool return_at_once(RegisterValues& registers)
{
    std::uintptr_t address = 0;
    if (!os::read_memory(registers[kStackPointer], &address, sizeof address)) return false;
    registers[kReturnAddress] = address;
    registers[kStackPointer] += sizeof address;
    return module_table.find(address) != kNoModule;
}

/// Where the instruction was called from; if it is the first one, `is_first`, by any means.
bool go_to_caller(RegisterValues& registers, bool& is_interrupted, bool is_first)
{
    const Caller caller = step_out(registers, is_interrupted);
    if (caller != Caller::unknown) return caller == Caller::found;
    if (!is_first || !return_at_once(registers)) return false;
    is_interrupted = false;
    return true;
}

TraceId node_of(const Call* innermost, std::size_t count)
{
    TraceId trace = kNoTrace;
    while (count != 0) {
        trace = stack_trie.child(trace, innermost[--count]);
        if (trace == kNoTrace) break;
    }
    return trace;
}

} // namespace

TraceId find_interrupted_stack(const RegisterValues& start)
{
    RegisterValues registers = start;
    std::array<Call, kMost> calls{};
    std::size_t count = 0;
    for (bool is_interrupted = true; count < kMost;) {
        const std::uintptr_t address = registers[kReturnAddress];
        const ModuleId module = module_table.find(address - (is_interrupted ? 0 : 1));
        // One is taken off wherever it is shown, as calls need.
        if (count != 0 || !own_code().contains(address))
            calls[count++] = {.address = (address + (is_interrupted ? 1 : 0)) & kAddressBits,
                              .module = module};
        if (!go_to_caller(registers, is_interrupted, count == 1)) break;
    }
    return node_of(calls.data(), count);
}

} // namespace tarn
