// SPDX-License-Identifier: MIT

#include "tracer/leak_report.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include "src/base/text.h"
#include "src/os/probe.h"
#include "src/os/process.h"
#include "src/os/stack.h"
#include "tracer/leak_scan.h"

namespace tarn {

namespace {

constexpr std::size_t kPreview = 16; // bytes in a line

struct Total {
    std::uint64_t bytes = 0;
    std::uint64_t blocks = 0;
};

/// Blocks of one class and size.
struct Group {
    Reach reach;
    std::size_t size;
    std::uint64_t blocks;
    std::uint64_t indirect_bytes;
    std::uint64_t indirect_blocks;
    const FoundBlock* first;

    std::uint64_t bytes() const { return size * blocks; }
};

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
    return out << "==" << static_cast<std::uint64_t>(::getpid()) << "== ";
}

bool is_in(ReachSet set, Reach reach)
{
    return (set >> static_cast<unsigned>(reach) & 1) != 0;
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

/// The group of blocks like this one; a new one if there is none yet. Errors: nullptr, no memory.
Group* group_of(const FoundBlock& block, MappedArray<Group>& groups)
{
    // There are few sizes.
    for (Group& group : groups.all())
        if (group.reach == block.reach && group.size == block.size) return &group;
    const Group fresh{.reach = block.reach,
                      .size = block.size,
                      .blocks = 0,
                      .indirect_bytes = 0,
                      .indirect_blocks = 0,
                      .first = &block};
    return groups.push_back(fresh) ? &groups[groups.size() - 1] : nullptr;
}

/// Adds up what is the same, biggest first. Errors: false, no memory.
bool group(LeakScan& scan, ReachSet show, MappedArray<Group>& groups)
{
    for (const FoundBlock& block : scan.blocks()) {
        if (!is_in(show, block.reach)) continue;
        Group* const group = group_of(block, groups);
        if (group == nullptr) return false;
        ++group->blocks;
        if (block.reach != Reach::lost) continue;
        const LostWith with = scan.lost_with(block);
        group->indirect_bytes += with.bytes;
        group->indirect_blocks += with.count;
    }
    std::ranges::sort(groups.all(), [](const Group& a, const Group& b) {
        if (a.reach != b.reach) return a.reach < b.reach;
        return a.bytes() + a.indirect_bytes > b.bytes() + b.indirect_bytes;
    });
    return true;
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

void print_group(Printer& out, const Group& group)
{
    out << name_of(group.reach) << (group.reach == Reach::reachable ? " " : " of ") << group.bytes()
        << " byte(s) in " << group.blocks << " object(s) of " << group.size << " byte(s)";
    if (group.indirect_blocks != 0)
        out << ", and with them " << group.indirect_bytes << " byte(s) in " << group.indirect_blocks
            << " object(s)";
    out << ", the first of them:\n";
    print_preview(out, *group.first);
    out << "\n";
}

class Report {
public:
    Report(const HeapView& heap, const LeakOptions& options, TextSink sink)
        : heap_(heap), options_(options), out_(sink)
    {}

    /// Returns what report_leaks() does.
    std::uint64_t write(const CallerState& caller)
    {
        if (const char* const problem = scan_.run(heap_, caller)) {
            out_ << "tarn: no leak report: " << problem << "\n";
            return 0;
        }
        for (const FoundBlock& block : scan_.blocks()) {
            Total& total = totals_[static_cast<std::size_t>(block.reach)];
            total.bytes += block.size;
            ++total.blocks;
        }
        const Total& direct = of(Reach::lost);
        const Total& indirect = of(Reach::indirect);
        const std::uint64_t leaked = direct.blocks + indirect.blocks;
        const bool lists_others =
            (of(Reach::possible).blocks != 0 && is_in(options_.show, Reach::possible)) ||
            is_in(options_.show, Reach::reachable);
        if (leaked == 0 && !lists_others) {
            if (!options_.only_leaks) print_no_leaks();
            return 0;
        }
        print_groups(leaked);
        print_summaries();
        out_ << "SUMMARY: tarn: " << direct.bytes + indirect.bytes << " byte(s) leaked in "
             << leaked << " allocation(s).\n";
        return leaked;
    }

private:
    const Total& of(Reach reach) const { return totals_[static_cast<std::size_t>(reach)]; }

    void print_no_leaks()
    {
        out_ << Margin{} << "tarn: no leaks in " << os::executable_name() << "; "
             << of(Reach::reachable).bytes << " byte(s) in " << of(Reach::reachable).blocks
             << " allocation(s) are still reachable";
        if (of(Reach::possible).blocks != 0)
            out_ << ", " << of(Reach::possible).bytes << " in " << of(Reach::possible).blocks
                 << " perhaps (leaks_show=possible lists them)";
        out_ << "\n";
    }

    void print_groups(std::uint64_t leaked)
    {
        MappedArray<Group> groups;
        if (!group(scan_, options_.show, groups)) {
            out_ << Margin{} << "tarn: no memory to list the blocks\n";
            return;
        }
        out_ << "\n=================================================================\n=="
             << static_cast<std::uint64_t>(::getpid());
        if (leaked != 0)
            out_ << "==ERROR: LeakSanitizer: detected memory leaks (by tarn, in "
                 << os::executable_name() << ")\n\n";
        else
            out_ << "==tarn: memory that " << os::executable_name() << " has not freed\n\n";
        const std::size_t listed = std::min(groups.size(), options_.most_groups);
        for (std::size_t i = 0; i < listed; ++i)
            print_group(out_, groups[i]);
        if (listed < groups.size())
            out_ << "... and " << groups.size() - listed
                 << " more sizes and kinds (leaks_max=" << groups.size() << " lists all)\n\n";
    }

    void print_line(std::string_view what, const Total& total)
    {
        out_ << Margin{} << what << Grouped{total.bytes} << " bytes in " << Grouped{total.blocks}
             << " blocks\n";
    }

    void print_summaries()
    {
        Total all;
        for (const Total& total : totals_) {
            all.bytes += total.bytes;
            all.blocks += total.blocks;
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
        out_ << Margin{} << "Sizes are rounded up to tarn's size classes.\n";
        if (scan_.unstopped() != 0)
            out_ << Margin{} << scan_.unstopped()
                 << " thread(s) could not be stopped: what only their registers point to counts as "
                    "lost.\n";
    }

    const HeapView& heap_;
    const LeakOptions& options_;
    Printer out_;
    LeakScan scan_;
    std::array<Total, kReachCount> totals_{};
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

void do_job()
{
    Report report(*job.heap, *job.options, job.sink);
    job.leaked = report.write(job.caller);
}

} // namespace

[[gnu::noinline]] std::uint64_t report_leaks(const HeapView& heap, const LeakOptions& options,
                                             TextSink sink)
{
    job = {.heap = &heap, .options = &options, .sink = sink, .caller = {}, .leaked = 0};
    // Registers that the caller expects to find again may be the only ones that know a block.
#if defined(__x86_64__)
    std::uintptr_t* const registers = job.caller.registers.data();
    asm volatile("movq %%rbx, 0(%0)\n\t"
                 "movq %%rbp, 8(%0)\n\t"
                 "movq %%r12, 16(%0)\n\t"
                 "movq %%r13, 24(%0)\n\t"
                 "movq %%r14, 32(%0)\n\t"
                 "movq %%r15, 40(%0)"
                 :
                 : "r"(registers)
                 : "memory");
#else
    __builtin_unwind_init(); // puts them on the stack
#endif
    job.caller.registers.back() = tls_block();
#if defined(__x86_64__)
    // Not the frame's address: what the caller's registers held may have been saved below it.
    asm volatile("movq %%rsp, %0" : "=r"(job.caller.stack_point));
#elif defined(__aarch64__)
    asm volatile("mov %0, sp" : "=r"(job.caller.stack_point));
#endif
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
