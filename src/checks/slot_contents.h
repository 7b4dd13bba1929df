// SPDX-License-Identifier: MIT
//
// What lies in a slot: a canary behind the program's bytes while it is in use, zeros afterwards.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/base/options.h"
#include "src/checks/block_record.h"
#include "src/checks/canary.h"
#include "src/checks/slot_record.h"

namespace tarn {

/// Bytes of a canary, directly behind the block.
inline constexpr std::size_t kSlotCanary = sizeof(std::uint64_t);

/// When slots are cleared. Set once, before the first block.
inline constinit ZeroMode zero_mode = ZeroMode::free;

/// What a report is to say of a slot, in the words of the checked heap.
class DescribedSlot {
public:
    explicit DescribedSlot(const Slot& slot)
    {
        const SlotRecord known = slot.load();
        record_.size = known.size;
        record_.kind = known.kind;
        record_.alignment_shift = static_cast<std::uint8_t>(known.alignment_shift);
        record_.state = known.state == SlotState::live ? BlockState::live : BlockState::quarantined;
        // Its front is a byte that there is not.
        place_ = {&record_, slot.start - 1, block_size(class_of_slot(slot.block())) + 1};
    }
    const CheckedPlace& place() const { return place_; }

private:
    BlockRecord record_{};
    CheckedPlace place_;
};

// Reports, which may end the process.
void tell_late_write(Slot slot, const char* occasion);
void tell_overflow(Slot slot, std::size_t size);
/// Two threads have freed it at once, and so it has waited twice.
void tell_freed_at_once(Slot slot);
/// A link of the heap's was overwritten: what it led to is no slot, or in use.
void tell_bad_link(const void* block, const Slot& slot);

using CanaryWord = std::uint64_t;

/// Behind a block of `size` bytes, at any address.
inline void write_canary(const Slot& slot, std::size_t size, CanaryWord word)
{
    std::memcpy(reinterpret_cast<void*>(slot.start + size), &word, sizeof word);
}

/// Sixteen bytes, as many as the CPU's vectors have at least.
using SlotWord = std::uint64_t __attribute__((vector_size(16), may_alias));
inline constexpr std::size_t kFewWords = 16;

/// Words of a slot that the program had, with the canary.
inline std::size_t used_words(std::size_t size)
{
    return (size + kSlotCanary + sizeof(SlotWord) - 1) / sizeof(SlotWord);
}

inline void clear(const Slot& slot, std::size_t words)
{
    auto* const first = static_cast<SlotWord*>(slot.block());
    if (words > kFewWords) {
        std::memset(slot.block(), 0, words * sizeof(SlotWord));
        return;
    }
    for (std::size_t i = 0; i < words; ++i) {
        first[i] = SlotWord{};
        asm("" ::: "memory"); // or it is made a call of memset()
    }
}

inline bool is_clear(const Slot& slot, std::size_t words)
{
    const auto* const first = static_cast<const SlotWord*>(slot.block());
    SlotWord wrong{};
    for (std::size_t i = 0; i < words; ++i)
        wrong |= first[i];
    return (wrong[0] | wrong[1]) == 0;
}

/// Of a slot that nobody should have: reports what was written to it since it was cleared, or that
/// somebody has it.
inline void look_at_free_slot(const Slot& slot, const char* occasion)
{
    const SlotRecord known = slot.load();
    if (known.state == SlotState::waiting) [[likely]] {
        if (zero_mode == ZeroMode::free && !is_clear(slot, used_words(known.size))) [[unlikely]]
            tell_late_write(slot, occasion);
    } else if (known.state == SlotState::live) [[unlikely]] {
        tell_freed_at_once(slot);
    }
}

inline void set_canary(const Slot& slot, std::size_t size)
{
    write_canary(slot, size, canary::word_of(slot.start));
}

inline bool is_intact(const Slot& slot, std::size_t size)
{
    CanaryWord word = 0;
    std::memcpy(&word, reinterpret_cast<const void*>(slot.start + size), sizeof word);
    return word == canary::word_of(slot.start);
}

/// Reports what was written over the canary of a block of `size` bytes.
inline void check_canary(const Slot& slot, std::size_t size)
{
    if (!is_intact(slot, size)) [[unlikely]]
        tell_overflow(slot, size);
}

} // namespace tarn
