// SPDX-License-Identifier: MIT

#include "src/checks/access.h"

#include <array>

#include "src/checks/fault.h"
#include "src/checks/guard_pool.h"
#include "src/checks/poison.h"
#include "src/heap/address_range.h"
#include "src/os/memory.h"
#include "src/os/probe.h"

namespace tarn {

namespace {

/// Further from a block nobody would say that the address has to do with it.
constexpr std::size_t kNear = MiB(1);
/// A stack that overflows is touched near its pointer, but for large frames.
constexpr std::size_t kNearStack = KiB(64);

bool is_freed(const CheckedPlace& place)
{
    return place.record->state.load(std::memory_order_acquire) != BlockState::live;
}

/// The large block that is next to an address.
CheckedPlace nearest_large(std::uintptr_t address)
{
    CheckedPlace nearest;
    std::size_t least = kNear;
    records.for_each_large([&](const CheckedPlace& place) {
        std::size_t distance = 0;
        if (address < place.raw) distance = place.raw - address;
        if (address >= place.raw + place.room) distance = address - place.raw - place.room + 1;
        if (distance >= least) return;
        least = distance;
        nearest = place;
    });
    return nearest;
}

CheckedPlace place_near(const Access& access)
{
    if (guard_pool.contains(access.address)) return guard_pool.around(access.address);
    if (address_range.contains(reinterpret_cast<const void*>(access.address)))
        return records.around(access.address);
    return access.is_inside_malloc ? CheckedPlace{} : nearest_large(access.address);
}

/// A word of poison says which freed block it was read from.
bool explain_by_word(const char* register_name, std::uint64_t word, CheckError& error)
{
    const bool is_unset = poison::is_allocated(word);
    const std::uintptr_t start = poison::block_of(word);
    if (start == 0 && !is_unset) return false;
    error.fault = is_unset ? CheckFault::unset_pointer : CheckFault::stale_pointer;
    error.pointer = word;
    error.pointer_register = register_name;
    error.address = start;
    const auto* const block = reinterpret_cast<const void*>(start);
    if (!address_range.contains(block)) return true;
    const CheckedPlace place = records.at(block);
    // Another one that begins there, in use again, is not to blame.
    if (place && is_freed(place)) error.block = describe(place);
    return true;
}

void explain_by_registers(const Access& access, CheckError& error)
{
    for (const NamedRegister& one : access.registers)
        if (explain_by_word(one.name, one.value, error)) return;
    // A call through a pointer in memory leaves it there.
    error.is_pointer_in_memory = true;
    for (const NamedRegister& one : access.registers) {
        std::array<std::uint64_t, 16> words{};
        if (one.value == access.stack_pointer ||
            !os::read_memory(one.value, words.data(), sizeof words))
            continue;
        for (const std::uint64_t word : words)
            if (explain_by_word(one.name, word, error)) return;
    }
}

CheckFault fault_of(const Access& access, const CheckedPlace& place)
{
    const bool is_closed = guard_pool.contains(access.address) ||
                           (access.address >= place.raw && access.address < place.raw + place.room);
    if (!is_closed) return CheckFault::bad_access;
    if (is_freed(place)) return CheckFault::use_after_free;
    // A call of what is no code, or the program has taken its own access away.
    if (access.address >= place.start() && access.address < place.end())
        return CheckFault::bad_access;
    return access.address < place.start() ? CheckFault::underflow : CheckFault::overflow;
}

bool is_stack_overflow(const Access& access)
{
    const std::uintptr_t distance = access.address - access.stack_pointer + kNearStack;
    return distance < kNearStack + os::kPageSize;
}

void explain(const Access& access, CheckError& error)
{
    if (!access.has_address) return explain_by_registers(access, error);
    if (const CheckedPlace place = place_near(access)) {
        error.fault = fault_of(access, place);
        error.block = describe(place);
    } else if (is_stack_overflow(access)) {
        error.fault = CheckFault::stack_overflow;
    }
}

} // namespace

bool is_guarded(std::uintptr_t address)
{
    return guard_pool.contains(address);
}

bool report_access(const Access& access)
{
    CheckError error{.fault = CheckFault::bad_access,
                     .address = access.address,
                     .here = access.stack,
                     .access = access.kind,
                     .instruction = access.instruction,
                     .has_address = access.has_address,
                     .is_bus_error = access.is_bus_error};
    explain(access, error);
    report_error(error);
    return error.fault != CheckFault::bad_access || error.block.start != 0;
}

bool let_pass(const Access& access)
{
    if (!access.has_address) return false;
    if (guard_pool.contains(access.address)) return guard_pool.open_page(access.address);
    if (access.is_inside_malloc) return false;
    const CheckedPlace place = records.around(access.address);
    if (!place || !is_freed(place) ||
        address_range.contains(reinterpret_cast<const void*>(place.raw)))
        return false;
    const std::uintptr_t page = access.address & ~(os::kPageSize - 1);
    return os::commit(reinterpret_cast<void*>(page), os::kPageSize);
}

} // namespace tarn
