// SPDX-License-Identifier: MIT
//
// The options: one table is the source of the parser, of TARN=help and of the documents' tables.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "src/base/fail_choice.h"
#include "src/base/guard_choice.h"
#include "src/base/print.h"
#include "src/base/units.h"

namespace tarn {

enum class FallbackKind : std::uint8_t { jemalloc, mmap };
enum class HugePageMode : std::uint8_t { off, automatic, always };
enum class DeepBind : std::uint8_t { drop, keep };
/// When memory is cleared: as it is freed, as it is handed out, or not at all.
enum class ZeroMode : std::uint8_t { free, alloc, off };
enum class PoisonMode : std::uint8_t { off, alloc, free, both };
enum class OnError : std::uint8_t { abort, resume, exit, stop };
enum class LeaksSince : std::uint8_t { start, mark, report };
enum class StopWorld : std::uint8_t { signal, fork };
/// How a walk finds callers, see tracer/unwinder.h.
enum class Unwind : std::uint8_t { automatic, cfi, fp, libunwind };

/// Kinds of blocks that are in use when a program ends, see tracer/leak_scan.h. A set of bits.
using LeakKinds = std::uint32_t;
inline constexpr LeakKinds kLeakDefinite = 1;
inline constexpr LeakKinds kLeakIndirect = 2;
inline constexpr LeakKinds kLeakPossible = 4;
inline constexpr LeakKinds kLeakReachable = 8;

/// A value that is text. Kept in place: the program may overwrite its environment at any time.
using OptionText = FixedText<512>;

struct Options {
    bool help = false;
    bool verbose = false;
    bool stats = false;
    bool pools = true;
    bool huge_pages = false;
    FallbackKind fallback = FallbackKind::jemalloc;
    HugePageMode thp = HugePageMode::automatic;
    DeepBind deepbind = DeepBind::drop;
    std::size_t limit = 0;          // bytes, 0: no limit
    std::size_t purge_delay = 1000; // milliseconds
    OptionText stats_json;          // file name pattern, empty: none
    OptionText log;                 // file name pattern, empty: standard error
    OptionText only;                // executables, empty: all
    bool leaks = false;
    bool children = true;
    LeakKinds leaks_show = kLeakDefinite | kLeakIndirect;
    std::size_t leaks_max = 20;      // groups
    std::size_t leaks_exitcode = 23; // 0: the program's own
    std::size_t min_bytes = 0;
    bool gen_suppressions = false;
    OptionText leaks_signal; // name or number, empty: none
    LeaksSince leaks_since = LeaksSince::start;
    OptionText leaks_json; // file name pattern, empty: none
    StopWorld stw = StopWorld::signal;
    bool trace = false;
    bool profile = false;
    std::size_t sample = 0;    // bytes, of which one is sampled; 0: all, but for a profile
    OptionText trace_signal;   // likewise
    std::size_t trace_max = 5; // places
    OptionText trace_file;     // file name pattern
    OptionText timeline;       // file name pattern, empty: none
    std::size_t interval_milliseconds = 0; // between profiles; one of both at most, 0: none
    std::size_t interval_bytes = 0;        // allocated
    std::size_t peak = 0;                  // percent above the peak of the last profile, 0: none
    std::size_t dumps_max = 100;           // profiles
    OptionText state;                      // file name pattern, empty: none
    OptionText events;                     // file name pattern, empty: none
    std::size_t events_max = MiB(1024);    // bytes
    bool stacks = true;
    std::size_t depth = 2048; // calls of a stack that are kept
    Unwind unwind = Unwind::automatic;
    OptionText suppressions; // file, empty: none
    OptionText symbolizer;   // program, empty: the tarn command beside the library
    bool debuginfod = false;

    bool debug = false;
    bool canary = false;
    PoisonMode poison = PoisonMode::off;
    std::size_t poison_alloc = 0xA5; // byte
    std::size_t poison_free = 0;     // byte; 0: words that say which block it was
    std::size_t quarantine = 0;      // bytes
    bool mismatch = true;
    std::size_t check_every = 0; // calls
    bool harden = false;
    ZeroMode zero = ZeroMode::free;
    GuardChoice guard = {};
    GuardAlign guard_align = GuardAlign::word;
    std::size_t guard_max = 0;           // mappings; 0: three quarters of what the system allows
    std::size_t guard_memory = MiB(256); // bytes, beyond those asked for
    OnError on_error = OnError::abort;
    std::size_t exitcode = 99;
    OptionText json; // file name pattern, empty: none

    FailChoice fail = {};
    std::size_t fail_seed = 1;
    bool fail_fork = false;
    std::size_t fail_timeout = 10000; // milliseconds
    std::size_t max_alloc = 0;        // bytes, 0: no limit, as of those that follow
    std::size_t limit_peak = 0;       // bytes
    std::size_t limit_allocs = 0;
    OptionText baseline;             // file name pattern, empty: none
    std::size_t baseline_margin = 5; // percent

