// SPDX-License-Identifier: MIT

#include "tracer/call_names.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <unistd.h>

#include "src/base/text.h"
#include "src/os/process.h"
#include "tracer/helper.h"
#include "tracer/modules.h"
#include "tracer/report_text.h"
#include "tracer/tags.h"

namespace tarn {

namespace {

bool is_before(Call a, Call b)
{
    return std::bit_cast<std::uint64_t>(a) < std::bit_cast<std::uint64_t>(b);
}

/// The call itself, by what it is known from: where it returns to.
std::uint64_t call_site(Call call)
{
    return call.address - 1U;
}

/// As it stands in the file.
std::uint64_t address_in_file(Call call)
{
    return call_site(call) - module_table[call.module].bias;
}

} // namespace

std::string_view path_of(const Module& module)
{
    if (module.name[0] != '\0') return module.name;
    static constinit std::array<char, PATH_MAX> own{};
    static constinit ::ssize_t size = 0;
    if (size == 0) size = ::readlink("/proc/self/exe", own.data(), own.size());
    return size > 0 ? std::string_view(own.data(), static_cast<std::size_t>(size)) : "";
}

namespace {

template <class Output> void write_build_id(Output&& write, const Module& module)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t i = 0; i < module.id_size; ++i) {
        const auto byte = std::to_integer<unsigned>(module.id[i]);
        write(slice(kDigits, byte / 16, 1));
        write(slice(kDigits, byte % 16, 1));
    }
}

/// A text that stays on its line: a file may have any name.
struct OneLine {
    std::string_view text;
    std::string_view instead = " "; // of each control character
};

Printer& operator<<(Printer& out, OneLine line)
{
    for (const char& c : line.text)
        out << (is_control(c) ? line.instead : std::string_view(&c, 1));
    return out;
}

/// Takes the text up to `end` off `rest`.
std::string_view take_until(std::string_view& rest, char end)
{
    const std::size_t size = std::min(rest.find(end), rest.size());
    const std::string_view taken = slice(rest, 0, size);
    rest = slice(rest, std::min(size + 1, rest.size()));
    return taken;
}

/// Of an answer: one digit.
LeakKinds kinds_of(std::string_view line)
{
    const char digit = line.empty() ? '0' : line.front();
    return static_cast<LeakKinds>(digit >= 'a' ? digit - 'a' + 10 : digit - '0');
}

} // namespace

bool CallNames::add(TraceId trace)
{
    for (TraceId node = trace; node != kNoTrace; node = stack_trie.caller(node))
        if (!calls_.push_back(stack_trie.call(node))) return false;
    return traces_.push_back(trace);
}

bool CallNames::add_all()
{
    for (std::size_t id = 1; id <= stack_trie.size(); ++id) {
        const Call call = stack_trie.call(static_cast<TraceId>(id));
        if (call.module != kTagModule && !calls_.push_back(call)) return false;
    }
    return true;
}

bool CallNames::sort_calls()
{
    std::ranges::sort(calls_.all(), is_before);
    // Not std::ranges::unique(): clang 14 does not take libstdc++'s.
    const std::span all = calls_.all();
    const auto end = std::unique(all.begin(), all.end());
    return calls_.resize(static_cast<std::size_t>(end - all.begin()));
}

std::size_t CallNames::number_of(Call call) const
{
    const auto all = calls_.all();
    return static_cast<std::size_t>(std::ranges::lower_bound(all, call, is_before) - all.begin());
}

void CallNames::write_suppressions(HelperText& text, std::string_view suppressions)
{
    while (!suppressions.empty())
        text << "U " << take_until(suppressions, '\n') << "\n";
}

void CallNames::write_calls(HelperText& text) const
{
    for (std::size_t id = 1; id <= module_table.size(); ++id) {
        const Module& module = module_table[static_cast<ModuleId>(id)];
        text << "M ";
        text.quoted(path_of(module)) << "\t";
        write_build_id([&](std::string_view digit) { text << digit; }, module);
        text << "\t";
        text.hexadecimal(module.range.start) << "\t";
        text.hexadecimal(module.range.end) << "\t";
        text.hexadecimal(module.bias) << "\n";
    }
    if (!calls_.all().empty() && calls_.all().front().module == kNoModule)
        text << "J " << (reported_process != 0 ? reported_process : os::process_id()) << "\n";
    for (const Call call : calls_.all()) {
        const bool is_known = call.module != kNoModule;
        text << "A ";
        text.hexadecimal(is_known ? call.module - 1U : module_table.size()) << " ";
        text.hexadecimal(is_known ? address_in_file(call) : call_site(call)) << "\n";
    }
}

