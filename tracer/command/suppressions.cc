// SPDX-License-Identifier: MIT

#include "tracer/command/suppressions.h"

#include <algorithm>

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

void Suppressions::add(std::string_view text, std::vector<std::string>& problems)
{
    constexpr std::string_view kLeak = "leak:";
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    Lines lines(text);
    std::string_view line;
    const auto complain = [&](std::string_view what) {
        problems.push_back("line " + std::to_string(lines.number()) + ": " + std::string(what));
    };
    while (lines.next(line)) {
        if (line.starts_with(kLeak)) {
            const std::string pattern(trimmed(line.substr(kLeak.size())));
            all_.push_back({.name = "leak:" + pattern, .calls = {}, .anywhere = pattern});
            continue;
        }
        if (line != "{") {
            complain("neither leak:PATTERN nor { : " + std::string(line));
            continue;
        }
        Suppression suppression;
        std::string_view kind;
        if (!lines.next(line) || line == "}") {
            complain("a suppression without a name");
            continue;
        }
        suppression.name = line;
        const bool has_kind = lines.next(kind) && kind != "}";
        // Of other tools, or of other errors of Memcheck's.
        const bool is_leak = has_kind && kind.ends_with(":Leak");
        bool is_closed = has_kind ? false : kind == "}";
        while (!is_closed && lines.next(line)) {
            if (line == "}")
                is_closed = true;
            else if (line == "...")
                suppression.calls.push_back({Pattern::Kind::any_calls, ""});
            else if (line.starts_with("fun:"))
                suppression.calls.push_back({Pattern::Kind::function, std::string(line.substr(4))});
            else if (line.starts_with("obj:"))
                suppression.calls.push_back({Pattern::Kind::object, std::string(line.substr(4))});
            else if (!line.starts_with("match-leak-kinds:") && is_leak)
                complain("not understood: " + std::string(line));
        }
        if (!is_closed) complain("a suppression that is not closed: " + suppression.name);
        if (is_leak && is_closed && !suppression.calls.empty())
            all_.push_back(std::move(suppression));
    }
}

bool Suppressions::applies(const Suppression& suppression,
                           const std::vector<const NamedCall*>& stack) const
{
    if (suppression.calls.empty())
        return std::ranges::any_of(stack, [&](const NamedCall* call) {
            return found_in(suppression.anywhere, call->module) ||
                   std::ranges::any_of(call->frames, [&](const SourceFrame& frame) {
                       return found_in(suppression.anywhere, frame.function) ||
                              found_in(suppression.anywhere, frame.file);
                   });
        });

    // Valgrind's stacks begin with the allocation function itself, ours with its caller; inlined
    // functions are calls of their own.
    struct Call {
        const SourceFrame* frame; // nullptr: not known
        std::string_view module;
        bool is(std::string_view pattern) const
        {
            return frame != nullptr &&
                   (matches(pattern, frame->function) || matches(pattern, frame->linkage));
        }
    };
    std::vector<Call> calls;
    for (const NamedCall* const call : stack) {
        for (const SourceFrame& frame : call->frames)
            calls.push_back({&frame, call->module});
        if (call->frames.empty()) calls.push_back({nullptr, call->module});
    }
    const std::vector<Pattern>& patterns = suppression.calls;
    const auto fits = [&](std::size_t p, std::size_t c) {
        return patterns[p].kind == Pattern::Kind::object
                   ? matches(patterns[p].text, calls[c].module)
                   : calls[c].is(patterns[p].text);
    };
    // As in matches(): only the last "..." can have to take one call more.
    const auto matches_from = [&](std::size_t p, std::size_t c) {
        constexpr std::size_t kNone = std::string::npos;
        std::size_t dots = kNone;
        std::size_t resume = 0;
        while (p < patterns.size()) {
            if (patterns[p].kind == Pattern::Kind::any_calls) {
                dots = p++;
                resume = c;
            } else if (c < calls.size() && fits(p, c)) {
                ++p;
                ++c;
            } else if (dots != kNone && resume < calls.size()) {
                p = dots + 1;
                c = ++resume;
            } else {
                return false;
            }
        }
        return true;
    };
    if (matches_from(0, 0)) return true;
    const auto is_allocation = [](const Pattern& pattern) {
        static const std::vector<std::string_view> kNames{
            "malloc", "calloc", "realloc",       "memalign", "posix_memalign", "aligned_alloc",
            "_Zn*",   "_Zna*",  "operator new*", "*alloc",   "reallocarray"};
        return pattern.kind == Pattern::Kind::function &&
               (std::ranges::find(kNames, pattern.text) != kNames.end() ||
                pattern.text.starts_with("_Zn"));
    };
    return is_allocation(patterns[0]) && matches_from(1, 0);
}

std::string Suppressions::match(const std::vector<const NamedCall*>& stack) const
{
    for (const Suppression& suppression : all_)
        if (applies(suppression, stack)) return suppression.name;
    return {};
}

} // namespace tarn
