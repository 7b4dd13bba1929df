// SPDX-License-Identifier: MIT

#include "tracer/command/resolve.h"

#include <charconv>
#include <fstream>
#include <istream>
#include <iterator>
#include <map>
#include <ostream>
#include <regex>
#include <span>
#include <sstream>
#include <utility>

#include "tracer/command/perf_map.h"
#include "tracer/command/pprof.h"
#include "tracer/command/suppressions.h"
#include "tracer/command/symbols.h"

namespace tarn {

namespace {

/// What libc and libstdc++ keep until the end on purpose.
constexpr std::string_view kBuiltIn = R"(
{
   libstdc++: memory for exceptions when there is no other
   Memcheck:Leak
   fun:*::pool::pool*
   ...
}
{
   libstdc++: memory for exceptions when there is no other (without symbols)
   Memcheck:Leak
   obj:*/libstdc++.so.6*
   fun:call_init*
   ...
}
{
   loader: thread-local storage of libraries
   Memcheck:Leak
   fun:allocate_dtv*
   ...
}
{
   loader: thread-local storage of libraries
   Memcheck:Leak
   fun:_dl_resize_dtv
   ...
}
{
   libc: buffers of the standard streams
   Memcheck:Leak
   fun:_IO_file_doallocate
   ...
}
)";

std::vector<std::size_t> hexadecimal_numbers(const std::string& line)
{
    std::vector<std::size_t> numbers;
    const char* const end = line.data() + line.size();
    for (const char* at = line.data(); at < end;) {
        std::size_t number = 0;
        const auto [next, error] = std::from_chars(at, end, number, 16);
        if (error == std::errc()) numbers.push_back(number);
        at = next == at ? at + 1 : next;
    }
    return numbers;
}

/// "%0a" is a line break.
std::string unquoted(const std::string& path)
{
    constexpr std::size_t kDigits = 2;
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
        unsigned char code = 0;
        const char* const digits = path.data() + i + 1;
        const bool is_code =
            path[i] == '%' && i + kDigits < path.size() &&
            std::from_chars(digits, digits + kDigits, code, 16).ptr == digits + kDigits;
        text += is_code ? static_cast<char>(code) : path[i];
        if (is_code) i += kDigits;
    }
    return text;
}

std::string contents_of(const std::string& path, std::vector<std::string>& problems)
{
    std::string text;
    try {
        std::ifstream in(path);
        text.assign(std::istreambuf_iterator<char>(in), {});
        if (in) return text;
    } catch (const std::ios_base::failure&) {
        text.clear(); // of a directory
    }
    problems.emplace_back("cannot be read");
    return text;
}

class Answers {
public:
    Answers(std::ostream& out, const std::string& file) : out_(out)
    {
        std::vector<std::string> problems;
        if (!file.empty()) suppressions_.add(contents_of(file, problems), problems);
        complain("suppressions=" + file, problems);
        suppressions_.add(kBuiltIn, problems);
    }

    void add_suppression_line(const std::string& line) { of_program_ += line + "\n"; }

    void add_file(const std::string& line)
    {
        ProfileFile file;
        std::istringstream fields(line);
        std::getline(fields, file.path, '\t');
        file.path = unquoted(file.path);
        std::getline(fields, file.build_id, '\t');
        fields >> std::hex >> file.start >> file.end >> file.bias;
        symbols_.add(file.path, file.build_id);
        profile_.files.push_back(std::move(file));
    }

    void add_address(std::istream& line)
    {
        std::size_t file = 0;
        std::uint64_t address = 0;
        line >> std::hex >> file >> address;
        NamedCall call;
        if (file < profile_.files.size()) {
            call.frames = symbols_.at(file, address);
            call.module = profile_.files[file].path;
        } else if (const std::string name = generated_.name_at(address); !name.empty()) {
            call.frames = {{.function = name, .linkage = name, .file = {}}};
        }
        for (const SourceFrame& frame : call.frames)
            out_ << "F\t" << frame.function << "\t" << frame.file << "\t" << frame.line << "\t"
                 << frame.column << "\t" << frame.linkage << "\n";
        out_ << ".\n";
        profile_.calls.push_back({.file = file, .address = address, .frames = {}});
        calls_.push_back(std::move(call));
    }

