// SPDX-License-Identifier: MIT
//
// A terminal of the 3270 kind: what the host sends arrives in packets of any size, is cut into
// records, turned into commands, and these into a screen.
//
//     record  = F5 (erase and write)  control byte  { order | text in EBCDIC }  FF EF
//     order   = 11 address (go there) | 1D attribute (a field starts) | 3C address character
//     (repeat
//               up to there) | 13 (the cursor is here)         a byte FF is sent as FF FF
//
// With malloc the input is a vector, each command and each text a block. With the library input is
// a mirrored ring, in which every record lies in one piece; commands come from a pool; texts lie in
// scratch, which starts again with each record.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <tarn/object_pool.h>
#include <tarn/ring_buffer.h>
#include <tarn/scratch_resource.h>

#include "tests/examples/compare.h"

namespace {

constexpr std::size_t kRows = 24;
constexpr std::size_t kColumns = 80;
using Screen = std::array<char, kRows * kColumns>;

enum class Order : std::uint8_t {
    text = 0,
    insert_cursor = 0x13,
    go = 0x11,
    field = 0x1D,
    repeat = 0x3C
};
constexpr std::uint8_t kEraseWrite = 0xF5;
constexpr std::uint8_t kEscape = 0xFF;
constexpr std::uint8_t kEndOfRecord = 0xEF;

/// EBCDIC of the letters, digits and space; 0 of others.
constexpr std::uint8_t ebcdic_of(char c)
{
    const auto in = [c](char first, char last, int code) {
        return c >= first && c <= last ? static_cast<std::uint8_t>(code + c - first)
                                       : std::uint8_t{0};
    };
    const int code = in('A', 'I', 0xC1) + in('J', 'R', 0xD1) + in('S', 'Z', 0xE2) +
                     in('a', 'i', 0x81) + in('j', 'r', 0x91) + in('s', 'z', 0xA2) +
                     in('0', '9', 0xF0) + in(' ', ' ', 0x40);
    return static_cast<std::uint8_t>(code);
}

constexpr std::array<char, 256> kAscii = [] {
    std::array<char, 256> table{};
    table.fill('?');
    for (char c = ' '; c < 127; ++c)
        if (ebcdic_of(c) != 0) table[ebcdic_of(c)] = c;
    return table;
}();

/// Different for different screens in different orders.
std::uint64_t mixed(std::uint64_t hash, const Screen& screen)
{
    return std::accumulate(screen.begin(), screen.end(), hash, [](std::uint64_t sum, char c) {
        return (sum ^ static_cast<std::uint8_t>(c)) * 0x100000001B3;
    });
}

// --- the host
// -------------------------------------------------------------------------------------

/// Writes records, and knows what a terminal must show.
class Host {
public:
    void send_screen(std::size_t number)
    {
        screen_.fill(' ');
        put(kEraseWrite);
        put(static_cast<std::uint8_t>(number)); // a control byte, sometimes FF
        for (std::size_t row = 0; row < kRows; ++row)
            for (std::size_t column = 0; column + 16 <= kColumns; column += 16)
                send_field(row * kColumns + column, number * 31 + row * 7 + column);
        put(Order::insert_cursor);
        bytes_.push_back(std::byte{kEscape});
        bytes_.push_back(std::byte{kEndOfRecord});
        hash_ = mixed(hash_, screen_);
    }
    std::span<const std::byte> bytes() const { return bytes_; }
    std::uint64_t hash() const { return hash_; }

private:
    void send_field(std::size_t address, std::size_t seed)
    {
        put(Order::go);
        put_address(address);
        put(Order::field);
        put(0x60);
        const std::string text = "item " + std::to_string(seed * seed % 100'000'000);
        for (std::size_t i = 0; i < text.size(); ++i) {
            put(ebcdic_of(text[i]));
            screen_[address + 1 + i] = text[i]; // a field begins behind its attribute
        }
        if (seed % 3 != 0) return;
        put(Order::repeat);
        put_address(address + 16);
        put(ebcdic_of('x'));
        std::fill(&screen_[address + 1 + text.size()], &screen_[address] + 16, 'x');
    }
    void put_address(std::size_t address)
    {
        put(static_cast<std::uint8_t>(address >> 8));
        put(static_cast<std::uint8_t>(address & 0xFF));
    }
    void put(Order order) { put(static_cast<std::uint8_t>(order)); }
    void put(std::uint8_t byte)
    {
        bytes_.push_back(std::byte{byte});
        if (byte == kEscape) bytes_.push_back(std::byte{byte});
    }

    std::vector<std::byte> bytes_;
    Screen screen_{};
    std::uint64_t hash_ = 0;
};

// --- the terminal
// ---------------------------------------------------------------------------------

template <class Text> struct Command {
    Order order;
    std::size_t address; // to go, or to repeat to
    Text text;           // or what to repeat
};

class Malloc {
public:
    using Allocator = std::allocator<char>;
    using Text = std::string;
    using Handle = std::unique_ptr<Command<Text>>;

    void append(std::span<const std::byte> bytes)
    {
        input_.insert(input_.end(), bytes.begin(), bytes.end());
    }
    std::span<const std::byte> input() const { return input_; }
    void consume(std::size_t bytes)
    {
        input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
    Allocator allocator() { return {}; }
    Handle make(Command<Text> command)
    {
        return std::make_unique<Command<Text>>(std::move(command));
    }

private:
    std::vector<std::byte> input_;
};

class Library {
public:
    using Allocator = std::pmr::polymorphic_allocator<char>;
    using Text = std::pmr::string;
    using Handle = tarn::ObjectPool<Command<Text>>::Handle;

