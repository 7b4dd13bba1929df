// SPDX-License-Identifier: MIT
//
// One number for all stacks that differ only in how often they go round.

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "tracer/stack_trie.h"

namespace tarn {

/// A number for the calls of a stack, each of them counted once: a recursive function that
/// allocates has as many stacks as levels, which are one place to a reader.
class StackFolder {
public:
    std::uint64_t key_of(TraceId trace)
    {
        ++round_;
        std::uint64_t key = 0;
        for (; trace != kNoTrace; trace = stack_trie.parent(trace)) {
            const auto call = std::bit_cast<std::uint64_t>(stack_trie.call(trace));
            // What does not fit is counted once more: two places instead of one.
            Seen& seen = seen_[(call * kMultiplier) >> 56U];
            if (seen.call == call && seen.round == round_) continue;
            seen = {call, round_};
            key = (key ^ call) * kMultiplier;
            key ^= key >> 29U;
        }
        return key;
    }

private:
    static constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15U;

    struct Seen {
        std::uint64_t call;
        std::uint64_t round;
    };
    std::array<Seen, 256> seen_{};
    std::uint64_t round_ = 0;
};

} // namespace tarn
