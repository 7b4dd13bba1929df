// SPDX-License-Identifier: MIT

#include "tracer/frame_pointer.h"

#include <array>
#include <cstddef>
#include <optional>

#include "src/os/probe.h"
#include "tracer/process_maps.h"
#include "tracer/stack_walk.h"

namespace tarn {

namespace {

/// Bytes of an instruction `call r/m64`, which begins with 0xFF.
/// Source: Intel SDM volume 2, CALL and tables 2-2 and 2-3.
std::size_t size_of_indirect_call(const unsigned char* code)
{
    const unsigned mode = code[1] >> 6U;
    const unsigned base = code[1] & 7U;
    const bool has_sib = mode != 3 && base == 4;
    const bool has_wide = mode == 2 || (mode == 0 && (has_sib ? (code[2] & 7U) : base) == 5);
    return 2U + (has_sib ? 1U : 0U) + (has_wide ? 4U : 0U) + (mode == 1 ? 1U : 0U);
}

bool is_behind_call(std::uintptr_t address)
{
    constexpr std::size_t kLongest = 7;
    std::array<unsigned char, kLongest> code{};
    if (!os::read_memory(address - kLongest, code.data(), kLongest)) return false;
    if (code[2] == 0xE8) return true; // call rel32
    for (std::size_t size = 2; size <= kLongest; ++size) {
        const unsigned char* const at = code.data() + kLongest - size;
        const bool is_call = at[0] == 0xFF && (at[1] & 0x38U) == 0x10;
        if (is_call && size_of_indirect_call(at) == size) return true;
    }
    return false;
}

/// Memory that is executable and of no module, as far as it was looked up.
class GeneratedCode {
public:
    bool has(std::uintptr_t address)
    {
        for (const MemoryRange& range : known_)
            if (range.contains(address)) return true;
        return looks_ < kMostLooks && look_up(address);
    }

private:
    bool look_up(std::uintptr_t address)
    {
        reader_.emplace();
        Mapping mapping;
        bool is_found = false;
        while (!is_found && reader_->next(mapping))
            is_found = mapping.executable && mapping.range.contains(address);
        reader_.reset();
        if (is_found)
            known_[next_++ % known_.size()] = mapping.range;
        else
            ++looks_;
        return is_found;
    }

    // In vain. Each takes 100 us, and what is no code may be another word each time.
    static constexpr std::size_t kMostLooks = 2000;

    std::array<MemoryRange, 16> known_{};
    std::size_t next_ = 0;
    std::size_t looks_ = 0;
    std::optional<MapsReader> reader_; // its buffer is too much for a small stack
};
constinit GeneratedCode generated_code;

} // namespace

bool may_return_to(std::uintptr_t address, ModuleId module)
{
    return is_address(address) &&
           (is_behind_call(address) || (module == kNoModule && generated_code.has(address)));
}

bool is_generated(std::uintptr_t address)
{
    return is_address(address) && generated_code.has(address);
}

// rbp may be anything where code uses it for something else. What is read there again and again, to
// see whether it is the same, must be memory that stays: only what is known to be of this stack.
[[gnu::noinline]] StackWalker::Step StackWalker::look_at_frame(const Position& at)
{
    if (top_ <= at.stack_pointer || top_ - at.stack_pointer > kLargestFrame) return Step::special;
    const std::uintptr_t frame = at.frame_pointer;
    constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);
    if (frame < at.stack_pointer || frame + 2 * kWord > top_ || frame % kWord != 0)
        return Step::end;
    // A coroutine's stack may lie below that of its thread, with nothing between them.
    std::uintptr_t address = 0;
    if (stack_.contains(frame) && stack_.contains(frame + 2 * kWord - 1))
        address = *reinterpret_cast<const std::uintptr_t*>(frame + kWord);
    else if (!os::read_memory(frame + kWord, &address, kWord))
        return Step::end;
    if (is_address(address) && rule_cache.find(address).kind() != UnwindRule::Kind::unknown)
        return Step::call;
    fresh_[fresh_size_] = {frame + kWord, address};
    fresh_details_[fresh_size_++] = {.rbp = 0,
                                     .rule = {},
                                     .node = kNoTrace,
                                     .count = 0,
                                     .kind = Kind::other,
                                     .need = Need::none};
    return Step::end;
}

StackWalker::Step StackWalker::end_of_stack(std::uintptr_t stack_pointer)
{
    for (std::size_t i = 0; i < fresh_size_; ++i)
        if (fresh_details_[i].kind == Kind::call &&
            fresh_details_[i].rule.kind() == UnwindRule::Kind::by_pointer)
            return Step::end;
    top_ = stack_pointer;
    return Step::end;
}

} // namespace tarn
