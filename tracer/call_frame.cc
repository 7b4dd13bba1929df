// SPDX-License-Identifier: MIT

#include "tracer/call_frame.h"

#include <algorithm>

#include "tracer/dwarf_reader.h"

namespace tarn {

namespace {

/// What the entries of one compilation unit have in common (CIE).
struct CommonEntry {
    std::uint64_t code_factor = 1;
    std::int64_t data_factor = 1;
    std::uint8_t pointer_encoding = 0;
    bool has_augmentation = false;
    bool is_signal_frame = false;
    const std::byte* instructions = nullptr;
    const std::byte* end = nullptr;
};

/// Of one function (FDE).
struct FunctionEntry {
    CommonEntry common;
    std::uintptr_t start = 0;
    std::uintptr_t size = 0;
    const std::byte* instructions = nullptr;
    const std::byte* end = nullptr;
};

/// An entry of .eh_frame: its length, and where its contents begin and end.
struct EntryBounds {
    const std::byte* contents;
    const std::byte* end;
};

EntryBounds bounds_of(const std::byte* entry)
{
    std::uint32_t length = 0;
    std::memcpy(&length, entry, sizeof length);
    constexpr std::uint32_t kIsLong = 0xFFFFFFFF;
    if (length != kIsLong) return {entry + 4, entry + 4 + length};
    std::uint64_t long_length = 0;
    std::memcpy(&long_length, entry + 4, sizeof long_length);
    return {entry + 12, entry + 12 + long_length};
}

/// Reads what the letters of an augmentation announce.
void read_augmentation(const char* letters, DwarfReader& reader, CommonEntry& common)
{
    for (; *letters != '\0'; ++letters) {
        switch (*letters) {
        case 'z':
            common.has_augmentation = true;
            reader.uleb();
            break;
        case 'R':
            common.pointer_encoding = reader.read<std::uint8_t>();
            break;
        case 'L':
            reader.read<std::uint8_t>();
            break;
        case 'P':
            reader.pointer(reader.read<std::uint8_t>());
            break;
        case 'S':
            common.is_signal_frame = true;
            break;
        default:
            return;
        }
    }
}

CommonEntry read_common(const std::byte* entry)
{
    const EntryBounds bounds = bounds_of(entry);
    DwarfReader reader(bounds.contents + 4, bounds.end); // past the zero that says what it is
    CommonEntry common;
    const auto version = reader.read<std::uint8_t>();
    const auto* const letters = reinterpret_cast<const char*>(reader.position());
    reader.skip(static_cast<std::int64_t>(std::strlen(letters) + 1));
    common.code_factor = reader.uleb();
    common.data_factor = reader.sleb();
    version == 1 ? static_cast<void>(reader.read<std::uint8_t>())
                 : static_cast<void>(reader.uleb()); // column of the return address
    const DwarfReader before = reader;
    read_augmentation(letters, reader, common);
    if (common.has_augmentation) {
        reader = before;
        const std::uint64_t size = reader.uleb();
        reader.skip(static_cast<std::int64_t>(size));
    }
    common.instructions = reader.position();
    common.end = bounds.end;
    return common;
}

FunctionEntry read_function(const std::byte* entry)
{
    const EntryBounds bounds = bounds_of(entry);
    DwarfReader reader(bounds.contents, bounds.end);
    FunctionEntry function;
    const std::byte* const here = reader.position();
    function.common = read_common(here - reader.read<std::int32_t>());
    function.start = reader.pointer(function.common.pointer_encoding);
    function.size = reader.number(function.common.pointer_encoding & 0x0FU);
    if (function.common.has_augmentation) {
        const std::uint64_t size = reader.uleb();
        reader.skip(static_cast<std::int64_t>(size));
    }
    function.instructions = reader.position();
    function.end = bounds.end;
    return function;
}

/// Looks `address` up in the table of .eh_frame_hdr. Errors: nullptr.
const std::byte* find_entry(const std::byte* header, std::uintptr_t address)
{
    UnwindTable table{};
    if (!read_unwind_table(header, table)) return nullptr;
    const auto base = reinterpret_cast<std::uintptr_t>(table.base);
    const auto* const above = std::upper_bound(
        table.rows, table.rows + table.size, address,
        [base](std::uintptr_t value, const UnwindTable::Row& row) {
            return value < base + static_cast<std::uintptr_t>(std::intptr_t{row.start});
        });
    return above == table.rows ? nullptr : table.base + above[-1].entry;
}

/// Runs the instructions of an entry up to an address.
class RowBuilder {
public:
    void start(const CommonEntry& common, FrameRow& row)
    {
        common_ = common;
        row_ = &row;
        depth_ = 0;
        is_valid_ = true;
        *row_ = {};
        row_->is_signal_frame = common.is_signal_frame;
        run(common.instructions, common.end, 0, 0);
        initial_ = *row_;
    }

