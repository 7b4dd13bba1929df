// SPDX-License-Identifier: MIT

#include "tracer/leak_report.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <optional>

#include "src/base/text.h"
#include "src/os/probe.h"
#include "src/os/process.h"
#include "src/os/stack.h"
#include "tracer/caller_state.h"
#include "tracer/helper.h"
#include "tracer/leak_json.h"
#include "tracer/tags.h"

namespace tarn {

namespace {

constexpr std::size_t kPreview = 16; // bytes in a line

/// Calls of one stack that are listed: enough to tell where, and recursion has thousands.
constexpr std::size_t kMostCallsListed = 64;

/// Calls of a suppression: enough for it to mean this place and no other.
constexpr std::size_t kMostCallsSuggested = 6;

/// A number as Valgrind writes it: 72,704.
struct Grouped {
    std::uint64_t number;
};

Printer& operator<<(Printer& out, Grouped value)
{
    std::array<char, 32> text;
    std::size_t at = text.size();
    int digits = 0;
    do {
        if (digits != 0 && digits % 3 == 0) text[--at] = ',';
        text[--at] = static_cast<char>('0' + value.number % 10);
        value.number /= 10;
        ++digits;
    } while (value.number != 0);
    return out << std::string_view(text.data() + at, text.size() - at);
}

/// "==1234== ", at the start of a line.
struct Margin {};

Printer& operator<<(Printer& out, Margin)
{
    return out << "==" << os::process_id() << "== ";
}

std::string_view name_of(Reach reach)
{
    switch (reach) {
    case Reach::lost:
        return "Direct leak";
    case Reach::indirect:
        return "Indirect leak";
    case Reach::possible:
        return "Possible leak";
    case Reach::reachable:
        return "Still reachable:";
    }
    return "";
}

/// How a block begins: a person often knows from that what it is.
void print_preview(Printer& out, const FoundBlock& block)
{
    // A thread that runs again may have freed it meanwhile.
    std::array<unsigned char, 2 * kPreview> bytes;
    const std::size_t size = std::min(block.size, bytes.size());
    if (!os::read_memory(block.start, bytes.data(), size)) return;
    const std::size_t lines = block.size > kPreview ? 2 : 1;
    for (std::size_t line = 0; line < lines; ++line) {
        const std::size_t from = line * kPreview;
        const std::size_t to = std::min(from + kPreview, block.size);
        out << "    " << Hex{block.start + from} << ": ";
        std::array<char, kPreview> text;
        for (std::size_t i = from; i < to; ++i) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            const std::array<char, 3> hex{kDigits[bytes[i] / 16], kDigits[bytes[i] % 16], ' '};
            out << std::string_view(hex.data(), hex.size());
            text[i - from] = bytes[i] >= ' ' && bytes[i] <= '~' ? static_cast<char>(bytes[i]) : '.';
        }
        out << " " << std::string_view(text.data(), to - from) << "\n";
    }
}

void print_group(Printer& out, const LeakGroup& group, const CallNames& names)
{
    out << name_of(group.reach) << (group.reach == Reach::reachable ? " " : " of ")
        << group.own.bytes << " byte(s) in " << group.own.blocks << " object(s)";
    const bool is_traced = group.trace != kNoTrace;
    if (is_traced)
        out << " allocated from:\n";
    else
        out << " of " << group.first->size << " byte(s), the first of them:\n";
    if (is_traced)
        names.print(out, group.trace, kMostCallsListed);
    else
        print_preview(out, *group.first);
    if (const TagId tag = tag_of(group.trace); tag != kNoTag)
        out << "    Tagged " << tag_table[tag].path() << ".\n";
    if (group.with.blocks != 0)
        out << "    With them " << group.with.bytes << " byte(s) in " << group.with.blocks
            << " object(s) are lost.\n";
    out << "\n";
}

class Report {
public:
    Report(const HeapView& heap, const LeakOptions& options, TextSink sink)
        : heap_(heap), options_(options), sink_(sink), out_(sink)
    {}

