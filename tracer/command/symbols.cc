// SPDX-License-Identifier: MIT

#include "tracer/command/symbols.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cxxabi.h>
#include <dwarf.h>
#include <map>

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "tracer/command/scopes.h"
#include "tracer/command/symbol_table.h"

namespace tarn {

namespace {

/// Where there is no debug information on this machine, libdw asks the servers of DEBUGINFOD_URLS
/// for that of each file. When they have taken so long, a report is worth more than what they know.
constexpr std::chrono::seconds kMostNetwork{30};

// NOLINTNEXTLINE(readability-function-size): libdw says what it is given
int find_debug_information(Dwfl_Module* module, void** data, const char* name, Dwarf_Addr base,
                           const char* path, const char* link, GElf_Word sum, char** found)
{
    using Clock = std::chrono::steady_clock;
    static Clock::duration taken{};
    const Clock::time_point begin = Clock::now();
    const int descriptor =
        dwfl_standard_find_debuginfo(module, data, name, base, path, link, sum, found);
    taken += Clock::now() - begin;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread
    if (taken > kMostNetwork) ::unsetenv("DEBUGINFOD_URLS");
    return descriptor;
}

constexpr Dwfl_Callbacks kCallbacks{.find_elf = nullptr,
                                    .find_debuginfo = find_debug_information,
                                    .section_address = dwfl_offline_section_address,
                                    .debuginfo_path = nullptr};

/// Between the files, so that none reaches into another.
constexpr GElf_Addr kDistance = GElf_Addr{1} << 40;

std::string demangled(const char* name)
{
    if (name == nullptr) return {};
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
    return status == 0 ? text.get() : name;
}

std::string hexadecimal(const unsigned char* bytes, int size)
{
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < size; ++i) {
        text += kDigits[bytes[i] / 16];
        text += kDigits[bytes[i] % 16];
    }
    return text;
}

void set_name(SourceFrame& frame, const char* linkage)
{
    if (linkage == nullptr) return;
    frame.linkage = linkage;
    frame.function = demangled(linkage);
}

void read_name(Dwarf_Die& function, SourceFrame& frame)
{
    Dwarf_Attribute attribute;
    for (const unsigned kind : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name})
        if (dwarf_attr_integrate(&function, kind, &attribute) != nullptr)
            return set_name(frame, dwarf_formstring(&attribute));
    if (const char* const name = dwarf_diename(&function)) frame.function = name;
}

int number_at(Dwarf_Die& die, unsigned kind)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    if (dwarf_attr(&die, kind, &attribute) == nullptr) return 0;
    return dwarf_formudata(&attribute, &value) == 0 ? static_cast<int>(value) : 0;
}

/// Where an inlined function was called.
void read_call(Dwarf_Die& unit, Dwarf_Die& inlined, SourceFrame& caller)
{
    Dwarf_Files* files = nullptr;
    std::size_t count = 0;
    const auto number = static_cast<std::size_t>(number_at(inlined, DW_AT_call_file));
    if (dwarf_getsrcfiles(&unit, &files, &count) == 0 && number < count)
        if (const char* const file = dwarf_filesrc(files, number, nullptr, nullptr))
            caller.file = file;
    caller.line = number_at(inlined, DW_AT_call_line);
    caller.column = number_at(inlined, DW_AT_call_column);
}

/// The functions that contain an address, by debug information; `innermost` has its line.
void read_inlined(Dwarf_Die& unit, std::vector<Dwarf_Die> scopes, const SourceFrame& innermost,
                  std::vector<SourceFrame>& frames)
{
    SourceFrame frame = innermost;
    for (Dwarf_Die& scope : scopes) {
        read_name(scope, frame);
        frames.push_back(frame);
        frame = {};
        read_call(unit, scope, frame);
    }
}

/// Whether no function of the unit has another name for the linker.
bool is_c(Dwarf_Die& unit)
{
    const int language = dwarf_srclang(&unit);
    return language == DW_LANG_C89 || language == DW_LANG_C || language == DW_LANG_C99 ||
           language == DW_LANG_C11;
}

void read_line(Dwarf_Die& unit, Dwarf_Addr address, SourceFrame& frame)
{
    Dwarf_Line* const line = dwarf_getsrc_die(&unit, address);
    if (line == nullptr) return;
    if (const char* const file = dwarf_linesrc(line, nullptr, nullptr)) frame.file = file;
    dwarf_lineno(line, &frame.line);
    dwarf_linecol(line, &frame.column);
}

} // namespace

