// SPDX-License-Identifier: MIT

#include "src/checks/displaced_code.h"

#include <algorithm>
#include <cstring>

namespace tarn {

namespace {

constexpr std::uint8_t kOperandSize = 0x66;
constexpr std::uint8_t kRepeat = 0xF3;

/// The parts of an instruction, as far as they are wanted here.
struct Parts {
    std::uint8_t prefix = 0; // 66, F2 or F3
    std::uint8_t rex = 0;    // or the same bits of VEX
    bool is_vex = false;
    bool is_wide = false; // 32 bytes
    int map = 0;          // 1: 0F, 2: 0F 38, 3: 0F 3A
    std::uint8_t opcode = 0;
    std::size_t prefix_at = 0; // in the code: of `prefix`, or of the byte of VEX that has it
    std::size_t opcode_at = 0;
    std::size_t operand_at = 0; // ModRM
    std::size_t operand_size = 0;
    std::size_t immediate = 0; // bytes
};

bool read_vex(const std::uint8_t* code, Parts& parts)
{
    const bool is_long = code[0] == 0xC4;
    if (!is_long && code[0] != 0xC5) return false;
    const std::uint8_t last = code[is_long ? 2 : 1];
    constexpr std::array<std::uint8_t, 4> kPrefixes{0, kOperandSize, kRepeat, 0xF2};
    parts.is_vex = true;
    parts.is_wide = (last & 4U) != 0;
    parts.prefix = kPrefixes[last & 3U];
    parts.map = is_long ? code[1] & 31 : 1;
    parts.rex = is_long ? static_cast<std::uint8_t>(~code[1] >> 5) & 7U : (~code[1] >> 5) & 4U;
    parts.prefix_at = is_long ? 2 : 1;
    parts.opcode_at = is_long ? 3 : 2;
    return true;
}

bool read_legacy(const std::uint8_t* code, Parts& parts)
{
    std::size_t at = 0;
    for (; code[at] == kOperandSize || code[at] == kRepeat || code[at] == 0xF2; ++at) {
        parts.prefix = code[at];
        parts.prefix_at = at;
    }
    if (at > 1) return false; // no compiler writes that
    if ((code[at] & 0xF0U) == 0x40) parts.rex = code[at++] & 15U;
    if (code[at++] != 0x0F) return false;
    parts.map = code[at] == 0x38 ? 2 : code[at] == 0x3A ? 3 : 1;
    parts.opcode_at = parts.map == 1 ? at : at + 1;
    return true;
}

/// Whether the operation, without VEX, is one of sixteen aligned bytes in memory that are only
/// read.
bool reads_vector(const Parts& parts)
{
    const std::uint8_t opcode = parts.opcode;
    const bool is_integer = parts.prefix == kOperandSize;
    const bool is_packed = parts.prefix == 0 || is_integer;
    if (parts.map != 1) return is_integer;
    if (opcode == 0x14 || opcode == 0x15 || opcode == 0xC6 || opcode == 0xC2) return is_packed;
    if (opcode == 0x70) return parts.prefix != 0;
    if (opcode >= 0x51 && opcode <= 0x5F) return is_packed;
    const bool is_move = opcode == 0x6E || opcode == 0x6F || opcode == 0xD6 || opcode == 0xE7 ||
                         opcode == 0xF7 || opcode == 0xC4 || opcode == 0xC5 || opcode == 0xD7;
    const bool is_integer_opcode =
        (opcode >= 0x60 && opcode <= 0x6F) || (opcode >= 0x74 && opcode <= 0x76) || opcode >= 0xD1;
    return is_integer && is_integer_opcode && !is_move;
}

/// Takes the unaligned twin of a move. False: it is none that has one.
bool unalign_move(const Parts& parts, std::uint8_t* code)
{
    if (parts.map != 1) return false;
    std::uint8_t opcode = 0;
    bool is_integer = false;
    switch (parts.opcode) {
    case 0x28: // movaps, movapd
        opcode = 0x10;
        break;
    case 0x29:
    case 0x2B: // movntps, movntpd
        opcode = 0x11;
        break;
    case 0x6F: // movdqa
    case 0x7F:
        is_integer = true;
        opcode = parts.opcode;
        break;
    case 0xE7: // movntdq
        is_integer = true;
        opcode = 0x7F;
        break;
    default:
        return false;
    }
    if (parts.prefix != kOperandSize && (is_integer || parts.prefix != 0)) return false;
    code[parts.opcode_at] = opcode;
    if (!is_integer) return true;
    std::uint8_t& prefix = code[parts.prefix_at];
    prefix = parts.is_vex ? static_cast<std::uint8_t>((prefix & ~3U) | 2U) : kRepeat;
    return true;
}

/// Where the operand is. Errors: nothing, in a register, or at an address that no block has.
std::optional<std::uintptr_t> read_operand(const std::uint8_t* code, const CodeRegisters& registers,
                                           Parts& parts)
{
    const std::uint8_t* const start = code + parts.operand_at;
    const unsigned mode = *start >> 6U;
    unsigned base = *start & 7U;
    if (mode == 3 || (mode == 0 && base == 5)) return {};
    const std::uint8_t* at = start + 1;
    std::uintptr_t address = 0;
    if (base == 4) {
        const unsigned sib = *at++;
        const unsigned index = (sib >> 3U & 7U) | (parts.rex & 2U) << 2U;
        base = sib & 7U;
        if (mode == 0 && base == 5) return {};
        if (index != 4) address = registers[index] << (sib >> 6U);
    }
    address += registers[base | (parts.rex & 1U) << 3U];
    std::int32_t distance = 0;
    if (mode == 1) distance = (*at++ ^ 0x80) - 0x80; // a byte with a sign
    if (mode == 2) {
        std::memcpy(&distance, at, sizeof distance);
        at += sizeof distance;
    }
    parts.operand_size = static_cast<std::size_t>(at - start);
    return address + static_cast<std::uintptr_t>(std::intptr_t{distance});
}

} // namespace

std::optional<VectorAccess> decode_vector_access(const std::uint8_t* code,
                                                 const CodeRegisters& registers)
{
    Parts parts;
    if (!read_vex(code, parts) && !read_legacy(code, parts)) return {};
    parts.opcode = code[parts.opcode_at];
    parts.operand_at = parts.opcode_at + 1;
    const bool has_choice = parts.opcode == 0x70 || parts.opcode == 0xC2 || parts.opcode == 0xC6;
    parts.immediate = parts.map == 3 || (parts.map == 1 && has_choice) ? 1 : 0;
    const std::optional<std::uintptr_t> address = read_operand(code, registers, parts);
    if (!address) return {};

    VectorAccess access{.address = *address,
                        .size = parts.is_wide ? std::size_t{32} : 16,
                        .length = parts.operand_at + parts.operand_size + parts.immediate,
                        .reads_copy = false,
                        .code = {},
                        .code_size = 0,
                        .distance_at = 0};
    if (access.length > 15) return {};
    std::copy_n(code, access.length, access.code.begin());
    access.code_size = access.length;
    if (unalign_move(parts, access.code.data())) return access;
    if (parts.is_vex || !reads_vector(parts)) return {};
    // The operand becomes [rip + distance].
    std::uint8_t& operand = access.code[parts.operand_at];
    operand = static_cast<std::uint8_t>((operand & 0x38U) | 5U);
    access.distance_at = parts.operand_at + 1;
    access.code_size = access.distance_at + 4 + parts.immediate;
    if (parts.immediate != 0) access.code[access.code_size - 1] = code[access.length - 1];
    access.reads_copy = true;
    return access;
}

void displace(const VectorAccess& access, std::uintptr_t back, DisplacedCode& code)
{
    std::uint8_t* const start = code.code.data();
    std::copy_n(access.code.begin(), access.code_size, start);
    if (access.reads_copy) {
        const auto distance =
            static_cast<std::int32_t>(code.copy.data() - (start + access.code_size));
        std::memcpy(start + access.distance_at, &distance, sizeof distance);
    }
    // jmp [rip + 0], where the address follows.
    constexpr std::array<std::uint8_t, 6> kJump{0xFF, 0x25, 0, 0, 0, 0};
    std::uint8_t* const jump = std::copy(kJump.begin(), kJump.end(), start + access.code_size);
    std::memcpy(jump, &back, sizeof back);
}

} // namespace tarn
