// SPDX-License-Identifier: MIT

#include "tracer/rerun_advice.h"

#include <algorithm>
#include <array>

#include "src/base/guard_choice.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/os/file.h"
#include "tracer/modules.h"
#include "tracer/own_code.h"
#include "tracer/site_number.h"

namespace tarn {

namespace {

constexpr std::size_t kWord = 8;
constexpr std::size_t kMalloc = 16; // the alignment that malloc promises

bool is_found_late(const CheckError& error)
{
    return error.changed_size != 0 ||
           (error.fault == CheckFault::stale_pointer && error.block.start != 0);
}

/// Whether the first wrong byte would be in the same page, for a block of such an alignment.
bool is_in_gap(const CheckError& error, std::size_t alignment)
{
    return error.fault == CheckFault::overflow &&
           error.changed - error.block.start < round_up(error.block.size, alignment);
}

/// What the blocks of that place need so that the first wrong byte is one of a closed page.
std::string_view align_for(const CheckError& error)
{
    if (error.fault == CheckFault::underflow) return ",guard_align=left";
    return is_in_gap(error, kWord) ? ",guard_align=exact" : "";
}

bool is_plain(char c)
{
    constexpr std::string_view kPlain = "_-./=:,+@%^";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != std::string_view::npos;
}

/// As a shell reads it.
void print_quoted(Printer& out, std::string_view word)
{
    if (!word.empty() && std::ranges::all_of(word, is_plain)) {
        out << word;
        return;
    }
    out << "'";
    for (const char& c : word)
        out << (c == '\'' ? std::string_view("'\\''") : std::string_view(&c, 1));
    out << "'";
}

void print_library(Printer& out)
{
    const ModuleId own = module_table.find(own_code().start);
    if (own == kNoModule) return;
    const std::string_view path = module_table[own].name;
    if (path.empty()) return;
    out << " LD_PRELOAD=";
    print_quoted(out, path);
}

void print_command(Printer& out)
{
    os::SmallFile<2048> file;
    std::string_view rest = file.read("/proc/self/cmdline");
    while (!rest.empty()) {
        const std::size_t end = rest.find('\0');
        out << " ";
        if (end == std::string_view::npos) { // longer than there is room for
            out << "...";
            return;
        }
        print_quoted(out, slice(rest, 0, end));
        rest = slice(rest, end + 1);
    }
}

bool helps_to_rerun(const CheckError& error)
{
    // An alignment that was asked for has to be kept, whatever it leaves behind the block.
    const bool is_aligned = error.block.alignment > kMalloc;
    return is_found_late(error) && !(is_aligned && is_in_gap(error, error.block.alignment));
}

} // namespace

void print_rerun_command(Printer& out)
{
    print_library(out);
    print_command(out);
}

void print_guard_command(Printer& out, const CheckError& error)
{
    if (!helps_to_rerun(error)) return;
    out << "TARN=debug,guard=";
    if (error.block.allocated_at != kNoTrace)
        out << "site:" << site_text(site_number(error.block.allocated_at)).view();
    else
        out << "size:" << std::uint64_t{error.block.size};
    out << align_for(error);
    print_rerun_command(out);
}

void print_rerun_advice(Printer& out, const CheckError& error)
{
    if (!helps_to_rerun(error)) return;
    out << "To stop at the faulty instruction: ";
    print_guard_command(out, error);
    out << "\n";
}

} // namespace tarn