    /// `address` counts from the function's start.
    void run(const std::byte* instructions, const std::byte* end, std::uintptr_t start,
             std::uintptr_t address)
    {
        DwarfReader reader(instructions, end);
        at_ = start;
        while (!reader.done() && (start == 0 || at_ <= address) && step(reader))
            ;
    }
    bool is_valid() const { return is_valid_; }

private:
    /// One instruction. False: the row behind it is for later addresses. at_ tells.
    bool step(DwarfReader& reader)
    {
        const auto code = reader.read<std::uint8_t>();
        const unsigned operand = code & 0x3FU;
        switch (code >> 6U) {
        case 1: // DW_CFA_advance_loc
            return advance(operand);
        case 2: // DW_CFA_offset
            set(operand, Recovery::at_offset, unsigned_factored(reader));
            return true;
        case 3: // DW_CFA_restore
            restore(operand);
            return true;
        default:
            return operand >= 0x0C && operand <= 0x13 && operand != 0x10 && operand != 0x11
                       ? step_cfa(operand, reader)
                       : step_other(operand, reader);
        }
    }

    bool step_cfa(unsigned code, DwarfReader& reader)
    {
        switch (code) {
        case 0x0C: // DW_CFA_def_cfa
            row_->cfa_register = reader.uleb();
            row_->cfa = {Recovery::in_register, static_cast<std::int64_t>(reader.uleb())};
            return true;
        case 0x0D: // DW_CFA_def_cfa_register
            row_->cfa_register = reader.uleb();
            row_->cfa.how = Recovery::in_register;
            return true;
        case 0x0E: // DW_CFA_def_cfa_offset
            row_->cfa.value = static_cast<std::int64_t>(reader.uleb());
            return true;
        case 0x0F: // DW_CFA_def_cfa_expression
            row_->cfa = {Recovery::is_expression, expression(reader)};
            return true;
        case 0x12: // DW_CFA_def_cfa_sf
            row_->cfa_register = reader.uleb();
            row_->cfa = {Recovery::in_register, signed_factored(reader)};
            return true;
        default: // DW_CFA_def_cfa_offset_sf
            row_->cfa.value = signed_factored(reader);
            return true;
        }
    }

    bool step_other(unsigned code, DwarfReader& reader)
    {
        switch (code) {
        case 0x00: // DW_CFA_nop
            return true;
        case 0x01: // DW_CFA_set_loc
            at_ = reader.pointer(common_.pointer_encoding);
            return true;
        case 0x02: // DW_CFA_advance_loc1, 2 and 4
            return advance(reader.read<std::uint8_t>());
        case 0x03:
            return advance(reader.read<std::uint16_t>());
        case 0x04:
            return advance(reader.read<std::uint32_t>());
        case 0x0A: // DW_CFA_remember_state
            if (depth_ == remembered_.size()) return is_valid_ = false;
            remembered_[depth_++] = *row_;
            return true;
        case 0x0B: // DW_CFA_restore_state
            if (depth_ == 0) return is_valid_ = false;
            *row_ = remembered_[--depth_];
            return true;
        case 0x2E: // DW_CFA_GNU_args_size
            reader.uleb();
            return true;
        default:
            return step_register(code, reader.uleb(), reader);
        }
    }