    void open_generated(std::istream& line)
    {
        std::uint64_t process = 0;
        if (line >> process) generated_.open(process);
    }

    void name_data(std::istream& line)
    {
        std::size_t file = 0;
        std::uint64_t address = 0;
        line >> std::hex >> file >> address;
        const DataSymbol symbol = symbols_.data_at(file, address);
        if (!symbol.name.empty()) out_ << "D\t" << symbol.name << "\t" << symbol.offset << "\n";
    }

    /// Says whether a stack is suppressed.
    void judge(const std::string& line)
    {
        std::vector<std::string> problems;
        suppressions_.add(std::exchange(of_program_, {}), problems);
        complain("__lsan_default_suppressions()", problems);
        std::vector<const NamedCall*> calls;
        for (const std::size_t number : hexadecimal_numbers(line))
            if (number < calls_.size()) calls.push_back(&calls_[number]);
        const Suppressions::Verdict verdict = suppressions_.judge(calls);
        out_ << "S\t" << std::hex << verdict.kinds << std::dec << "\t" << verdict.name << "\n";
    }

    /// A node may be below an earlier one only, and of a call that was told.
    void add_node(const std::string& line)
    {
        const std::vector<std::size_t> numbers = hexadecimal_numbers(line);
        const bool is_right = numbers.size() == 2 && numbers[0] <= profile_.nodes.size() &&
                              numbers[1] < calls_.size();
        profile_.nodes.push_back(is_right ? ProfileNode{numbers[0], numbers[1], {}}
                                          : ProfileNode{0, 0, {}});
    }

    void add_tag(const std::string& tag) { profile_.nodes.push_back({0, 0, tag}); }

    void add_stack(const std::string& line)
    {
        const std::vector<std::size_t> numbers = hexadecimal_numbers(line);
        if (numbers.size() == 1 && numbers[0] != 0 && numbers[0] <= profile_.nodes.size())
            profile_.stacks.push_back({.node = numbers[0], .values = {}});
    }

    void add_values(std::istream& line)
    {
        if (profile_.stacks.empty()) return;
        for (std::int64_t& value : profile_.stacks.back().values)
            line >> value;
    }

    void add_comment(std::istream& line)
    {
        std::size_t node = 0;
        std::string text;
        line >> std::hex >> node >> std::ws;
        std::getline(line, text);
        profile_.comments.push_back(text + stack_text(node));
    }

    void set_period(std::istream& line) { line >> profile_.period; }

    void write(const std::string& path)
    {
        for (std::size_t i = 0; i < calls_.size(); ++i)
            profile_.calls[i].frames = calls_[i].frames;
        const std::string problem = write_profile(path, profile_);
        if (problem.empty())
            out_ << "P\tprofile in " << path << ", for pprof, speedscope and the like\n";
        else
            out_ << "E\tno profile: " << path << ": " << problem << "\n";
    }

private:
    void complain(const std::string& source, const std::vector<std::string>& problems)
    {
        for (const std::string& problem : problems)
            out_ << "E\t" << source << ": " << problem << "\n";
    }

    /// "; in f (a.c:12) < main (b.c:34)", innermost call first.
    std::string stack_text(std::size_t node) const
    {
        constexpr std::size_t kMostFrames = 10;
        std::string calls;
        std::string tag;
        std::size_t frames = 0;
        for (; node != 0 && node <= profile_.nodes.size(); node = profile_.nodes[node - 1].parent) {
            if (!profile_.nodes[node - 1].tag.empty())
                tag = "; tagged " + profile_.nodes[node - 1].tag;
            else
                for (const SourceFrame& frame : frames_of(profile_.nodes[node - 1].call))
                    if (!frame.function.empty() && frames++ < kMostFrames)
                        calls += (calls.empty() ? "; in " : " < ") + frame_text(frame);
        }
        return calls + (frames > kMostFrames ? " < ..." : "") + tag;
    }

