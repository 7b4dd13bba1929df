// SPDX-License-Identifier: MIT

#include "tracer/check_report.h"

#include <algorithm>
#include <array>
#include <unistd.h>

#include "src/base/guard_choice.h"
#include "src/base/text.h"
#include "src/os/probe.h"
#include "src/os/process.h"
#include "tracer/address_place.h"
#include "tracer/call_names.h"
#include "tracer/check_json.h"
#include "tracer/check_words.h"
#include "tracer/helper.h"
#include "tracer/rerun_advice.h"
#include "tracer/site_number.h"

namespace tarn {

namespace {

constexpr std::size_t kMostCallsListed = 64;
constexpr std::size_t kBytesInLine = 16;
constexpr std::size_t kMostLines = 6; // of changed bytes

class Report {
public:
    Report(const CheckError& error, TextSink sink) : error_(error), sink_(sink), out_(sink) {}

    void write(const char* json)
    {
        for (const std::uint32_t trace :
             {error_.here, error_.block.allocated_at, error_.block.freed_at})
            if (trace != 0) names_.add(trace);
        if (is_elsewhere()) place_ = place_of(error_.address);
        const bool is_data =
            place_.kind == AddressPlace::Kind::data || place_.kind == AddressPlace::Kind::constant;
        has_names_ = names_.resolve({.data = is_data ? error_.address : 0}, sink_);
        if (json != nullptr) write_check_json(json, error_, place_, names_, has_names_);
        print_title();
        print_access();
        if (error_.here != 0) print_stack("", error_.here);
        if (error_.block.start != 0) print_block();
        if (is_elsewhere()) print_place();
        print_hint();
        print_bytes();
        print_neighbours();
        if (!has_names_ && has_stacks()) print_no_names();
        print_rerun_advice(out_, error_);
        out_ << "SUMMARY: tarn: " << name_of(error_) << " in " << os::executable_name() << "\n";
    }

    void describe(std::uintptr_t address)
    {
        for (const std::uint32_t trace : {error_.block.allocated_at, error_.block.freed_at})
            if (trace != 0) names_.add(trace);
        has_names_ = names_.resolve({}, sink_);
        out_ << "tarn: ";
        if (error_.block.start == 0)
            out_ << Hex{address} << " is in no block of the heap that is known\n";
        else
            print_block();
    }

private:
    /// Whether a pointer was given to free() or realloc() that is of no block.
    bool is_elsewhere() const
    {
        const bool is_bad =
            error_.fault == CheckFault::invalid_free || error_.fault == CheckFault::resize_invalid;
        return is_bad && error_.block.start == 0;
    }

    void print_place()
    {
        using Kind = AddressPlace::Kind;
        out_ << Hex{error_.address} << " is ";
        if (error_.stack_of != kNoThread)
            out_ << "on the stack of thread T"
                 << std::uint64_t{error_.stack_of} // Where libc has both in one mapping.
                 << (error_.stack_of != 0 ? ", or in its thread-local data" : "");
        else if (place_.kind == Kind::data || place_.kind == Kind::constant)
            print_symbol();
        else if (place_.kind == Kind::heap)
            out_ << "in memory that another allocator has by brk()";
        else if (place_.kind == Kind::file)
            out_ << "in a mapping of " << place_.file.view();
        else if (place_.kind == Kind::memory)
            out_ << "in memory that was mapped, by mmap() or by another allocator";
        else
            out_ << "the address of no memory";
        out_ << "\n\n";
    }

    void print_symbol()
    {
        const CallNames::Symbol symbol = names_.data_symbol();
        out_ << (place_.kind == AddressPlace::Kind::data ? "in the data of "
                                                         : "in the code or constants of ")
             << path_of(module_table[place_.module]);
        if (!symbol.name.empty()) out_ << ", " << symbol.name << "+" << symbol.offset;
    }

    bool has_stacks() const { return error_.here != 0 || error_.block.allocated_at != 0; }