    /// As write(), by a copy of the process. Errors: nullopt, it cannot be done so.
    std::optional<std::uint64_t> write_in_copy()
    {
        if (!may_report_in_copy(options_.copy, sink_)) return 0;
        if (const char* const problem = scan_.hold(heap_)) return print_problem(problem);
        const int refusal = start_report_in_copy(
            {.write = write_job, .context = this, .options = options_.copy, .sink = sink_},
            kScanStack);
        // Only now may something be said: a stopped thread may be about to say something itself.
        scan_.release(heap_);
        if (refusal == 0 && !options_.copy.is_waited_for) return 0;
        std::optional<std::uint64_t> leaked;
        if (refusal == 0) leaked = wait_for_report();
        if (!leaked)
            out_ << "tarn: stw=fork: "
                 << (refusal != 0 ? ::strerrordesc_np(refusal) : "the copy has died")
                 << ": the report is made as with stw=signal\n";
        return leaked;
    }

    /// Returns what report_leaks() does.
    std::uint64_t write(const CallerState& caller)
    {
        if (const char* const problem = scan_.run(heap_, caller, options_.since))
            return print_problem(problem);
        if (!groups_.build(scan_, options_.show, options_.suppressions, sink_))
            return print_problem("no memory for it");
        if (options_.json[0] != '\0')
            write_leak_json(options_.json,
                            {.groups = groups_,
                             .show = options_.show,
                             .since = options_.since,
                             .calls = heap_.totals(),
                             .unstopped = scan_.unstopped()},
                            sink_);
        const LeakTotal& direct = of(Reach::lost);
        const LeakTotal& indirect = of(Reach::indirect);
        const std::uint64_t leaked = direct.blocks + indirect.blocks;
        const bool lists_others =
            (of(Reach::possible).blocks != 0 && is_in(options_.show, Reach::possible)) ||
            is_in(options_.show, Reach::reachable);
        if (leaked == 0 && !lists_others) {
            if (!options_.only_leaks) print_no_leaks();
            return 0;
        }
        print_title(leaked);
        print_groups();
        print_summaries();
        out_ << "SUMMARY: tarn: " << direct.bytes + indirect.bytes << " byte(s) leaked in "
             << leaked << " allocation(s).\n";
        return leaked;
    }

private:
    static std::uint64_t write_job(void* report);

    std::uint64_t print_problem(std::string_view problem)
    {
        out_ << "tarn: no leak report: " << problem << "\n";
        return 0;
    }

    const LeakTotal& of(Reach reach) const { return groups_.total(reach); }

    void print_no_leaks()
    {
        out_ << Margin{} << "tarn: no leaks in " << os::executable_name();
        print_since(" since mark ");
        out_ << "; " << of(Reach::reachable).bytes << " byte(s) in " << of(Reach::reachable).blocks
             << " allocation(s) are still reachable";
        if (of(Reach::possible).blocks != 0)
            out_ << ", " << of(Reach::possible).bytes << " in " << of(Reach::possible).blocks
                 << " perhaps (leaks_show=possible lists them)";
        if (groups_.suppressed().blocks != 0)
            out_ << ", " << groups_.suppressed().blocks << " are suppressed";
        out_ << "\n";
    }

    void print_title(std::uint64_t leaked)
    {
        out_ << "\n=================================================================\n=="
             << os::process_id();
        if (leaked != 0)
            out_ << "==ERROR: LeakSanitizer: detected memory leaks (by tarn, in "
                 << os::executable_name();
        else
            out_ << "==tarn: memory that " << os::executable_name() << " has not freed";
        print_since(leaked != 0 ? ", since mark " : " since mark ");
        out_ << (leaked != 0 ? ")\n\n" : "\n\n");
    }

    void print_groups()
    {
        const std::span<LeakGroup> groups = groups_.all();
        std::size_t listed = 0;
        std::size_t small = 0;
        for (const LeakGroup& group : groups) {
            if (group.own.bytes + group.with.bytes < options_.least_bytes) {
                ++small;
            } else if (listed < options_.most_groups) {
                ++listed;
                print_group(out_, group, groups_.names());
                if (options_.suggests_suppressions && is_traced(group)) suggest_suppression(group);
            }
        }
        if (listed + small < groups.size())
            out_ << "... and " << groups.size() - listed - small
                 << " more places (leaks_max=" << groups.size() << " lists all)\n\n";
        if (small != 0)
            out_ << "... and " << small << " with less than min_bytes=" << options_.least_bytes
                 << "\n\n";
        if (!groups_.has_names() && std::ranges::any_of(groups, is_traced)) print_no_names();
    }

    void print_since(std::string_view words)
    {
        if (options_.since != 0) out_ << words << std::uint64_t{options_.since};
    }

