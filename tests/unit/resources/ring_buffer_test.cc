// SPDX-License-Identifier: MIT
#include <cstring>
#include <deque>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/ring_buffer.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/misuse_handler.h"

namespace tarn {

namespace {

std::span<const std::byte> bytes_of(std::string_view text)
{
    return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_of(const RingBuffer::Region<const std::byte>& region)
{
    return text_of(region.first) + text_of(region.second);
}

template <class Ring> std::string read(Ring& ring, std::size_t most)
{
    std::vector<std::byte> bytes(most);
    return text_of(std::span(bytes).first(ring.read(bytes)));
}

/// Any writes and reads, beside a queue that has as much room.
template <class Ring> void run_against_queue(Ring& ring, Overflow overflow)
{
    std::deque<char> model;
    std::uint64_t dropped = 0;
    char next = 0;
    const auto steps = *rc::gen::container<std::vector<std::pair<bool, std::size_t>>>(rc::gen::pair(
        rc::gen::arbitrary<bool>(), rc::gen::inRange<std::size_t>(0, 2 * ring.capacity())));
    for (const auto& [is_write, count] : steps) {
        if (is_write) {
            std::string text(count, ' ');
            for (char& byte : text)
                byte = next++;
            std::size_t expected = std::min(count, ring.capacity() - model.size());
            if (overflow == Overflow::all_or_nothing && expected < count) expected = 0;
            if (overflow == Overflow::overwrite) expected = count;
            RC_ASSERT(ring.write(bytes_of(text)) == expected);
            model.insert(model.end(), text.begin(),
                         text.begin() + static_cast<std::ptrdiff_t>(expected));
            for (; model.size() > ring.capacity(); ++dropped)
                model.pop_front();
        } else {
            const std::string text = read(ring, count);
            RC_ASSERT(text.size() == std::min(count, model.size()));
            for (const char byte : text) {
                RC_ASSERT(byte == model.front());
                model.pop_front();
            }
        }
        RC_ASSERT(ring.available() == model.size());
        RC_ASSERT(text_of(ring.readable()) == std::string(model.begin(), model.end()));
    }
    const RingStatistics statistics = ring.statistics();
    RC_ASSERT(statistics.dropped == dropped);
    RC_ASSERT(statistics.written == statistics.read + dropped + model.size());
}

const auto any_overflow = [] {
    return rc::gen::element(Overflow::partial, Overflow::all_or_nothing, Overflow::overwrite);
};

} // namespace

RC_GTEST_PROP(RingBufferProperty, IsAQueueOfBytes, ())
{
    test::Counted upstream;
    const Overflow overflow = *any_overflow();
    const auto capacity = *rc::gen::inRange<std::size_t>(1, 20);
    RingBuffer ring({.capacity = capacity, .overflow = overflow}, &upstream);
    run_against_queue(ring, overflow);
}

RC_GTEST_PROP(MirroredRingProperty, IsAQueueOfBytes, ())
{
    const Overflow overflow = *any_overflow();
    MirroredRing ring({.capacity = 1, .overflow = overflow});
    run_against_queue(ring, overflow);
}

TEST(RingBuffer, FullIsNotEmpty)
{
    RingBuffer ring({.capacity = 8});
    EXPECT_TRUE(ring.is_empty());
    EXPECT_FALSE(ring.is_full());
    EXPECT_EQ(ring.write(bytes_of("12345678")), 8U);
    EXPECT_TRUE(ring.is_full());
    EXPECT_FALSE(ring.is_empty());
    EXPECT_EQ(ring.free_space(), 0U);
    EXPECT_EQ(ring.write(bytes_of("9")), 0U);
    EXPECT_EQ(read(ring, 8), "12345678");
    EXPECT_TRUE(ring.is_empty());
}

TEST(RingBuffer, OverwritesTheOldestAndCountsThem)
{
    RingBuffer ring({.capacity = 4, .overflow = Overflow::overwrite});
    EXPECT_EQ(ring.write(bytes_of("abc")), 3U);
    EXPECT_EQ(ring.write(bytes_of("def")), 3U);
    EXPECT_EQ(ring.statistics().dropped, 2U);
    EXPECT_EQ(text_of(ring.readable()), "cdef");
    EXPECT_EQ(ring.write(bytes_of("0123456789")), 10U);
    EXPECT_EQ(ring.statistics().dropped, 12U);
    EXPECT_EQ(read(ring, 10), "6789");
}

TEST(RingBuffer, TakesAMessageOrNothing)
{
    RingBuffer ring({.capacity = 4, .overflow = Overflow::all_or_nothing});
    EXPECT_EQ(ring.write(bytes_of("abc")), 3U);
    EXPECT_EQ(ring.write(bytes_of("de")), 0U);
    EXPECT_EQ(ring.statistics().refused, 2U);
    EXPECT_EQ(ring.write(bytes_of("d")), 1U);
}

TEST(RingBuffer, LetsOthersReadAndWriteInPlace)
{
    RingBuffer ring({.capacity = 8});
    ring.write(bytes_of("......"));
    ring.consume(6);
    const auto room = ring.writable();
    ASSERT_EQ(room.size(), 8U);
    ASSERT_EQ(room.first.size(), 2U);
    std::memcpy(room.first.data(), "he", 2);
    std::memcpy(room.second.data(), "llo", 3);
    ring.commit(5);
    EXPECT_EQ(text_of(ring.readable()), "hello");
    std::byte end[2];
    EXPECT_EQ(ring.peek(end, 3), 2U);
    EXPECT_EQ(text_of(end), "lo");
    EXPECT_EQ(ring.peek(end, 5), 0U);
    EXPECT_EQ(ring.available(), 5U);
    EXPECT_EQ(ring.statistics().wraps, 1U);
    EXPECT_EQ(ring.statistics().high_water, 6U);
}

TEST(RingBuffer, TooFarIsMisuseAndChangesNothing)
{
    const test::ThrowingMisuseHandler misuse;
    RingBuffer ring({.capacity = 8});
    ring.write(bytes_of("abc"));
    EXPECT_EQ(misuse.of([&] { ring.consume(4); }), Misuse::out_of_range);
    EXPECT_EQ(misuse.of([&] { ring.commit(6); }), Misuse::out_of_range);
    EXPECT_EQ(text_of(ring.readable()), "abc");
    ring.commit(5);
    EXPECT_TRUE(ring.is_full());
}

TEST(RingBuffer, ReadsMessagesThatArriveInPieces)
{
    RingBuffer ring({.capacity = 16});
    std::vector<std::string> messages;
    const auto take_whole_ones = [&] {
        std::byte length[1];
        while (ring.peek(length) == 1 && ring.available() > std::size_t(length[0])) {
            ring.consume(1);
            messages.push_back(read(ring, std::size_t(length[0])));
        }
    };
    const std::string stream = "\3one\5three\2to\4four\6seven!";
    for (const char byte : stream) {
        ring.write(bytes_of({&byte, 1}));
        take_whole_ones();
    }
    EXPECT_EQ(messages, (std::vector<std::string>{"one", "three", "to", "four", "seven!"}));
}

TEST(RingBuffer, ClearKeepsTheCounts)
{
    RingBuffer ring({.capacity = 8});
    ring.write(bytes_of("abc"));
    ring.clear();
    EXPECT_TRUE(ring.is_empty());
    EXPECT_EQ(ring.statistics().written, 3U);
    EXPECT_EQ(ring.write(bytes_of("12345678")), 8U);
}

TEST(RingBuffer, RefusesNoCapacity)
{
    EXPECT_THROW(RingBuffer({.capacity = 0}), std::invalid_argument);
    EXPECT_THROW(MirroredRing({.capacity = 0}), std::invalid_argument);
    EXPECT_THROW(RingBuffer({.capacity = SIZE_MAX}), std::invalid_argument);
}

TEST(MirroredRing, IsOneSpanAlsoWhereItWraps)
{
    MirroredRing ring({.capacity = 4096});
    ASSERT_EQ(ring.capacity() % 4096, 0U);
    const std::string filler(ring.capacity() - 3, '.');
    ring.write(bytes_of(filler));
    ring.consume(filler.size());
    ASSERT_EQ(ring.writable().size(), ring.capacity());
    std::memcpy(ring.writable().data(), "wrapped", 7);
    ring.commit(7);
    EXPECT_EQ(text_of(ring.readable()), "wrapped");
    EXPECT_EQ(ring.statistics().wraps, 1U);
}

TEST(RingBuffer, StatisticsAreTextAndJson)
{
    const RingStatistics statistics{
        .written = 6, .read = 5, .dropped = 4, .refused = 3, .wraps = 2, .high_water = 1};
    std::ostringstream text;
    text << statistics;
    EXPECT_EQ(text.str(), "written 6, read 5, dropped 4, refused 3, wraps 2, high_water 1");
    EXPECT_EQ(to_json(statistics),
              R"({"written":6,"read":5,"dropped":4,"refused":3,"wraps":2,"high_water":1})");
}

} // namespace tarn
