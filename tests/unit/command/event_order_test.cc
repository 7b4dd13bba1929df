// SPDX-License-Identifier: MIT

#include "tracer/command/event_order.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tarn {

namespace {

using events::Kind;

constexpr std::uint64_t kBlock = 0x1000;
constexpr std::uint64_t kMillisecond = 100'000; // ticks of 10 ns

/// A file as the library writes it.
class Maker {
public:
    Maker()
    {
        const events::FileHeader header{.magic = events::kMagic,
                                        .version = events::kVersion,
                                        .size = sizeof(events::FileHeader),
                                        .process = 42,
                                        .started = 0,
                                        .executable = {"program"}};
        add(&header, sizeof header);
    }

    Maker& batch(std::uint32_t thread, std::uint32_t number, std::uint64_t ticks)
    {
        finish();
        header_ = {.magic = events::kBatchMagic,
                   .size = 0,
                   .thread = thread,
                   .number = number,
                   .ticks = ticks,
                   .nanoseconds_per_tick = 10};
        block_ = 0;
        return *this;
    }
    Maker& allocated(std::uint64_t later, std::uint64_t block, std::uint64_t size)
    {
        begin(later, Kind::allocated);
        varint(size << 1U);
        place(block);
        varint(0);
        return *this;
    }
    Maker& freed(std::uint64_t later, std::uint64_t block)
    {
        begin(later, Kind::freed);
        place(block);
        return *this;
    }
    Maker& resized()
    {
        begin(0, Kind::resized);
        return *this;
    }

    /// "thread kind size" of each event, in order.
    std::vector<std::string> read(std::uint64_t unknown = 0, std::uint64_t missing = 0)
    {
        finish();
        const EventFile file = parse_events(std::as_bytes(std::span(data_)), "file");
        EventOrder order(file);
        std::vector<std::string> lines;
        for (Event event; order.next(event);) {
            constexpr std::string_view kKinds = "afr";
            lines.push_back(std::to_string(event.thread) + " " +
                            kKinds[static_cast<std::size_t>(event.kind)] + " " +
                            std::to_string(event.size));
        }
        EXPECT_EQ(order.unknown_frees(), unknown);
        EXPECT_EQ(order.missing_frees(), missing);
        return lines;
    }

private:
    void begin(std::uint64_t later, Kind kind)
    {
        varint(later << events::kKindBits | static_cast<unsigned>(kind));
    }
    void place(std::uint64_t block)
    {
        varint(events::zigzag((block - block_) >> events::kBlockShift));
        block_ = block;
    }
    void varint(std::uint64_t value)
    {
        std::array<std::byte, 10> bytes;
        const std::byte* const end = events::put_varint(bytes.data(), value);
        events_.append(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::size_t>(end - bytes.data()));
    }
    void finish()
    {
        if (events_.empty()) return;
        header_.size = static_cast<std::uint32_t>(events_.size());
        add(&header_, sizeof header_);
        add(events_.data(), events_.size());
        events_.clear();
    }
    void add(const void* from, std::size_t size)
    {
        data_.append(static_cast<const char*>(from), size);
    }

    std::string data_;
    std::string events_;
    events::BatchHeader header_{};
    std::uint64_t block_ = 0;
};

using Lines = std::vector<std::string>;

TEST(EventOrderTest, FollowsTheClockFromThreadToThread)
{
    Maker file;
    file.batch(1, 0, 100).allocated(0, kBlock, 1).freed(20, kBlock);
    file.batch(2, 0, 110).allocated(0, kBlock + 64, 2).allocated(20, kBlock + 128, 3);
    EXPECT_EQ(file.read(), (Lines{"1 a 1", "2 a 2", "1 f 0", "2 a 3"}));
}

TEST(EventOrderTest, BelievesABlockMoreThanTheClock)
{
    Maker file;
    file.batch(1, 0, 100).freed(0, kBlock).allocated(1, kBlock, 9);
    file.batch(2, 0, 105).allocated(0, kBlock, 1);
    EXPECT_EQ(file.read(), (Lines{"2 a 1", "1 f 0", "1 a 9"}));
}

TEST(EventOrderTest, WaitsForABlockToBeFreedBeforeItIsAllocatedAgain)
{
    Maker file;
    file.batch(1, 0, 100).allocated(0, kBlock, 1).freed(30, kBlock);
    file.batch(2, 0, 110).allocated(0, kBlock, 2).freed(5, kBlock);
    EXPECT_EQ(file.read(), (Lines{"1 a 1", "1 f 0", "2 a 2", "2 f 0"}));
}

TEST(EventOrderTest, JoinsWhatReallocDoes)
{
    Maker file;
    file.batch(1, 0, 0).allocated(0, kBlock, 1).allocated(1, kBlock + 64, 2).freed(1, kBlock);
    file.batch(1, 1, 5).resized().freed(1, kBlock + 64).allocated(1, kBlock + 64, 3).resized();
    EXPECT_EQ(file.read(), (Lines{"1 a 1", "1 r 2", "1 r 3"}));
}

TEST(EventOrderTest, LeavesOutTheEndOfWhatItDoesNotKnow)
{
    Maker file;
    file.batch(1, 0, 0).freed(0, kBlock).allocated(1, kBlock + 64, 1);
    file.batch(2, 0, 0).allocated(5 * kMillisecond, kBlock + 128, 2);
    file.batch(2, 1, 20 * kMillisecond).allocated(0, kBlock + 192, 3);
    EXPECT_EQ(file.read(1, 0), (Lines{"2 a 2", "1 a 1", "2 a 3"}));
}

TEST(EventOrderTest, PutsInAnEndThatIsMissing)
{
    Maker file;
    file.batch(1, 0, 0).allocated(0, kBlock, 1).allocated(1, kBlock, 2);
    EXPECT_EQ(file.read(0, 1), (Lines{"1 a 1", "1 f 0", "1 a 2"}));
}

TEST(EventOrderTest, TakesAReallocOfAnUnknownBlockAsMalloc)
{
    Maker file;
    file.batch(1, 0, 0).freed(0, kBlock).allocated(0, kBlock + 64, 5).resized();
    EXPECT_EQ(file.read(1, 0), (Lines{"1 a 5"}));
}

TEST(EventOrderTest, TakesTheLongerOfTwoBatchesWithOneNumber)
{
    Maker file;
    file.batch(1, 0, 0).allocated(0, kBlock, 1);
    file.batch(1, 0, 0).allocated(0, kBlock, 1).allocated(1, kBlock + 64, 2);
    EXPECT_EQ(file.read(), (Lines{"1 a 1", "1 a 2"}));
}

/// What is read of `value` when it has been written.
std::uint64_t read_again(std::uint64_t value)
{
    std::array<std::byte, 10> bytes{};
    const std::byte* const end = events::put_varint(bytes.data(), value);
    std::span<const std::byte> rest(bytes.data(), static_cast<std::size_t>(end - bytes.data()));
    std::uint64_t again = 0;
    return events::take_varint(rest, again) && rest.empty() ? again : ~value;
}

TEST(VarintTest, ComesBack)
{
    for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                      std::uint64_t{1} << 63U, ~std::uint64_t{0}}) {
        EXPECT_EQ(read_again(value), value);
        EXPECT_EQ(events::unzigzag(events::zigzag(value)), value);
    }
}

} // namespace

} // namespace tarn
