// SPDX-License-Identifier: MIT
//
// Stacks as a report shows them: functions, files and lines, asked of the helper all at once.

#pragma once

#include <cstdint>
#include <string_view>

#include "src/base/options.h"
#include "src/base/print.h"
#include "tracer/helper_text.h"
#include "tracer/mapped_array.h"
#include "tracer/modules.h"
#include "tracer/stack_trie.h"

namespace tarn {

/// A path in static storage: the program itself has no name among the modules.
std::string_view path_of(const Module& module);

/// Suppressions besides those that are built in.
struct SuppressionSources {
    const char* file = ""; // empty: none
    const char* text = ""; // as of a file
};

class CallNames {
public:
    /// A stack that will be shown, or may be suppressed. Errors: false, no memory.
    bool add(TraceId trace);
    /// All stacks that there are. Errors: false, no memory.
    bool add_all();

    /// What else the helper is told of the stacks, and asked for, see command/resolve.h.
    struct Request {
        SuppressionSources suppressions = {};
        /// Where a profile is to be written; empty: nowhere.
        std::string_view profile = {};
        /// An address in the data of a module, whose symbol is wanted; 0: none.
        std::uintptr_t data = 0;
        /// Writes the K and T lines of it, and others that they need.
        void (*describe)(void* context, HelperText& text) = nullptr;
        void* context = nullptr;
    };

    /// Asks the helper for all at once. What it has to say to the user goes to `sink`.
    /// Errors: false, there are no names; why is said by helper_path() being empty or not.
    bool resolve(const Request& request, TextSink sink);

    /// Whether the profile that was asked for has been written.
    bool has_profile() const { return has_profile_; }

    /// The symbol that was asked for, and how far behind its start the address is; empty: none.
    struct Symbol {
        std::string_view name;
        std::string_view offset; // number
    };
    Symbol data_symbol() const { return data_symbol_; }

    /// Kinds of leaks that are suppressed if the stack that was the `number`th to be added
    /// allocated them.
    LeakKinds suppressed(std::size_t number) const;

    /// How a call is shown: as LeakSanitizer does, "#0 0x12ab in f file.c:12:3", for tools; or
    /// "f  file.c:12".
    enum class Style : std::uint8_t { full, brief };

    /// Prints a stack, innermost call first, at most `most_calls`.
    void print(Printer& out, TraceId trace, std::size_t most_calls,
               Style style = Style::full) const;

    /// A function of a stack. What is not known is empty.
    struct Frame {
        std::uint64_t address; // in memory
        const Module* module;  // nullptr: code that no file has
        std::string_view path; // of the module
        std::uint64_t offset;  // the address as it stands in that file
        std::string_view name;
        std::string_view file;   // of the source
        std::string_view line;   // number
        std::string_view column; // number; "0": not known
        bool is_inlined;         // into the next one
    };

    /// Calls `visit` for each function of a stack, innermost first.
    void for_each_frame(TraceId trace, void (*visit)(void* context, const Frame& frame),
                        void* context) const;

    /// Prints a stack as lines of a suppression in Valgrind's syntax.
    void print_patterns(Printer& out, TraceId trace, std::size_t most_calls) const;

private:
    static void write_suppressions(HelperText& text, std::string_view suppressions);
    void write_calls(HelperText& text) const;
    void write_stacks(HelperText& text) const;
    static void write_data(HelperText& text, std::uintptr_t address);
    void write_profile(HelperText& text, const Request& request) const;
    bool sort_calls();
    std::size_t number_of(Call call) const;
    void read_answers(TextSink sink);
    void read_answer(char kind, std::string_view line, TextSink sink);
    struct Function {
        std::string_view name;
        std::string_view file;
        std::string_view line;
        std::string_view column;
        std::string_view linkage; // as the linker knows it
    };
    template <class Use> bool for_each_function(Call call, Use use) const;
    unsigned print_full(Printer& out, Call call, unsigned number) const;
    void print_brief(Printer& out, Call call) const;

    MappedArray<TraceId> traces_;
    MappedArray<Call> calls_;               // of all of them, sorted
    MappedArray<char> answers_;             // of the helper
    MappedArray<std::uint32_t> first_line_; // of each call in answers_
    MappedArray<LeakKinds> suppressed_;     // of each stack
    Symbol data_symbol_{};
    bool has_profile_ = false;
};

} // namespace tarn
