// SPDX-License-Identifier: MIT
//
// Which leaks are not to be reported. Reads LeakSanitizer's files (leak:pattern) and Valgrind's
// (blocks in braces), also both in one file.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/options.h"
#include "tracer/command/symbols.h"

namespace tarn {

/// A call of a stack as suppressions see it.
struct NamedCall {
    std::vector<SourceFrame> frames; // innermost first
    std::string module;              // path of its file
};

inline constexpr LeakKinds kAllLeaks =
    kLeakDefinite | kLeakIndirect | kLeakPossible | kLeakReachable;

class Suppressions {
public:
    /// Adds those of a text. Errors: one line for each suppression that is not understood, with its
    /// number, in `problems`; the others count.
    void add(std::string_view text, std::vector<std::string>& problems);

    /// What is not to be reported of the blocks of a stack.
    struct Verdict {
        LeakKinds kinds = 0;
        std::string name; // of the first that applies; empty: none
    };
    /// `stack`: innermost call first.
    Verdict judge(const std::vector<const NamedCall*>& stack) const;

    std::size_t size() const { return all_.size(); }

private:
    /// One line of a stack: `kind` is what it is compared with.
    struct Pattern {
        enum class Kind : char { function, object, source, any_calls } kind;
        std::string text;
        int line = 0; // of a source; 0: any
    };
    struct Suppression {
        std::string name;
        std::vector<Pattern> calls; // of Valgrind's, from inside; empty: LeakSanitizer's
        std::string anywhere;       // LeakSanitizer's: in a function, file or module
        LeakKinds kinds = kAllLeaks;
    };

    /// A function of a stack.
    struct Function {
        const SourceFrame* frame; // nullptr: not known
        std::string_view module;
        bool is_allocation = false; // malloc() or any other, nobody knows which

        bool is(const Pattern& pattern) const;
        bool is_at(const Pattern& pattern) const;
    };

    using Stack = std::span<const Function>; // innermost first

    class Parser;

    static bool applies(const Suppression& suppression, Stack stack);
    static bool is_anywhere(std::string_view pattern, Stack stack);
    static bool begins_as(const std::vector<Pattern>& patterns, Stack stack);

    std::vector<Suppression> all_;
};

/// Whether `text` is what `pattern` says, in which * is any text and ? any character.
bool matches(std::string_view pattern, std::string_view text);

} // namespace tarn