/// The compilation units of a file, by address.
struct Symbols::Units {
public:
    explicit Units(Dwfl_Module* module) : module_(module) {}

    /// Errors: nullptr, there is no debug information for `place`.
    Dwarf_Die* find(Dwarf_Addr place, Dwarf_Addr& bias)
    {
        if (Dwarf_Die* const unit = dwfl_module_addrdie(module_, place, &bias)) return unit;
        // Clang writes no .debug_aranges, in which that looks.
        if (!is_listed_) list();
        auto above = std::ranges::upper_bound(ranges_, place, {}, &Range::start);
        if (above == ranges_.begin() || place >= (--above)->end) return nullptr;
        bias = above->bias;
        return &above->unit;
    }

    const Scopes& scopes_of(Dwarf_Die& unit)
    {
        return scopes_.try_emplace(dwarf_dieoffset(&unit), unit).first->second;
    }

private:
    struct Range {
        Dwarf_Addr start;
        Dwarf_Addr end;
        Dwarf_Die unit;
        Dwarf_Addr bias;
    };

    void list()
    {
        is_listed_ = true;
        Dwarf_Addr bias = 0;
        Dwarf_Die* unit = nullptr;
        while ((unit = dwfl_module_nextcu(module_, unit, &bias)) != nullptr) {
            Dwarf_Addr base = 0;
            Dwarf_Addr start = 0;
            Dwarf_Addr end = 0;
            for (std::ptrdiff_t at = 0; (at = dwarf_ranges(unit, at, &base, &start, &end)) > 0;)
                ranges_.push_back({start + bias, end + bias, *unit, bias});
        }
        std::ranges::sort(ranges_, {}, &Range::start);
    }

    Dwfl_Module* module_;
    bool is_listed_ = false;
    std::vector<Range> ranges_;          // by start
    std::map<Dwarf_Off, Scopes> scopes_; // of units that were asked for
};

Symbols::Symbols() : session_(dwfl_begin(&kCallbacks), dwfl_end) {}

Symbols::~Symbols() = default;

std::size_t Symbols::add(const std::string& path, const std::string& build_id)
{
    const GElf_Addr base = (files_.size() + 1) * kDistance;
    dwfl_report_begin_add(session_.get());
    Dwfl_Module* module =
        dwfl_report_elf(session_.get(), path.c_str(), path.c_str(), -1, base, false);
    dwfl_report_end(session_.get(), nullptr, nullptr);
    GElf_Addr bias = 0;
    if (module != nullptr && dwfl_module_getelf(module, &bias) == nullptr) module = nullptr;
    if (module != nullptr && !build_id.empty()) {
        const unsigned char* bits = nullptr;
        GElf_Addr at = 0;
        const int size = dwfl_module_build_id(module, &bits, &at);
        // The file has been replaced since: its names would be wrong.
        if (size > 0 && hexadecimal(bits, size) != build_id) module = nullptr;
    }
    files_.push_back(
        {module, bias, std::make_shared<Units>(module), std::make_shared<SymbolTable>(module)});
    return files_.size() - 1;
}

std::vector<SourceFrame> Symbols::at(std::size_t file, std::uint64_t address)
{
    std::vector<SourceFrame> frames;
    if (file >= files_.size() || files_[file].module == nullptr) return frames;
    const GElf_Addr place = address + files_[file].bias;

    SourceFrame innermost;
    Dwarf_Addr unit_bias = 0;
    Units& units = *files_[file].units;
    if (Dwarf_Die* const unit = units.find(place, unit_bias)) {
        const Dwarf_Addr in_unit = place - unit_bias;
        read_line(*unit, in_unit, innermost);
        read_inlined(*unit, units.scopes_of(*unit).at(in_unit), innermost, frames);
        if (!frames.empty() && !frames.back().function.empty() && is_c(*unit)) return frames;
    }
    const char* const name = files_[file].symbols->at(place).name;
    if (frames.empty()) frames.push_back(innermost);
    // Debug information does not say in which namespace a static function is.
    const bool is_mangled = name != nullptr && name[0] == '_' && name[1] == 'Z';
    if (frames.back().function.empty() || (is_mangled && frames.back().linkage.empty()))
        set_name(frames.back(), name);
    return frames;
}

DataSymbol Symbols::data_at(std::size_t file, std::uint64_t address)
{
    if (file >= files_.size() || files_[file].module == nullptr) return {};
    const FoundSymbol found = files_[file].symbols->at(address + files_[file].bias);
    // It may be a label before it.
    if (found.offset >= found.size) return {};
    return {.name = demangled(found.name), .offset = found.offset};
}

} // namespace tarn
