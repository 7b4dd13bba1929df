// SPDX-License-Identifier: MIT
//
// The table of all options; see options.h.

#include <array>

#include "src/base/options.h"

namespace tarn {

namespace {

void switch_debug_on(Options& options)
{
    options.canary = true;
    options.poison = PoisonMode::both;
    options.quarantine = MiB(64);
}

constexpr std::array kOptionSpecs{
    OptionSpec{"help", &Options::help, "on|off", "off",
               "print this table when the program starts; the program runs on"},
    OptionSpec{"verbose", &Options::verbose, "on|off", "off",
               "print the options in force when the program starts"},
    OptionSpec{"stats", &Options::stats, "on|off", "off",
               "print a block of statistics when the program exits"},
    OptionSpec{"stats_json", &Options::stats_json, "PATTERN", "",
               "write the same statistics as JSON to this file at exit"},
    OptionSpec{"log", &Options::log, "PATTERN", "",
               "append all output to this file instead of standard error"},
    OptionSpec{"fallback", &Options::fallback, "jemalloc|mmap", "jemalloc",
               "the allocator behind the pools, for blocks above 1 MiB"},
    OptionSpec{"pools", &Options::pools, "on|off", "on",
               "off: send every request to the fallback, to bisect a suspicion"},
    OptionSpec{
        "limit", SizeField{&Options::limit}, "SIZE", "0",
        "most memory the process may hold; beyond it malloc fails with ENOMEM (0: no limit)"},
    OptionSpec{"purge_delay", TimeField{&Options::purge_delay}, "TIME", "1s",
               "how long free memory is kept before it goes back to the system"},
    OptionSpec{"thp", &Options::thp, "off|auto|always", "auto",
               "transparent huge pages: never, for the growth of big heaps, or for every heap"},
    OptionSpec{
        "huge_pages", &Options::huge_pages, "on|off", "off",
        "take the pools' memory from the reserved huge pages (vm.nr_hugepages) while they last"},
    OptionSpec{"deepbind", &Options::deepbind, "drop|keep", "drop",
               "drop: ignore RTLD_DEEPBIND in dlopen, which would mix two allocators"},
    OptionSpec{"only", &Options::only, "EXE|EXE...", "",
               "apply the options to these executables only; others run with the defaults"},
    OptionSpec{"leaks", &Options::leaks, "on|off", "off",
               "report at the end of the program what it has lost; implies fallback=mmap"},
    OptionSpec{
        "leaks_show", &Options::leaks_show, "KINDS", "lost",
        "which to list, joined by |: definite, indirect, lost (both), possible, reachable, all"},
    OptionSpec{"leaks_max", CountField{&Options::leaks_max, 1000000}, "NUMBER", "20",
               "most entries of a report"},
    OptionSpec{"leaks_exitcode", CountField{&Options::leaks_exitcode, 255}, "NUMBER", "23",
               "exit status of a program that lost memory (0: its own)"},
    OptionSpec{"leaks_signal", &Options::leaks_signal, "NAME", "",
               "report what is lost whenever this signal arrives, as USR2; the program runs on"},
    OptionSpec{"leaks_since", &Options::leaks_since, "start|mark|report", "start",
               "list what was allocated since the start, the last tarn_leaks_mark() or report"},
    OptionSpec{"leaks_json", &Options::leaks_json, "PATTERN", "",
               "write each leak report as JSON to this file, too"},
    OptionSpec{"stw", &Options::stw, "signal|fork", "signal",
               "who makes a leak report: the stopped program, or a copy of it while it runs on"},
    OptionSpec{"min_bytes", SizeField{&Options::min_bytes}, "SIZE", "0",
               "entries of a report with less than that in all are counted, not listed"},
    OptionSpec{"gen_suppressions", &Options::gen_suppressions, "on|off", "off",
               "print a suppression behind each entry of a report"},
    OptionSpec{"trace", &Options::trace, "on|off", "off",
               "report at the end which places allocate, how much and for how long; implies "
               "fallback=mmap"},
    OptionSpec{"profile", &Options::profile, "on|off", "off",
               "as trace, of a sample of the allocations: cheap enough to be left on"},
    OptionSpec{"sample", SizeField{&Options::sample}, "SIZE", "0",
               "find the stack of one block in so many bytes only (0: of all; profile: 512k)"},
    OptionSpec{"trace_max", CountField{&Options::trace_max, 1000000}, "NUMBER", "5",
               "most places in each list of that report"},
    OptionSpec{"trace_file", &Options::trace_file, "PATTERN", "",
               "where trace and profile write their file for pprof; else tarn.%e.%p.pb.gz"},
    OptionSpec{"timeline", &Options::timeline, "PATTERN", "",
               "write what was in use over time, allocated and freed, as CSV to this file, too"},
    OptionSpec{"trace_signal", &Options::trace_signal, "NAME", "",
               "report the trace so far whenever this signal arrives"},
    OptionSpec{
        "interval", PeriodField{&Options::interval_milliseconds, &Options::interval_bytes},
        "TIME|SIZE", "",
        "trace: write a profile each time that has passed (60s) or been allocated (1g), too"},
    OptionSpec{"peak", PercentField{&Options::peak}, "PERCENT", "",
               "trace: write a profile each time so much more is in use than at any before, too"},
    OptionSpec{"dumps_max", CountField{&Options::dumps_max, 1000000}, "NUMBER", "100",
               "most profiles that interval and peak write"},
    OptionSpec{
        "state", &Options::state, "PATTERN", "",
        "trace: keep its tables in this file, which tarn state reads at any time, even after "
        "SIGKILL"},
    OptionSpec{"events", &Options::events, "PATTERN", "",
               "trace: write every call of malloc and free to this file, for tarn replay"},
    OptionSpec{"events_max", SizeField{&Options::events_max}, "SIZE", "1g",
               "most bytes of that file; later calls are not recorded"},
    OptionSpec{"stacks", &Options::stacks, "on|off", "on",
               "say where lost blocks were allocated; off: no cost before the end of the program"},
    OptionSpec{"depth", CountField{&Options::depth, 2048}, "NUMBER", "2048",
               "most calls of a stack that are kept, the innermost"},
    OptionSpec{
        "unwind", &Options::unwind, "auto|cfi|fp|libunwind", "auto",
        "find callers by unwind tables (cfi), frame pointers (fp), both (auto) or libunwind"},
    OptionSpec{"suppressions", &Options::suppressions, "FILE", "",
               "leaks that are not to be reported, as LeakSanitizer or Valgrind has them"},
    OptionSpec{
        "symbolizer", &Options::symbolizer, "PATH", "",
        "the tarn command, which finds functions and lines; else looked for near libtarn.so"},
    OptionSpec{"debuginfod", &Options::debuginfod, "on|off", "off",
               "let it fetch debug information from the servers that DEBUGINFOD_URLS names"},
    OptionSpec{"debug", BundleField{&Options::debug, switch_debug_on}, "on|off", "off",
               "find misuse of memory, with stacks: canary, poison, quarantine=64m in one word"},
    OptionSpec{"canary", &Options::canary, "on|off", "off",
               "find writes in front of blocks and behind them when they are freed"},
    OptionSpec{"poison", &Options::poison, "off|alloc|free|both", "off",
               "fill blocks that are new, or freed, to find who uses what is not there"},
    OptionSpec{"poison_alloc", ByteField{&Options::poison_alloc}, "BYTE", "165",
               "what new blocks are filled with"},
    OptionSpec{"poison_free", ByteField{&Options::poison_free}, "BYTE", "0",
               "what freed blocks are filled with (0: with words that say which block it was)"},
    OptionSpec{"quarantine", SizeField{&Options::quarantine}, "SIZE", "0",
               "keep freed blocks away from malloc until so much has been freed after them"},
    OptionSpec{"mismatch", &Options::mismatch, "on|off", "on",
               "with checks: free of what new gave, and the like, is an error"},
    OptionSpec{"check_every", CountField{&Options::check_every, 1000000000}, "NUMBER", "0",
               "look at all blocks at every so many calls of malloc and free (0: at the end only)"},
    OptionSpec{"harden", &Options::harden, "on|off", "off",
               "stop at misuse of memory, with one line and at little cost, for production"},
    OptionSpec{"zero", &Options::zero, "free|alloc|off", "free",
               "with harden: clear memory as it is freed, as it is handed out, or not at all"},
    OptionSpec{"guard", &Options::guard, "off|all|1/N|size:N-M|site:ID", "off",
               "find who reads or writes beside these blocks, or after free, at the instruction"},
    OptionSpec{
        "guard_align", &Options::guard_align, "right|word|exact|left", "word",
        "where such a block ends: to 16 bytes, to 8, or to 1 before the guard; left: begins"},
    OptionSpec{"guard_max", CountField{&Options::guard_max, 1000000000}, "NUMBER", "0",
               "most mappings for them, two a block (0: three quarters of vm.max_map_count)"},
    OptionSpec{"guard_memory", SizeField{&Options::guard_memory}, "SIZE", "256m",
               "most memory for them beyond what was asked for"},
    OptionSpec{"on_error", &Options::on_error, "abort|continue|exit|stop", "abort",
               "what a program does in which misuse was found; stop: wait for a debugger"},
    OptionSpec{"exitcode", CountField{&Options::exitcode, 255}, "NUMBER", "99",
               "exit status of a program in which misuse was found, or that exceeded a limit"},
    OptionSpec{"json", &Options::json, "PATTERN", "",
               "append each report on misuse as a line of JSON to this file, too"},
    OptionSpec{"fail", &Options::fail, "off|N|N-M|rate=P|each-site|site:ID", "off",
               "give no memory to these allocations, to see what the program does then"},
    OptionSpec{"fail_seed", CountField{&Options::fail_seed, 1000000000}, "NUMBER", "1",
               "which allocations fail=rate=P chooses"},
    OptionSpec{"fail_fork", &Options::fail_fork, "on|off", "off",
               "let each of them fail in a copy of the program, and report how the copies ended"},
    OptionSpec{"fail_timeout", TimeField{&Options::fail_timeout}, "TIME", "10s",
               "how long such a copy may run"},
    OptionSpec{"max_alloc", SizeField{&Options::max_alloc}, "SIZE", "0",
               "report and refuse each allocation of more than that (0: no limit)"},
    OptionSpec{"limit_peak", SizeField{&Options::limit_peak}, "SIZE", "0",
               "report it if ever more was in use, and end with exitcode (0: no limit)"},
    OptionSpec{"limit_allocs", SizeField{&Options::limit_allocs}, "NUMBER", "0",
               "report it if there were more allocations, and end with exitcode (0: no limit)"},
    OptionSpec{"baseline", &Options::baseline, "PATTERN", "",
               "hold the figures of this run against those in the file; without it, write them"},
    OptionSpec{"baseline_margin", PercentField{&Options::baseline_margin}, "PERCENT", "5%",
               "by how much they may have grown"},
    OptionSpec{"children", &Options::children, "on|off", "on",
               "report on processes made by fork, too"},
};

} // namespace

std::span<const OptionSpec> option_specs()
{
    return kOptionSpecs;
}

} // namespace tarn
