// SPDX-License-Identifier: MIT

#include "tracer/command/suppressions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tarn {

namespace {

std::string_view trimmed(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// "definite,possible". Errors: nullopt, one of the words is none.
std::optional<LeakKinds> kinds_of(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, LeakKinds>, 6> kNames{
        {{"definite", kLeakDefinite},
         {"indirect", kLeakIndirect},
         {"possible", kLeakPossible},
         {"reachable", kLeakReachable},
         {"all", kAllLeaks},
         {"none", 0}}};
    LeakKinds kinds = 0;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string_view word = trimmed(text.substr(at, end - at));
        const auto* const found =
            std::ranges::find(kNames, word, &std::pair<std::string_view, LeakKinds>::first);
        if (found == kNames.end()) return std::nullopt;
        kinds |= found->second;
        at = end + 1;
    }
    return kinds;
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

/// Whether a function that allocates has such a name. On other machines operator new is another
/// _Zn...
bool is_allocator(std::string_view pattern)
{
    static constexpr std::array<std::string_view, 13> kNames{"malloc",
                                                             "calloc",
                                                             "realloc",
                                                             "reallocarray",
                                                             "memalign",
                                                             "posix_memalign",
                                                             "aligned_alloc",
                                                             "valloc",
                                                             "pvalloc",
                                                             "_Znwm",
                                                             "_Znam",
                                                             "operator new(unsigned long)",
                                                             "operator new[](unsigned long)"};
    return pattern.starts_with("_Zn") || pattern.starts_with("operator new") ||
           std::ranges::any_of(kNames,
                               [&](std::string_view name) { return matches(pattern, name); });
}

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
                Suppression suppression;
                suppression.name = "leak:" + pattern;
                suppression.anywhere = pattern;
                all_.push_back(std::move(suppression));
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
        bool counts = kind.ends_with(":Leak");
        while (!is_closed && lines_.next(line)) {
            is_closed = line == "}";
            if (is_closed || !counts || add_line(line, suppression)) continue;
            // Without the line it would apply to more.
            counts = false;
            complain("not understood: " + std::string(line) + " (leaves out: " + suppression.name +
                     ")");
        }
        if (!is_closed) return complain("a suppression that is not closed: " + suppression.name);
        std::vector<Pattern>& calls = suppression.calls;
        // Valgrind's posix_memalign() calls its memalign(); for us the two are one call.
        if (calls.size() > 1 && calls[0].text == "memalign" && calls[1].text == "posix_memalign")
            calls.erase(calls.begin());
        if (counts && !calls.empty()) all_.push_back(std::move(suppression));
    }

    static bool add_line(std::string_view line, Suppression& suppression)
    {
        constexpr std::string_view kKinds = "match-leak-kinds:";
        if (!line.starts_with(kKinds)) return add_call(line, suppression);
        const std::optional<LeakKinds> kinds = kinds_of(line.substr(kKinds.size()));
        suppression.kinds = kinds.value_or(0);
        return kinds.has_value();
    }

    static bool add_call(std::string_view line, Suppression& suppression)
    {
        constexpr std::size_t kPrefix = 4;
        const std::string_view prefix = line.substr(0, kPrefix);
        const std::string_view text = trimmed(line.substr(std::min(kPrefix, line.size())));
        if (line == "...")
            suppression.calls.push_back({Pattern::Kind::any_calls, ""});
        else if (prefix == "fun:")
            suppression.calls.push_back({Pattern::Kind::function, std::string(text)});
        else if (prefix == "obj:")
            suppression.calls.push_back({Pattern::Kind::object, std::string(text)});
        else if (prefix == "src:")
            suppression.calls.push_back(source(text));
        else
            return false;
        return true;
    }

    /// "FILE" or "FILE:LINE".
    static Pattern source(std::string_view text)
    {
        const std::size_t colon = text.rfind(':');
        int line = 0;
        if (colon != std::string_view::npos) {
            const std::string_view digits = text.substr(colon + 1);
            const char* const end = digits.data() + digits.size();
            const auto [next, error] = std::from_chars(digits.data(), end, line);
            const bool is_number = error == std::errc() && next == end;
            if (is_number)
                text = text.substr(0, colon);
            else
                line = 0;
        }
        return {Pattern::Kind::source, std::string(text), line};
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
    if (pattern.kind == Pattern::Kind::source) return is_at(pattern);
    if (is_allocation) return is_allocator(pattern.text);
    return frame != nullptr &&
           (matches(pattern.text, frame->function) || matches(pattern.text, frame->linkage));
}

/// Whether the call is there: in Valgrind's reports files have no directories.
bool Suppressions::Function::is_at(const Pattern& pattern) const
{
    if (frame == nullptr || frame->file.empty()) return false;
    const std::string_view file = frame->file;
    const std::string_view name = file.substr(file.rfind('/') + 1);
    const bool is_line = pattern.line == 0 || pattern.line == frame->line;
    return is_line && (matches(pattern.text, file) || matches(pattern.text, name));
}

bool Suppressions::is_anywhere(std::string_view pattern, Stack stack)
{
    return std::ranges::any_of(stack, [&](const Function& function) {
        return found_in(pattern, function.module) ||
               (function.frame != nullptr && (found_in(pattern, function.frame->function) ||
                                              found_in(pattern, function.frame->file)));
    });
}

/// Whether the stack begins as the patterns say. As in matches(), only the last
/// "..." can have to take one call more.
bool Suppressions::begins_as(const std::vector<Pattern>& patterns, Stack stack)
{
    constexpr std::size_t kNone = std::string::npos;
    std::size_t dots = kNone;
    std::size_t resume = 0;
    std::size_t call = 0;
    for (std::size_t p = 0; p < patterns.size();) {
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

/// Valgrind's stacks begin with the allocation function itself, of which ours do not know which it
/// was. Who leaves it out means the caller.
bool Suppressions::applies(const Suppression& suppression, Stack stack)
{
    const Stack callers = stack.subspan(1);
    const std::vector<Pattern>& calls = suppression.calls;
    if (calls.empty()) return is_anywhere(suppression.anywhere, callers);
    const bool has_allocation = calls[0].kind == Pattern::Kind::any_calls || stack[0].is(calls[0]);
    return begins_as(calls, has_allocation ? stack : callers);
}

Suppressions::Verdict Suppressions::judge(const std::vector<const NamedCall*>& stack) const
{
    if (stack.empty()) return {};
    std::vector<Function> functions{{.frame = nullptr, .module = {}, .is_allocation = true}};
    // Inlined functions are calls of their own.
    for (const NamedCall* const call : stack) {
        for (const SourceFrame& frame : call->frames)
            functions.push_back({&frame, call->module});
        if (call->frames.empty()) functions.push_back({nullptr, call->module});
    }
    Verdict verdict;
    for (const Suppression& suppression : all_) {
        const bool adds = (suppression.kinds & ~verdict.kinds) != 0;
        if (!adds || !applies(suppression, functions)) continue;
        verdict.kinds |= suppression.kinds;
        if (verdict.name.empty()) verdict.name = suppression.name;
    }
    return verdict;
}

} // namespace tarn