    /// Whether blocks are checked, see src/checks.
    bool checks_blocks() const
    {
        return looks_for_misuse() || harden || (guard && !samples_guards());
    }
    /// Whether blocks are checked at little cost and without stacks, see hardened_heap.h; together
    /// with what needs more of each block they are checked as with canary and quarantine.
    bool hardens() const
    {
        return harden && !looks_for_misuse() && !guard && !leaks && !counts_sites() && !refuses();
    }
    bool looks_for_misuse() const
    {
        return canary || poison != PoisonMode::off || quarantine != 0 || check_every != 0;
    }
    /// Whether a few blocks are guarded and all others as fast as ever.
    bool samples_guards() const
    {
        return guard.kind == GuardChoice::Kind::sample && !looks_for_misuse() && !harden &&
               !leaks && !counts_sites() && !refuses();
    }
    /// Whether there is a report on places that allocate.
    bool reports_sites() const { return trace || profile; }
    /// Whether the figures of the whole run are held against others.
    bool compares_totals() const
    {
        return counts_all() && (limit_peak != 0 || limit_allocs != 0 || !baseline.view().empty());
    }
    /// Whether they are counted for either.
    bool counts_sites() const { return reports_sites() || compares_totals(); }
    /// Whether all blocks are counted, not those of a sample.
    bool counts_all() const { return !profile && sample == 0; }
    /// Whether there are allocations that get no memory though there is some.
    bool refuses() const { return counts_all() && (fail || fail_fork || max_alloc != 0); }
};

/// What sample= is if only profile is set.
inline constexpr std::size_t kProfileSample = KiB(512);

/// Bytes, with k, m, g, t as powers of 1024.
struct SizeField {
    std::size_t Options::*member;
};
/// Milliseconds, with ms, s, m (minutes).
struct TimeField {
    std::size_t Options::*member;
};
/// A number without a unit, up to `most`.
struct CountField {
    std::size_t Options::*member;
    std::size_t most;
};
/// A number up to 255, also as 0x5a.
struct ByteField {
    static constexpr std::string_view kLimits = ", 0 to 255 or 0x00 to 0xff";
    std::size_t Options::*member;
};
/// A time or a size: its unit says which of both is set, the other is 0. Below the least ones a
/// program would do nothing but write files.
struct PeriodField {
    static constexpr std::size_t kLeastMilliseconds = 10;
    static constexpr std::size_t kLeastBytes = KiB(64);
    static constexpr std::string_view kLimits = ", at least 10ms or 64k";
    std::size_t Options::*milliseconds;
    std::size_t Options::*bytes;
};
/// With or without a percent sign.
struct PercentField {
    static constexpr std::size_t kMost = 10000;
    std::size_t Options::*member;
};
/// Off or on; on sets other options, too, which may be set otherwise behind it.
struct BundleField {
    bool Options::*member;
    void (*switch_on)(Options& options);
};
using OptionField =
    std::variant<bool Options::*, BundleField, PoisonMode Options::*, OnError Options::*,
                 FailChoice Options::*, GuardChoice Options::*, GuardAlign Options::*,
                 FallbackKind Options::*, HugePageMode Options::*, DeepBind Options::*,
                 LeaksSince Options::*, StopWorld Options::*, Unwind Options::*,
                 ZeroMode Options::*, OptionText Options::*, LeakKinds Options::*, SizeField,
                 TimeField, CountField, ByteField, PeriodField, PercentField>;

struct OptionSpec {
    std::string_view name;
    OptionField field;
    std::string_view values;        // what may stand behind the '='
    std::string_view default_value; // as it would be written
    std::string_view help;          // one line
};

/// Every option, in the order in which TARN=help and README show them.
std::span<const OptionSpec> option_specs();

/// Sets one option. Returns false, with `options` unchanged, when `value` does not fit it.
bool set_option(Options& options, const OptionSpec& spec, std::string_view value);

/// Reads TARN and then each TARN_<KEY> (which wins) from `environment`, entries "NAME=value".
///
/// Errors: a key or value that is not understood is told to `complain` as one line that names
/// the variable and the value; it has no other effect.
void read_options(Options& options, std::span<const std::string_view> environment,
                  TextSink complain);

/// Tells `complain` of each option that is not as by default but has no effect, as what would use
/// it is not on: one line that names it and what it needs.
void tell_idle_options(const Options& options, TextSink complain);

/// Writes the value that `spec` has in `options`, as it would be written in TARN.
void print_option_value(FixedText<600>& out, const Options& options, const OptionSpec& spec);

/// Prints the table of all options.
void print_option_help(Printer& out);

} // namespace tarn