    void append(std::span<const std::byte> bytes)
    {
        if (ring_.write(bytes) != bytes.size()) throw std::length_error("too long a record");
    }
    std::span<const std::byte> input() const { return ring_.readable(); }
    void consume(std::size_t bytes)
    {
        ring_.consume(bytes);
        scratch_.reset(); // what was said of the record
    }
    Allocator allocator() { return &scratch_; }
    Handle make(Command<Text> command) { return commands_.make(std::move(command)); }

private:
    tarn::MirroredRing ring_{{.capacity = std::size_t{64} << 10}};
    tarn::ObjectPool<Command<Text>> commands_;
    tarn::ScratchResource scratch_;
};

template <class Memory> class Terminal {
    using Text = typename Memory::Text;

public:
    explicit Terminal(Memory& memory) : memory_(memory) {}

    void receive(std::span<const std::byte> packet)
    {
        memory_.append(packet);
        for (std::size_t size = 0; (size = record_size()) != 0; memory_.consume(size)) {
            read_commands(memory_.input().first(size - 2));
            for (const auto& command : commands_)
                carry_out(*command);
            commands_.clear();
            hash_ = mixed(hash_, screen_);
        }
    }
    std::uint64_t hash() const { return hash_; }

private:
    /// With its end; 0 if that is still to come.
    std::size_t record_size()
    {
        const std::span<const std::byte> input = memory_.input();
        for (std::size_t i = 0; i + 1 < input.size(); ++i) {
            if (input[i] != std::byte{kEscape}) continue;
            if (input[i + 1] == std::byte{kEndOfRecord}) return i + 2;
            ++i;
        }
        return 0;
    }

    void read_commands(std::span<const std::byte> record)
    {
        Text bytes(memory_.allocator()); // without the escapes
        bytes.reserve(record.size());
        for (std::size_t i = 0; i < record.size(); ++i) {
            bytes += static_cast<char>(record[i]);
            if (record[i] == std::byte{kEscape}) ++i;
        }
        if (bytes.size() < 2 || static_cast<std::uint8_t>(bytes[0]) != kEraseWrite)
            throw std::runtime_error("no record of a 3270");
        screen_.fill(' ');
        at_ = 0;
        for (std::string_view rest = std::string_view(bytes).substr(2); !rest.empty();)
            commands_.push_back(memory_.make(next_command(rest)));
    }

    Command<Text> next_command(std::string_view& rest)
    {
        Command<Text> command{static_cast<Order>(rest[0]), 0, Text(memory_.allocator())};
        switch (command.order) {
        case Order::go:
            command.address = address(take(rest, 3));
            break;
        case Order::field:
            take(rest, 2);
            break;
        case Order::insert_cursor:
            take(rest, 1);
            break;
        case Order::repeat: {
            const std::string_view order = take(rest, 4);
            command.address = address(order);
            command.text = kAscii[static_cast<std::uint8_t>(order[3])];
            break;
        }
        default: {
            command.order = Order::text; // which has no byte below a space
            const auto end = std::ranges::find_if(
                rest, [](char c) { return static_cast<std::uint8_t>(c) < 0x40; });
            const auto size = static_cast<std::size_t>(end - rest.begin());
            for (const char c : take(rest, std::max(size, std::size_t{1})))
                command.text += kAscii[static_cast<std::uint8_t>(c)];
        }
        }
        return command;
    }
    static std::string_view take(std::string_view& rest, std::size_t size)
    {
        if (rest.size() < size) throw std::runtime_error("a record ends in an order");
        const std::string_view taken = rest.substr(0, size);
        rest.remove_prefix(size);
        return taken;
    }
    static std::size_t address(std::string_view order)
    {
        const std::size_t address = static_cast<std::uint8_t>(order[1]) * std::size_t{256} +
                                    static_cast<std::uint8_t>(order[2]);
        if (address > kRows * kColumns) throw std::runtime_error("an address beyond the screen");
        return address;
    }

    void carry_out(const Command<Text>& command)
    {
        switch (command.order) {
        case Order::go:
            at_ = command.address;
            break;
        case Order::field:
            write(' ');
            break;
        case Order::insert_cursor:
            break; // nobody looks
        case Order::repeat:
            while (at_ < command.address)
                write(command.text[0]);
            break;
        case Order::text:
            for (const char c : command.text)
                write(c);
        }
    }
    void write(char c)
    {
        if (at_ < screen_.size()) screen_[at_++] = c;
    }

    Memory& memory_;
    std::vector<typename Memory::Handle> commands_;
    Screen screen_{};
    std::size_t at_ = 0;
    std::uint64_t hash_ = 0;
};

template <class Memory> std::uint64_t receive_all(std::span<const std::byte> bytes)
{
    Memory memory;
    Terminal<Memory> terminal(memory);
    for (std::size_t packet = 1; !bytes.empty(); packet = packet * 5 % 1459 + 1) {
        const auto received = bytes.first(std::min(packet, bytes.size()));
        terminal.receive(received);
        bytes = bytes.subspan(received.size());
    }
    return terminal.hash();
}

} // namespace

int main()
{
    Host host;
    for (std::size_t number = 0; number < 1000; ++number)
        host.send_screen(number);
    if (receive_all<Malloc>(host.bytes()) != host.hash()) {
        std::fputs("terminal_stream: not the screens that the host meant\n", stderr);
        return 1;
    }
    return example::compare(
        "terminal_stream", "MirroredRing, ObjectPool and ScratchResource",
        [&] { return receive_all<Malloc>(host.bytes()); },
        [&] { return receive_all<Library>(host.bytes()); });
}