    void print_title()
    {
        out_ << "\n=================================================================\n=="
             << os::process_id() << "==ERROR: AddressSanitizer: ";
        print_what(out_, error_);
        out_ << " (by tarn, in " << os::executable_name() << ")\n";
        if (error_.changed_size != 0)
            out_ << "WRITE of " << error_.changed_size << byte_word(error_.changed_size)
                 << (error_.may_go_on ? " or more at " : " at ") << Hex{error_.changed}
                 << ", noticed "
                 << (error_.occasion != nullptr ? error_.occasion : "when the block was freed")
                 << ", by thread T" << std::uint64_t{error_.noticed_by}
                 << (error_.here != 0 ? ":\n" : "\n\n");
    }

    void print_access()
    {
        if (error_.access == AccessKind::none) return;
        if (error_.pointer_register != nullptr) {
            out_ << (error_.is_pointer_in_memory ? "Memory at register " : "Register ")
                 << error_.pointer_register << " holds " << Hex{error_.pointer}
                 << (error_.fault == CheckFault::stale_pointer
                         ? ", which tarn writes into freed blocks"
                         : ", which tarn writes into new blocks")
                 << "; used at pc " << Hex{error_.instruction};
        } else {
            out_ << name_of(error_.access);
            if (error_.has_address) out_ << " at " << Hex{error_.address};
            out_ << ", pc " << Hex{error_.instruction};
        }
        out_ << ", by thread T" << std::uint64_t{error_.noticed_by} << ":\n";
    }

    void print_hint()
    {
        constexpr std::uintptr_t kPage = 4096;
        if (error_.fault != CheckFault::bad_access) return;
        if (!error_.has_address) {
            out_ << "Or it wants an aligned address and has another: guard_align=right aligns "
                    "blocks "
                    "with guards to 16 bytes.\n\n";
            return;
        }
        if (error_.address >= kPage) return;
        out_ << "A null pointer was followed";
        if (error_.address != 0)
            out_ << ", to what would be " << std::uint64_t{error_.address}
                 << byte_word(error_.address) << " behind it";
        out_ << ".\n\n";
    }

    void print_stack(std::string_view heading, std::uint32_t trace)
    {
        if (!heading.empty()) out_ << heading;
        if (trace == 0) {
            if (!heading.empty()) out_ << "    (stack not known; TARN=debug keeps it)\n\n";
            return;
        }
        names_.print(out_, trace, kMostCallsListed);
        out_ << "\n";
    }

    /// "0x602000000028 is located 0 bytes after 40-byte region [0x602000000000,0x602000000028)"
    void print_position(const CheckedBlock& block, std::uintptr_t address)
    {
        const std::uintptr_t end = block.start + block.size;
        out_ << Hex{address} << " is located ";
        if (address < block.start)
            out_ << block.start - address << byte_word(block.start - address) << " before ";
        else if (address >= end && (block.size != 0 || address > end))
            out_ << address - end << byte_word(address - end) << " after ";
        else
            out_ << address - block.start << byte_word(address - block.start) << " inside of ";
        out_ << std::uint64_t{block.size} << "-byte region [" << Hex{block.start} << "," << Hex{end}
             << ")\n";
    }

    void print_block()
    {
        const CheckedBlock& block = error_.block;
        if (error_.fault == CheckFault::stale_pointer)
            out_ << "The pointer was read from the " << std::uint64_t{block.size}
                 << "-byte region [" << Hex{block.start} << "," << Hex{block.start + block.size}
                 << ")\n";
        else
            print_position(block, error_.address);
        if (block.is_freed) {
            out_ << "freed by thread T" << std::uint64_t{block.freed_by};
            if (block.freed_at != 0) out_ << " " << block.freed_ago << " ms ago";
            print_stack(" here:\n", block.freed_at);
            out_ << "previously allocated";
        } else {
            out_ << "allocated";
        }
        out_ << " by thread T" << std::uint64_t{block.allocated_by} << " with "
             << allocator_of(block);
        FixedText<32> heading;
        heading << " here";
        // Elsewhere it is part of the command that print_rerun_advice() prints.
        if (block.allocated_at != 0 && error_.access != AccessKind::none)
            heading << " (site " << site_text(site_number(block.allocated_at)).view() << ")";
        heading << ":\n";
        print_stack(heading.view(), block.allocated_at);
    }

