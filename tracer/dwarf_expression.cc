// SPDX-License-Identifier: MIT

#include "tracer/dwarf_expression.h"

#include <utility>

#include "src/os/probe.h"
#include "tracer/dwarf_reader.h"

namespace tarn {

namespace {

class Evaluator {
public:
    Evaluator(const RegisterValues& registers, std::uintptr_t first) : registers_(registers)
    {
        push(first);
    }

    /// One operation. Errors: false.
    bool step(DwarfReader& reader)
    {
        const auto code = reader.read<std::uint8_t>();
        if (code >= 0x30 && code <= 0x4F) return push(code - 0x30U); // DW_OP_lit0 to 31
        if (code >= 0x70 && code <= 0x8F)                            // DW_OP_breg0 to 31
            return push_register(code - 0x70U, reader.sleb());
        if (code >= 0x08 && code <= 0x11) return push(constant(code, reader));
        if (code >= 0x12 && code <= 0x17) return arrange(code, reader);
        if (code >= 0x1A && code <= 0x2E && code != 0x1F && code != 0x20 && code != 0x23 &&
            code != 0x28)
            return code >= 0x29 ? compare(code) : combine(code);
        return other(code, reader);
    }

    bool result(std::uintptr_t& value)
    {
        if (depth_ == 0) return false;
        value = pop();
        return true;
    }

private:
    bool push(std::uintptr_t value)
    {
        if (depth_ == stack_.size()) return false;
        stack_[depth_++] = value;
        return true;
    }
    /// Of an empty stack: zero.
    std::uintptr_t pop() { return depth_ != 0 ? stack_[--depth_] : 0; }

    bool push_register(std::uint64_t number, std::int64_t offset)
    {
        return number < kRegisters &&
               push(registers_[number] + static_cast<std::uintptr_t>(offset));
    }

    /// DW_OP_const1u to consts.
    static std::uintptr_t constant(unsigned code, DwarfReader& reader)
    {
        switch (code) {
        case 0x08:
            return reader.read<std::uint8_t>();
        case 0x09:
            return static_cast<std::uintptr_t>(std::intptr_t{reader.read<std::int8_t>()});
        case 0x0A:
            return reader.read<std::uint16_t>();
        case 0x0B:
            return static_cast<std::uintptr_t>(std::intptr_t{reader.read<std::int16_t>()});
        case 0x0C:
            return reader.read<std::uint32_t>();
        case 0x0D:
            return static_cast<std::uintptr_t>(std::intptr_t{reader.read<std::int32_t>()});
        case 0x10:
            return reader.uleb();
        case 0x11:
            return static_cast<std::uintptr_t>(reader.sleb());
        default: // const8u and const8s
            return reader.read<std::uintptr_t>();
        }
    }

    /// DW_OP_dup, drop, over, pick, swap, rot.
    bool arrange(unsigned code, DwarfReader& reader)
    {
        const std::size_t nth = code == 0x12   ? 0
                                : code == 0x14 ? 1
                                : code == 0x15 ? std::size_t{reader.read<std::uint8_t>()}
                                               : 0;
        switch (code) {
        case 0x13:
            pop();
            return true;
        case 0x16:
            if (depth_ < 2) return false;
            std::swap(stack_[depth_ - 1], stack_[depth_ - 2]);
            return true;
        case 0x17: {
            if (depth_ < 3) return false;
            const std::uintptr_t top = stack_[depth_ - 1];
            stack_[depth_ - 1] = stack_[depth_ - 2];
            stack_[depth_ - 2] = stack_[depth_ - 3];
            stack_[depth_ - 3] = top;
            return true;
        }
        default:
            return nth < depth_ && push(stack_[depth_ - 1 - nth]);
        }
    }

    bool divide(std::intptr_t a, std::intptr_t b)
    {
        // The only quotient that has no place in a word.
        if (b == -1) return push(0 - static_cast<std::uintptr_t>(a));
        return b != 0 && push(static_cast<std::uintptr_t>(a / b));
    }

    /// DW_OP_and, div, minus, mod, mul, or, plus, shl, shr, shra, xor.
    bool combine(unsigned code)
    {
        const std::uintptr_t b = pop();
        const std::uintptr_t a = pop();
        const bool is_far = b >= 64;
        const unsigned shift = is_far ? 63 : static_cast<unsigned>(b);
        switch (code) {
        case 0x1A:
            return push(a & b);
        case 0x1B:
            return divide(static_cast<std::intptr_t>(a), static_cast<std::intptr_t>(b));
        case 0x1C:
            return push(a - b);
        case 0x1D:
            return b != 0 && push(a % b);
        case 0x1E:
            return push(a * b);
        case 0x21:
            return push(a | b);
        case 0x22:
            return push(a + b);
        case 0x24:
            return push(is_far ? 0 : a << shift);
        case 0x25:
            return push(is_far ? 0 : a >> shift);
        case 0x26:
            return push(static_cast<std::uintptr_t>(static_cast<std::intptr_t>(a) >> shift));
        case 0x27:
            return push(a ^ b);
        default:
            return false;
        }
    }

    /// DW_OP_eq, ge, gt, le, lt, ne.
    bool compare(unsigned code)
    {
        const auto b = static_cast<std::intptr_t>(pop());
        const auto a = static_cast<std::intptr_t>(pop());
        switch (code) {
        case 0x29:
            return push(a == b);
        case 0x2A:
            return push(a >= b);
        case 0x2B:
            return push(a > b);
        case 0x2C:
            return push(a <= b);
        case 0x2D:
            return push(a < b);
        default:
            return push(a != b);
        }
    }

    bool load(std::size_t size)
    {
        std::uintptr_t value = 0;
        return size <= sizeof value && os::read_memory(pop(), &value, size) && push(value);
    }

    bool other(unsigned code, DwarfReader& reader)
    {
        switch (code) {
        case 0x03: // DW_OP_addr
            return push(reader.read<std::uintptr_t>());
        case 0x06: // DW_OP_deref
            return load(sizeof(std::uintptr_t));
        case 0x94: // DW_OP_deref_size
            return load(reader.read<std::uint8_t>());
        case 0x1F: // DW_OP_neg
            return push(0 - pop());
        case 0x20: // DW_OP_not
            return push(~pop());
        case 0x23: // DW_OP_plus_uconst
            return push(pop() + reader.uleb());
        case 0x28: { // DW_OP_bra
            const auto distance = reader.read<std::int16_t>();
            if (pop() != 0) reader.skip(distance);
            return true;
        }
        case 0x2F: // DW_OP_skip
            reader.skip(reader.read<std::int16_t>());
            return true;
        case 0x92: { // DW_OP_bregx
            const std::uint64_t number = reader.uleb();
            return push_register(number, reader.sleb());
        }
        case 0x96: // DW_OP_nop
            return true;
        default:
            return false;
        }
    }

    const RegisterValues& registers_;
    std::array<std::uintptr_t, 16> stack_{};
    std::size_t depth_ = 0;
};

} // namespace

bool evaluate(const std::byte* expression, const RegisterValues& registers, std::uintptr_t first,
              std::uintptr_t& result)
{
    constexpr std::size_t kLongestLength = 10;
    DwarfReader length(expression, expression + kLongestLength);
    const std::uint64_t size = length.uleb();
    DwarfReader reader(length.position(), length.position() + size);
    Evaluator evaluator(registers, first);
    // An expression that jumps back may do so for ever.
    for (int steps = 0; !reader.done(); ++steps)
        if (steps == 1000 || !evaluator.step(reader)) return false;
    return evaluator.result(result);
}

} // namespace tarn