    static bool is_traced(const LeakGroup& group) { return group.trace != kNoTrace; }

    void suggest_suppression(const LeakGroup& group)
    {
        constexpr std::array<std::string_view, kReachCount> kKinds{"definite", "indirect",
                                                                   "possible", "reachable"};
        // Whichever function allocated is Valgrind's first line.
        out_ << "{\n   <insert a name here>\n   Memcheck:Leak\n   match-leak-kinds: "
             << kKinds[static_cast<std::size_t>(group.reach)] << "\n   fun:*\n";
        groups_.names().print_patterns(out_, group.trace, kMostCallsSuggested);
        out_ << "   ...\n}\n\n";
    }

    void print_no_names()
    {
        const std::string_view helper = helper_path();
        out_ << "No names: ";
        if (helper.empty())
            out_ << "there is no tarn command beside libtarn.so (symbolizer=PATH says where)";
        else
            out_ << helper << " did not answer";
        out_ << ". `tarn symbolize < REPORT` finds them later.\n\n";
    }

    void print_line(std::string_view what, const LeakTotal& total)
    {
        out_ << Margin{} << what << Grouped{total.bytes} << " bytes in " << Grouped{total.blocks}
             << " blocks\n";
    }

    void print_summaries()
    {
        LeakTotal all = groups_.suppressed();
        all.bytes += groups_.old().bytes;
        all.blocks += groups_.old().blocks;
        for (const Reach reach :
             {Reach::lost, Reach::indirect, Reach::possible, Reach::reachable}) {
            all.bytes += of(reach).bytes;
            all.blocks += of(reach).blocks;
        }
        const HeapTotals calls = heap_.totals();
        out_ << Margin{} << "HEAP SUMMARY:\n";
        print_line("    in use at exit: ", all);
        out_ << Margin{} << "  total heap usage: " << Grouped{calls.allocations} << " allocs, "
             << Grouped{calls.frees} << " frees\n"
             << Margin{} << "\n"
             << Margin{} << "LEAK SUMMARY:\n";
        print_line("   definitely lost: ", of(Reach::lost));
        print_line("   indirectly lost: ", of(Reach::indirect));
        print_line("     possibly lost: ", of(Reach::possible));
        print_line("   still reachable: ", of(Reach::reachable));
        print_line("        suppressed: ", groups_.suppressed());
        if (options_.since != 0) print_line("lost before mark: ", groups_.old_lost());
        if (options_.sample_period != 0)
            out_ << Margin{} << "Stacks are known of a sample, of one block in "
                 << HumanBytes{options_.sample_period} << " (sample=).\n";
        if (groups_.has_untraced())
            out_ << Margin{} << "Sizes are rounded up to tarn's size classes.\n";
        if (scan_.unstopped() != 0)
            out_ << Margin{} << scan_.unstopped()
                 << " thread(s) could not be stopped: what only their registers point to counts as "
                    "lost.\n";
    }

    const HeapView& heap_;
    const LeakOptions& options_;
    TextSink sink_;
    Printer out_;
    LeakScan scan_;
    LeakGroups groups_;
};

/// What report() takes along to the stack that it runs on.
struct Job {
    const HeapView* heap;
    const LeakOptions* options;
    TextSink sink;
    CallerState caller;
    std::uint64_t leaked;
};
constinit Job job{};

std::uint64_t Report::write_job(void* report)
{
    Report& self = *static_cast<Report*>(report);
    const std::uint64_t leaked = self.write(job.caller);
    self.out_.flush(); // its end is that of the process
    return leaked;
}

void do_job()
{
    Report report(*job.heap, *job.options, job.sink);
    std::optional<std::uint64_t> leaked;
    if (job.options->copy.is_wanted) leaked = report.write_in_copy();
    job.leaked = leaked ? *leaked : report.write(job.caller);
}

} // namespace

[[gnu::noinline]] std::uint64_t report_leaks(const HeapView& heap, const LeakOptions& options,
                                             TextSink sink)
{
    job = {.heap = &heap, .options = &options, .sink = sink, .caller = {}, .leaked = 0};
    job.caller = current_caller();
    job.caller.registers.back() = tls_block();
    // A handler of the program would run while everybody else stands still.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool is_done = os::call_on_own_stack(kScanStack, do_job);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!is_done) {
        Printer(sink) << "tarn: no leak report: no memory for it\n";
        return 0;
    }
    return job.leaked;
}

} // namespace tarn
