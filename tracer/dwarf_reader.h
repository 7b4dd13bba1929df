// SPDX-License-Identifier: MIT
//
// Reads the encodings of DWARF from memory. Sources: DWARF 5, 7.6; Linux Standard Base 5.0, 10.5
// "DWARF Extensions" for encoded pointers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tarn {

/// Goes through the bytes up to `end`; behind it all reads as zero.
class DwarfReader {
public:
    DwarfReader(const std::byte* at, const std::byte* end) : start_(at), at_(at), end_(end) {}

    bool done() const { return at_ >= end_; }
    const std::byte* position() const { return at_; }
    std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(at_); }

    void skip(std::int64_t bytes)
    {
        const bool fits = bytes <= end_ - at_ && bytes >= start_ - at_;
        at_ = fits ? at_ + bytes : end_;
    }

    template <class T> T read()
    {
        T value{};
        if (static_cast<std::size_t>(end_ - at_) >= sizeof(T)) std::memcpy(&value, at_, sizeof(T));
        skip(sizeof(T));
        return value;
    }

    std::uint64_t uleb()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; !done(); shift += 7) {
            const auto byte = read<std::uint8_t>();
            if (shift < 64) value |= std::uint64_t{byte & 0x7FU} << shift;
            if ((byte & 0x80U) == 0) break;
        }
        return value;
    }

    std::int64_t sleb()
    {
        std::uint64_t value = 0;
        unsigned shift = 0;
        while (!done()) {
            const auto byte = read<std::uint8_t>();
            if (shift < 64) value |= std::uint64_t{byte & 0x7FU} << shift;
            shift += 7;
            if ((byte & 0x80U) != 0) continue;
            if ((byte & 0x40U) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
            break;
        }
        return static_cast<std::int64_t>(value);
    }

    /// A pointer in one of the encodings of DW_EH_PE_*, of which `indirect` ones are not followed.
    /// `data_base`: what DW_EH_PE_datarel is relative to.
    std::uintptr_t pointer(std::uint8_t encoding, std::uintptr_t data_base = 0)
    {
        constexpr std::uint8_t kOmitted = 0xFF;
        if (encoding == kOmitted) return 0;
        const std::uintptr_t here = address();
        const std::uint64_t value = number(encoding & 0x0FU);
        constexpr std::uint8_t kRelativeToItself = 0x10;
        constexpr std::uint8_t kRelativeToData = 0x30;
        if (value == 0) return 0;
        if ((encoding & 0x70U) == kRelativeToItself) return here + value;
        if ((encoding & 0x70U) == kRelativeToData) return data_base + value;
        return value;
    }

    /// A number as wide as the lower half of a DW_EH_PE_* says.
    std::uint64_t number(unsigned format)
    {
        switch (format) {
        case 0x01:
            return uleb();
        case 0x02:
            return read<std::uint16_t>();
        case 0x03:
            return read<std::uint32_t>();
        case 0x09:
            return static_cast<std::uint64_t>(sleb());
        case 0x0A:
            return static_cast<std::uint64_t>(std::int64_t{read<std::int16_t>()});
        case 0x0B:
            return static_cast<std::uint64_t>(std::int64_t{read<std::int32_t>()});
        default: // 0x00, 0x04, 0x0C
            return read<std::uint64_t>();
        }
    }

private:
    const std::byte* start_;
    const std::byte* at_;
    const std::byte* end_;
};

} // namespace tarn
