// SPDX-License-Identifier: MIT

#include "tracer/command/suppressions.h"

#include <algorithm>
#include <array>

namespace tarn {

namespace {

std::string_view trimmed(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// LeakSanitizer: a pattern is looked for anywhere; ^ and $ bind it to an end.
bool found_in(std::string_view pattern, std::string_view text)
{
    std::string whole(pattern);
    if (whole.starts_with('^'))
        whole.erase(0, 1);
    else
        whole.insert(0, 1, '*');
    if (whole.ends_with('$'))
        whole.pop_back();
    else
        whole += '*';
    return !text.empty() && matches(whole, text);
}

} // namespace

bool matches(std::string_view pattern, std::string_view text)
{
    // Where the last * stood, to let it take one character more.
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    std::size_t p = 0;
    std::size_t t = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

namespace {

/// Lines of a text one after the other, without comments, empty ones left out.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}

    bool next(std::string_view& line)
    {
        while (!rest_.empty()) {
            const std::size_t end = std::min(rest_.find('\n'), rest_.size());
            line = trimmed(rest_.substr(0, end));
            rest_.remove_prefix(std::min(end + 1, rest_.size()));
            ++number_;
            if (!line.empty() && line.front() != '#') return true;
        }
        return false;
    }
    int number() const { return number_; }

private:
    std::string_view rest_;
    int number_ = 0;
};

} // namespace

/// Reads a text line by line.
class Suppressions::Parser {
public:
    Parser(std::string_view text, std::vector<Suppression>& all, std::vector<std::string>& problems)
        : lines_(text), all_(all), problems_(problems)
    {}

    void parse()
    {
        constexpr std::string_view kLeak = "leak:";
        for (std::string_view line; lines_.next(line);) {
            if (line.starts_with(kLeak)) {
                const std::string pattern(trimmed(line.substr(kLeak.size())));
                all_.push_back({.name = "leak:" + pattern, .calls = {}, .anywhere = pattern});
            } else if (line == "{") {
                parse_block();
            } else {
                complain("neither leak:PATTERN nor { : " + std::string(line));
            }
        }
    }

private:
    void complain(const std::string& what)
    {
        problems_.push_back("line " + std::to_string(lines_.number()) + ": " + what);
    }

    /// From its name to the brace that closes it.
    void parse_block()
    {
        Suppression suppression;
        std::string_view line;
        if (!lines_.next(line) || line == "}") return complain("a suppression without a name");
        suppression.name = line;
        std::string_view kind;
        bool is_closed = lines_.next(kind) && kind == "}";
        // Others are of other tools, or of other errors of Memcheck's.
        const bool is_leak = kind.ends_with(":Leak");
        while (!is_closed && lines_.next(line)) {
            is_closed = line == "}";
            if (!is_closed && !add_call(line, suppression) && is_leak)
                complain("not understood: " + std::string(line));
        }
        if (!is_closed) return complain("a suppression that is not closed: " + suppression.name);
        if (is_leak && !suppression.calls.empty()) all_.push_back(std::move(suppression));
    }

    static bool add_call(std::string_view line, Suppression& suppression)
    {
        constexpr std::size_t kPrefix = 4;
        if (line == "...")
            suppression.calls.push_back({Pattern::Kind::any_calls, ""});
        else if (line.starts_with("fun:"))
            suppression.calls.push_back(
                {Pattern::Kind::function, std::string(line.substr(kPrefix))});
        else if (line.starts_with("obj:"))
            suppression.calls.push_back({Pattern::Kind::object, std::string(line.substr(kPrefix))});
        else
            return line.starts_with("match-leak-kinds:");
        return true;
    }

    Lines lines_;
    std::vector<Suppression>& all_;
    std::vector<std::string>& problems_;
};

void Suppressions::add(std::string_view text, std::vector<std::string>& problems)
{
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    Parser(text, all_, problems).parse();
}

bool Suppressions::Function::is(const Pattern& pattern) const
{
    if (pattern.kind == Pattern::Kind::object) return matches(pattern.text, module);
    return frame != nullptr &&
           (matches(pattern.text, frame->function) || matches(pattern.text, frame->linkage));
}

bool Suppressions::is_anywhere(std::string_view pattern, const std::vector<Function>& stack)
{
    return std::ranges::any_of(stack, [&](const Function& function) {
        return found_in(pattern, function.module) ||
               (function.frame != nullptr && (found_in(pattern, function.frame->function) ||
                                              found_in(pattern, function.frame->file)));
    });
}

/// Whether the stack begins as the patterns from `first` on say. As in matches(), only the last
/// "..." can have to take one call more.
bool Suppressions::begins_as(const std::vector<Pattern>& patterns, std::size_t first,
                             const std::vector<Function>& stack)
{
    constexpr std::size_t kNone = std::string::npos;
    std::size_t dots = kNone;
    std::size_t resume = 0;
    std::size_t call = 0;
    for (std::size_t p = first; p < patterns.size();) {
        if (patterns[p].kind == Pattern::Kind::any_calls) {
            dots = p++;
            resume = call;
        } else if (call < stack.size() && stack[call].is(patterns[p])) {
            ++p;
            ++call;
        } else if (dots != kNone && resume < stack.size()) {
            p = dots + 1;
            call = ++resume;
        } else {
            return false;
        }
    }
    return true;
}

/// Valgrind's stacks begin with the allocation function itself, ours with its caller.
bool Suppressions::is_allocation(const Pattern& pattern)
{
    static constexpr std::array<std::string_view, 9> kNames{
        "malloc",        "calloc", "realloc", "memalign",     "posix_memalign",
        "aligned_alloc", "*alloc", "_Zn*",    "operator new*"};
    return pattern.kind == Pattern::Kind::function &&
           (std::ranges::find(kNames, pattern.text) != kNames.end() ||
            pattern.text.starts_with("_Zn"));
}

std::string Suppressions::match(const std::vector<const NamedCall*>& stack) const
{
    // Inlined functions are calls of their own.
    std::vector<Function> functions;
    for (const NamedCall* const call : stack) {
        for (const SourceFrame& frame : call->frames)
            functions.push_back({&frame, call->module});
        if (call->frames.empty()) functions.push_back({nullptr, call->module});
    }
    for (const Suppression& suppression : all_) {
        const std::vector<Pattern>& calls = suppression.calls;
        const bool applies = calls.empty()
                                 ? is_anywhere(suppression.anywhere, functions)
                                 : begins_as(calls, 0, functions) ||
                                       (is_allocation(calls[0]) && begins_as(calls, 1, functions));
        if (applies) return suppression.name;
    }
    return {};
}

} // namespace tarn