    /// None for what is no call.
    std::span<const SourceFrame> frames_of(std::size_t call) const
    {
        if (call >= calls_.size()) return {};
        return calls_[call].frames;
    }

    static std::string frame_text(const SourceFrame& frame)
    {
        if (frame.file.empty()) return frame.function;
        return frame.function + " (" + frame.file + ":" + std::to_string(frame.line) + ")";
    }

    std::ostream& out_;
    Suppressions suppressions_;
    std::string of_program_; // not added yet
    Symbols symbols_;
    PerfMap generated_;
    std::vector<NamedCall> calls_;
    ProfileContents profile_;
};

} // namespace

void answer(std::istream& questions, std::ostream& out, const std::string& suppressions)
{
    Answers answers(out, suppressions);
    for (std::string line; std::getline(questions, line);) {
        const bool is_empty_stack = line == "L"; // which has an answer, too
        if (line.size() < 2 && !is_empty_stack) continue;
        const std::string arguments = line.size() > 2 ? line.substr(2) : "";
        std::istringstream rest(arguments);
        switch (line[0]) {
        case 'U':
            answers.add_suppression_line(arguments);
            break;
        case 'M':
            answers.add_file(arguments);
            break;
        case 'A':
            answers.add_address(rest);
            break;
        case 'J':
            answers.open_generated(rest);
            break;
        case 'D':
            answers.name_data(rest);
            break;
        case 'L':
            answers.judge(arguments);
            break;
        case 'N':
            answers.add_node(arguments);
            break;
        case 'G':
            answers.add_tag(arguments);
            break;
        case 'K':
            answers.add_stack(arguments);
            break;
        case 'C':
            answers.add_comment(rest);
            break;
        case 'W':
            answers.set_period(rest);
            break;
        case 'T':
            answers.add_values(rest);
            break;
        case 'P':
            answers.write(arguments);
            break;
        default:
            break;
        }
    }
}

namespace {

/// Puts names into the lines of a report.
class LineSymbolizer {
public:
    /// False: it is no line of a stack, or there is no name for it.
    bool write(const std::string& line, std::ostream& out)
    {
        std::smatch found;
        if (!std::regex_match(line, found, pattern_)) return false;
        const std::string path = found[2].str();
        const std::string address = found[3].str();
        bool has_names = false;
        for (const SourceFrame& frame : frames_at(path, address, found[4].str())) {
            if (frame.function.empty()) continue;
            has_names = true;
            out << found[1].str() << " in " << frame.function << " ";
            if (frame.file.empty())
                out << "(" << path << "+0x" << address << ")\n";
            else
                out << frame.file << ":" << frame.line << "\n";
        }
        return has_names;
    }

private:
    std::vector<SourceFrame> frames_at(const std::string& path, const std::string& address,
                                       const std::string& build_id)
    {
        const std::pair key(path, build_id);
        if (!files_.contains(key)) files_[key] = symbols_.add(path, build_id);
        const std::vector<std::size_t> numbers = hexadecimal_numbers(address);
        if (numbers.empty()) return {};
        return symbols_.at(files_[key], numbers[0]);
    }

    // "    #3 0x7f12 (/lib/libc.so.6+0x2718a) (BuildId: 93ac)"
    std::regex pattern_{
        R"(^(\s*#\d+ 0x[0-9a-f]+) +\((.+)\+0x([0-9a-f]+)\)(?: \(BuildId: ([0-9a-f]+)\))?\s*$)"};
    Symbols symbols_;
    std::map<std::pair<std::string, std::string>, std::size_t> files_;
};

} // namespace

void symbolize(std::istream& report, std::ostream& out)
{
    LineSymbolizer symbolizer;
    for (std::string line; std::getline(report, line);)
        if (!symbolizer.write(line, out)) out << line << "\n";
}

} // namespace tarn