void CallNames::write_data(HelperText& text, std::uintptr_t address)
{
    const ModuleId module = module_table.find(address);
    if (module == kNoModule) return;
    text << "D ";
    text.hexadecimal(module - 1U) << " ";
    text.hexadecimal(address - module_table[module].bias) << "\n";
}

void CallNames::write_stacks(HelperText& text) const
{
    for (const TraceId trace : traces_.all()) {
        text << "L";
        for (TraceId node = trace; node != kNoTrace; node = stack_trie.caller(node)) {
            text << " ";
            text.hexadecimal(number_of(stack_trie.call(node)));
        }
        text << "\n";
    }
}

void CallNames::write_profile(HelperText& text, const Request& request) const
{
    for (std::size_t id = 1; id <= stack_trie.size(); ++id) {
        const Call call = stack_trie.call(static_cast<TraceId>(id));
        if (call.module == kTagModule) {
            const auto tag = static_cast<TagId>(call.address);
            text << "G " << (tag <= tag_table.size() ? tag_table[tag].path() : "?") << "\n";
            continue;
        }
        text << "N ";
        text.hexadecimal(stack_trie.parent(static_cast<TraceId>(id))) << " ";
        text.hexadecimal(number_of(call)) << "\n";
    }
    request.describe(request.context, text);
    text << "P " << request.profile << "\n";
}

bool CallNames::resolve(const Request& request, TextSink sink)
{
    if (helper_path().empty() || !sort_calls()) return false;
    HelperText text;
    write_suppressions(text, request.suppressions.text);
    write_calls(text);
    write_stacks(text);
    if (request.data != 0) write_data(text, request.data);
    if (!request.profile.empty()) write_profile(text, request);
    FixedText<PATH_MAX> argument;
    argument << "--suppressions=" << request.suppressions.file;
    const bool has_argument = request.suppressions.file[0] != '\0';
    const bool is_done =
        run_helper("resolve", has_argument ? argument.c_str() : nullptr, text.all(), answers_);
    if (is_done) read_answers(sink);
    return is_done && first_line_.size() == calls_.size();
}

void CallNames::read_answers(TextSink sink)
{
    const std::string_view all(answers_.all().data(), answers_.size());
    std::string_view rest = all;
    bool begins = true; // the next line is the first of a call
    while (!rest.empty()) {
        const auto offset = static_cast<std::uint32_t>(all.size() - rest.size());
        std::string_view line = take_until(rest, '\n');
        const char kind = line.empty() ? '\0' : line.front();
        if (begins && (kind == 'F' || kind == '.')) first_line_.push_back(offset);
        if (kind == 'F' || kind == '.') begins = kind == '.';
        take_until(line, '\t');
        read_answer(kind, line, sink);
    }
}

/// One that is not about a call.
void CallNames::read_answer(char kind, std::string_view line, TextSink sink)
{
    if (kind == 'E' || kind == 'P') Printer(sink) << "tarn: " << line << "\n";
    has_profile_ |= kind == 'P';
    if (kind == 'S') suppressed_.push_back(kinds_of(line));
    if (kind != 'D') return;
    data_symbol_.name = take_until(line, '\t');
    data_symbol_.offset = line;
}

LeakKinds CallNames::suppressed(std::size_t number) const
{
    return number < suppressed_.size() ? suppressed_[number] : 0;
}

/// Calls `use` with each function at a call that has a name, innermost first. False: there is none.
template <class Use> bool CallNames::for_each_function(Call call, Use use) const
{
    const std::size_t index = number_of(call);
    if (index >= first_line_.size()) return false;
    bool found = false;
    std::string_view rest(answers_.all().data(), answers_.size());
    rest = slice(rest, first_line_[index]);
    while (has_prefix(rest, "F")) {
        std::string_view line = take_until(rest, '\n');
        take_until(line, '\t');
        Function function{};
        function.name = take_until(line, '\t');
        function.file = take_until(line, '\t');
        function.line = take_until(line, '\t');
        function.column = take_until(line, '\t');
        function.linkage = line.empty() ? function.name : line;
        if (function.name.empty()) continue;
        use(function);
        found = true;
    }
    return found;
}