    bool step_register(unsigned code, std::uint64_t number, DwarfReader& reader)
    {
        switch (code) {
        case 0x05: // DW_CFA_offset_extended
            set(number, Recovery::at_offset, unsigned_factored(reader));
            return true;
        case 0x06: // DW_CFA_restore_extended
            restore(number);
            return true;
        case 0x07: // DW_CFA_undefined
            set(number, Recovery::undefined, 0);
            return true;
        case 0x08: // DW_CFA_same_value
            set(number, Recovery::same, 0);
            return true;
        case 0x09: // DW_CFA_register
            set(number, Recovery::in_register, static_cast<std::int64_t>(reader.uleb()));
            return true;
        case 0x10: // DW_CFA_expression
            set(number, Recovery::at_expression, expression(reader));
            return true;
        case 0x11: // DW_CFA_offset_extended_sf
            set(number, Recovery::at_offset, signed_factored(reader));
            return true;
        case 0x14: // DW_CFA_val_offset
            set(number, Recovery::is_offset, unsigned_factored(reader));
            return true;
        case 0x15: // DW_CFA_val_offset_sf
            set(number, Recovery::is_offset, signed_factored(reader));
            return true;
        case 0x16: // DW_CFA_val_expression
            set(number, Recovery::is_expression, expression(reader));
            return true;
        default:
            return is_valid_ = false;
        }
    }

    bool advance(std::uint64_t delta)
    {
        at_ += delta * common_.code_factor;
        return true;
    }

    void set(std::uint64_t number, Recovery how, std::int64_t value)
    {
        if (number < kRegisters) row_->registers[number] = {how, value};
    }

    void restore(std::uint64_t number)
    {
        if (number < kRegisters) row_->registers[number] = initial_.registers[number];
    }

    std::int64_t unsigned_factored(DwarfReader& reader) const
    {
        return static_cast<std::int64_t>(reader.uleb()) * common_.data_factor;
    }
    std::int64_t signed_factored(DwarfReader& reader) const
    {
        return reader.sleb() * common_.data_factor;
    }

    static std::int64_t expression(DwarfReader& reader)
    {
        const auto start = static_cast<std::int64_t>(reader.address());
        const std::uint64_t size = reader.uleb();
        reader.skip(static_cast<std::int64_t>(size));
        return start;
    }

    CommonEntry common_;
    FrameRow* row_ = nullptr;
    FrameRow initial_{};
    std::array<FrameRow, 8> remembered_{};
    std::size_t depth_ = 0;
    std::uintptr_t at_ = 0;
    bool is_valid_ = true;
};

// Five kilobytes, see find_frame_row().
constinit RowBuilder builder;

} // namespace

bool read_unwind_table(const std::byte* header, UnwindTable& table)
{
    constexpr std::uint8_t kSortedTable = 0x3B; // 4 bytes, signed, relative to the header
    if (header == nullptr) return false;
    const auto base = reinterpret_cast<std::uintptr_t>(header);
    DwarfReader reader(header, header + 32);
    const auto version = reader.read<std::uint8_t>();
    const auto frame_encoding = reader.read<std::uint8_t>();
    const auto count_encoding = reader.read<std::uint8_t>();
    const auto table_encoding = reader.read<std::uint8_t>();
    if (version != 1 || table_encoding != kSortedTable) return false;
    reader.pointer(frame_encoding, base);
    table.base = header;
    table.size = reader.pointer(count_encoding, base);
    table.rows = reinterpret_cast<const UnwindTable::Row*>(reader.position());
    return true;
}

bool find_frame_row(const std::byte* unwind_table, std::uintptr_t address, FrameRow& row)
{
    const std::byte* const entry = find_entry(unwind_table, address);
    if (entry == nullptr) return false;
    const FunctionEntry function = read_function(entry);
    if (address - function.start >= function.size) return false;
    builder.start(function.common, row);
    builder.run(function.instructions, function.end, function.start, address);
    return builder.is_valid();
}

} // namespace tarn