    /// Lines of memory that have changed, changed bytes in brackets, and the line in front of them
    /// if any of it is the block's: what else lies there may be nobody's, and unmapped at times.
    void print_bytes()
    {
        if (error_.changed_size == 0) return;
        const std::uintptr_t first = error_.changed & ~(kBytesInLine - 1);
        const std::uintptr_t end = error_.changed + error_.changed_size;
        out_ << "Bytes there, those written to in brackets (the first was 0x";
        print_byte(error_.expected);
        out_ << "):\n";
        const std::uintptr_t last = std::min(end, first + kMostLines * kBytesInLine);
        if (first > error_.block.start) print_line(first - kBytesInLine, error_.changed, end);
        for (std::uintptr_t line = first; line < last; line += kBytesInLine)
            print_line(line, error_.changed, end);
        if (last < end) out_ << "  ... " << end - last << " more\n";
        out_ << "\n";
    }

    void print_byte(std::uint8_t byte)
    {
        constexpr std::string_view kDigits = "0123456789abcdef";
        out_ << slice(kDigits, byte / 16, 1) << slice(kDigits, byte % 16, 1);
    }

    void print_line(std::uintptr_t line, std::uintptr_t first, std::uintptr_t end)
    {
        std::array<std::uint8_t, kBytesInLine> bytes{};
        if (!os::read_memory(line, bytes.data(), bytes.size())) return;
        out_ << "  " << Hex{line} << ":";
        bool was_changed = false;
        std::array<char, kBytesInLine> text{};
        for (std::size_t i = 0; i < kBytesInLine; ++i) {
            const bool is_changed = line + i >= first && line + i < end;
            out_ << (is_changed && !was_changed ? "[" : !is_changed && was_changed ? "]" : " ");
            print_byte(bytes[i]);
            was_changed = is_changed;
            text[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? static_cast<char>(bytes[i]) : '.';
        }
        out_ << (was_changed ? "] " : "  ") << std::string_view(text.data(), text.size()) << "\n";
    }

    void print_neighbour(std::string_view where, const CheckedBlock& block)
    {
        if (block.start == 0) return;
        out_ << "  " << where << ": " << std::uint64_t{block.size} << byte_word(block.size)
             << " at " << Hex{block.start} << ", " << (block.is_freed ? "freed" : "in use") << "\n";
    }

    void print_neighbours()
    {
        if (error_.before.start == 0 && error_.after.start == 0) return;
        out_ << "Blocks beside it:\n";
        print_neighbour("before", error_.before);
        print_neighbour("after", error_.after);
        out_ << "\n";
    }

    void print_no_names()
    {
        out_ << "No names: "
             << (helper_path().empty()
                     ? "there is no tarn command beside libtarn.so (symbolizer=PATH says where)"
                     : "the tarn command did not answer")
             << ". `tarn symbolize < REPORT` finds them later.\n\n";
    }

    const CheckError& error_;
    TextSink sink_;
    Printer out_;
    CallNames names_;
    AddressPlace place_;
    bool has_names_ = false;
};

} // namespace

void report_check(const CheckError& error, TextSink sink, const char* json)
{
    Report(error, sink).write(json);
}

void print_description(std::uintptr_t address, const CheckedBlock& block, TextSink sink)
{
    CheckError error{.fault = CheckFault::bad_access, .address = address, .block = block};
    Report(error, sink).describe(address);
}

} // namespace tarn