void CallNames::for_each_frame(TraceId trace, void (*visit)(void* context, const Frame& frame),
                               void* context) const
{
    for (TraceId node = trace; node != kNoTrace; node = stack_trie.caller(node)) {
        const Call call = stack_trie.call(node);
        Frame frame{};
        frame.address = call_site(call);
        if (call.module != kNoModule) {
            frame.module = &module_table[call.module];
            frame.path = path_of(*frame.module);
            frame.offset = address_in_file(call);
        }
        // Each but the last one is inlined: one is held back.
        bool has_one = false;
        for_each_function(call, [&](const Function& function) {
            frame.is_inlined = true;
            if (has_one) visit(context, frame);
            has_one = true;
            frame.name = function.name;
            frame.file = function.file;
            frame.line = function.line;
            frame.column = function.column;
        });
        frame.is_inlined = false;
        visit(context, frame);
    }
}

/// Returns the number of the next line.
unsigned CallNames::print_full(Printer& out, Call call, unsigned number) const
{
    const auto begin_line = [&] {
        out << "    #" << std::uint64_t{number++} << " " << Hex{call_site(call)};
    };
    const auto print_place = [&](bool has_name) {
        if (call.module == kNoModule) {
            out << (has_name ? " (generated code)"
                             : " (no file known: generated code, or too many modules)");
            return;
        }
        const Module& module = module_table[call.module];
        out << " (" << OneLine{path_of(module)} << "+" << Hex{address_in_file(call)} << ")";
        if (module.id_size == 0) return;
        out << " (BuildId: ";
        write_build_id([&](std::string_view digit) { out << digit; }, module);
        out << ")";
    };
    const bool has_names = for_each_function(call, [&](const Function& function) {
        begin_line();
        out << " in " << function.name;
        if (function.file.empty()) {
            print_place(true);
        } else {
            out << " " << function.file << ":" << function.line;
            if (function.column != "0") out << ":" << function.column;
        }
        out << "\n";
    });
    if (has_names) return number;
    begin_line();
    out << " ";
    print_place(false);
    out << "\n";
    return number;
}

void CallNames::print_brief(Printer& out, Call call) const
{
    const bool is_known = call.module != kNoModule;
    const std::string_view path = is_known ? path_of(module_table[call.module]) : "generated code";
    const std::size_t slash = path.rfind('/');
    const std::string_view module = slash == std::string_view::npos ? path : slice(path, slash + 1);
    const bool has_names = for_each_function(call, [&](const Function& function) {
        out << "       " << function.name << "  ";
        if (function.file.empty())
            out << "(" << OneLine{module} << ")\n";
        else
            out << function.file << ":" << function.line << "\n";
    });
    if (has_names) return;
    out << "       (" << OneLine{module} << "+"
        << Hex{is_known ? address_in_file(call) : call_site(call)} << ")\n";
}

void CallNames::print_patterns(Printer& out, TraceId trace, std::size_t most_calls) const
{
    constexpr std::size_t kMostLines = 20; // Valgrind refuses more than 24
    std::size_t lines = 0;
    bool is_last = false; // outside of it stacks are others under Valgrind
    for (TraceId node = trace; node != kNoTrace && most_calls > 0 && !is_last;
         node = stack_trie.caller(node), --most_calls) {
        const Call call = stack_trie.call(node);
        const bool has_names = for_each_function(call, [&](const Function& function) {
            if (lines++ < kMostLines) out << "   fun:" << function.linkage << "\n";
            is_last = function.linkage == "main" || function.linkage == "start_thread";
        });
        if (!has_names && call.module != kNoModule && lines++ < kMostLines)
            out << "   obj:" << OneLine{path_of(module_table[call.module]), "?"} << "\n";
    }
}

void CallNames::print(Printer& out, TraceId trace, std::size_t most_calls, Style style) const
{
    // Whoever reads the brief form is not helped by the rounds of a recursion.
    const auto is_repeated = [&](TraceId node) {
        if (style == Style::full) return false;
        const Call call = stack_trie.call(node);
        TraceId inner = trace;
        while (inner != node && stack_trie.call(inner) != call)
            inner = stack_trie.caller(inner);
        return inner != node;
    };
    unsigned number = 0;
    std::size_t calls = 0;
    std::size_t left = 0;
    for (TraceId node = trace; node != kNoTrace; node = stack_trie.caller(node)) {
        if (calls == most_calls || is_repeated(node)) {
            ++left;
            continue;
        }
        ++calls;
        if (style == Style::full)
            number = print_full(out, stack_trie.call(node), number);
        else
            print_brief(out, stack_trie.call(node));
    }
    if (left != 0)
        out << (style == Style::full ? "    ... and " : "       ... and ") << left
            << " more calls\n";
}

} // namespace tarn
