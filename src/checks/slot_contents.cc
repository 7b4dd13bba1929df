// SPDX-License-Identifier: MIT

#include "src/checks/slot_contents.h"

#include "src/checks/fault.h"

namespace tarn {

namespace {

/// What a slot holds that was cleared and is not zero. Requires: there is something.
Change find_late_write(const Slot& slot, std::size_t words)
{
    const auto* first = static_cast<const std::uint8_t*>(slot.block());
    const auto* end = first + words * sizeof(SlotWord);
    while (*first == 0)
        ++first;
    while (end[-1] == 0)
        --end;
    return {reinterpret_cast<std::uintptr_t>(first), static_cast<std::size_t>(end - first), 0};
}

} // namespace

void tell_late_write(Slot slot, const char* occasion)
{
    const Change change = find_late_write(slot, used_words(slot.load().size));
    report_change(CheckFault::use_after_free, DescribedSlot(slot).place(), change, occasion);
}

void tell_overflow(Slot slot, std::size_t size)
{
    const std::uint64_t right = canary::word_of(slot.start);
    const auto* const first = reinterpret_cast<const std::uint8_t*>(slot.start + size);
    std::size_t start = 0;
    std::size_t end = kSlotCanary;
    const auto expected = [right](std::size_t i) {
        return static_cast<std::uint8_t>(right >> 8 * i);
    };
    while (first[start] == expected(start))
        ++start;
    while (first[end - 1] == expected(end - 1))
        --end;
    report_change(CheckFault::overflow, DescribedSlot(slot).place(),
                  {slot.start + size + start, end - start, expected(start)}, nullptr);
}

void tell_freed_at_once(Slot slot)
{
    report_bad_pointer(DescribedSlot(slot).place(), slot.block(), false);
}

void tell_bad_link(const void* block, const Slot& slot)
{
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    CheckError error{.fault = CheckFault::use_after_free,
                     .address = address,
                     .occasion = "when the next free block was looked for"};
    if (slot) error.block = describe(DescribedSlot(slot).place());
    error.changed = address;
    report_error(error);
}

} // namespace tarn
