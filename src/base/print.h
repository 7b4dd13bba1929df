// SPDX-License-Identifier: MIT
//
// Formatting without stdio and without allocation: into a fixed buffer, handed to a sink when full.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tarn {

/// Takes finished text. It must not allocate; it may be called several times for one report.
using TextSink = void (*)(std::string_view text);

/// The sink of last resort. Lives in src/os (write(2)); declared here so that assertions reach it.
void write_to_stderr(std::string_view text);

/// A byte count as a person reads it: "17 B", "3.2 KiB", "1.50 GiB".
struct HumanBytes {
    std::uint64_t bytes;
};

/// Right-aligned (width > 0) or left-aligned (width < 0) text.
struct Column {
    std::string_view text;
    int width;
};

/// Numerator over denominator in percent with one digit, "-" when the denominator is zero.
struct Percent {
    std::uint64_t part;
    std::uint64_t whole;
};

/// An unsigned number in hexadecimal with leading 0x.
struct Hex {
    std::uint64_t value;
};

/// Formats into a buffer of its own and hands full buffers, and the rest on destruction, to the
/// sink. Thread safety: one thread per object. Errors: none; what a sink cannot write is lost.
class Printer {
public:
    explicit Printer(TextSink sink) : sink_(sink) {}
    Printer(const Printer&) = delete;
    Printer& operator=(const Printer&) = delete;
    ~Printer() { flush(); }

    Printer& operator<<(std::string_view text);
    Printer& operator<<(const char* text) { return *this << std::string_view(text); }
    Printer& operator<<(std::uint64_t number);
    Printer& operator<<(HumanBytes value);
    Printer& operator<<(Column value);
    Printer& operator<<(Percent value);
    Printer& operator<<(Hex value);

    void flush();

private:
    TextSink sink_;
    std::size_t used_ = 0;
    std::array<char, 1024> buffer_;
};

/// Formats into memory: collects what is printed, up to Capacity bytes; the rest is dropped.
template <std::size_t Capacity> class FixedText {
public:
    FixedText& operator<<(std::string_view text)
    {
        for (const char c : text)
            if (size_ < Capacity) buffer_[size_++] = c;
        return *this;
    }
    FixedText& operator<<(std::uint64_t number);
    FixedText& operator<<(HumanBytes value);
    FixedText& operator<<(Percent value);

    /// Adds a terminating zero behind the text, which may cut its last byte, and returns it.
    const char* c_str()
    {
        if (size_ == Capacity) --size_;
        buffer_[size_] = '\0';
        return buffer_.data();
    }
    std::string_view view() const { return {buffer_.data(), size_}; }

private:
    std::size_t size_ = 0;
    std::array<char, Capacity> buffer_{};
};

namespace detail {
/// Writes `value` in `base` (10 or 16); returns the part of `room` that holds the digits.
std::string_view format_number(std::array<char, 24>& room, std::uint64_t value, unsigned base);
std::string_view format_bytes(std::array<char, 24>& room, std::uint64_t bytes);
std::string_view format_percent(std::array<char, 24>& room, Percent value);
} // namespace detail

template <std::size_t Capacity>
FixedText<Capacity>& FixedText<Capacity>::operator<<(std::uint64_t number)
{
    std::array<char, 24> room;
    return *this << detail::format_number(room, number, 10);
}

template <std::size_t Capacity>
FixedText<Capacity>& FixedText<Capacity>::operator<<(HumanBytes value)
{
    std::array<char, 24> room;
    return *this << detail::format_bytes(room, value.bytes);
}

template <std::size_t Capacity> FixedText<Capacity>& FixedText<Capacity>::operator<<(Percent value)
{
    std::array<char, 24> room;
    return *this << detail::format_percent(room, value);
}

} // namespace tarn
