// SPDX-License-Identifier: MIT
#include <locale>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/cache_aligned.h>
#include <tarn/chunk_cache.h>
#include <tarn/frame_allocator.h>
#include <tarn/malloc.h>

#include "src/base/units.h"
#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/gap.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/threads.h"

static int frame_marks = 0;

// As the preload has it.
extern "C" void tarn_frame_mark(void)
{
    ++frame_marks;
}

namespace tarn {

namespace {

using test::Counted;

/// Counts how often it was moved and how many there are.
struct Tracked {
    explicit Tracked(int value) : value(value) { ++alive; }
    Tracked(Tracked&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
    Tracked& operator=(Tracked&&) = delete;
    ~Tracked() { --alive; }

    int value;
    static inline int alive = 0;
};

struct ThrowsWhenMoved {
    ThrowsWhenMoved() = default;
    ThrowsWhenMoved(ThrowsWhenMoved&& /*other*/) { throw std::runtime_error("no"); }
};

} // namespace

RC_GTEST_PROP(FrameProperty, BlocksAreApartAndKeepTheirContents, (bool checked))
{
    Counted upstream;
    FrameAllocator frames({.keep = KiB(256), .marks = false, .checked = checked}, &upstream);
    FrameThread& thread = frames.this_thread();
    thread.begin();
    test::ResourceModel model(thread.arena(), {.reset = [&] {
                                  thread.end();
                                  thread.begin();
                              }});
    for (const auto& step : *test::any_steps())
        model.apply(step);
    model.finish();
    thread.end();
    RC_ASSERT(thread.arena().capacity() <= KiB(256));
}

TEST(Frames, UseTheSameMemoryAgain)
{
    Counted upstream;
    FrameAllocator frames({.marks = false}, &upstream);
    for (int i = 0; i < 100; ++i) {
        const Frame frame(frames);
        FrameVector<int> numbers(&frame.arena());
        for (int number = 0; number < 5000; ++number)
            numbers.push_back(number);
    }
    EXPECT_LE(upstream.statistics().allocations, 4U);
    EXPECT_EQ(frames.this_thread().number(), 100U);
    EXPECT_EQ(frames.statistics().in_use, 0U);
    EXPECT_GE(frames.statistics().peak_in_use, 20'000U);
}

TEST(Frames, RunDestructorsAtTheEnd)
{
    FrameAllocator frames;
    {
        const Frame frame(frames);
        frame.arena().make<Tracked>(1);
        frame.arena().make<Tracked>(2);
        EXPECT_EQ(Tracked::alive, 2);
    }
    EXPECT_EQ(Tracked::alive, 0);
}

TEST(Frames, HonourTheirLimit)
{
    FrameAllocator frames({.limit = MiB(1), .marks = false});
    const Frame frame(frames);
    EXPECT_EQ(frames.try_allocate(MiB(8)), nullptr);
    EXPECT_NE(frames.try_allocate(KiB(500)), nullptr);
}

TEST(Frames, HonourAlignment)
{
    FrameAllocator frames;
    const Frame frame(frames);
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        static_cast<void>(frames.allocate(1, 1));
        EXPECT_TRUE(test::is_aligned(frames.allocate(3, alignment), alignment));
    }
    struct Mixed {
        char tag;
        CacheAligned<int> counter;
    };
    static_assert(sizeof(CacheAligned<int>) == 64 && sizeof(Mixed) == 128);
    EXPECT_TRUE(test::is_aligned(frame.arena().make<Mixed>(), 64));
}

TEST(Frames, OfOneAllocatorLeaveThoseOfAnotherAlone)
{
    FrameAllocator one({.marks = false});
    FrameAllocator other({.marks = false});
    const Frame outer(other);
    auto* const block = static_cast<int*>(other.allocate(sizeof(int)));
    *block = 42;
    {
        const Frame inner(one);
        *static_cast<int*>(one.allocate(sizeof(int))) = 7;
        EXPECT_FALSE(one.owns(block));
    }
    EXPECT_TRUE(other.owns(block));
    EXPECT_EQ(*block, 42);
    EXPECT_NE(other.allocate(sizeof(int)), block);
}

TEST(Frames, OfThreadsAreTheirOwnAndGoToTheNextThread)
{
    ChunkCache cache;
    FrameAllocator frames({.marks = false}, &cache);
    test::in_threads(4, [&](std::size_t thread) {
        for (int i = 0; i < 50; ++i) {
            const Frame frame(frames);
            std::vector<std::pair<void*, std::size_t>> blocks;
            for (std::size_t size = 1; size < 5000; size *= 2)
                test::fill(blocks.emplace_back(frames.allocate(size), size).first, size, thread);
            for (const auto& [block, size] : blocks)
                ASSERT_TRUE(test::holds(block, size, thread));
            static_cast<void>(frames.statistics());
        }
    });
    const std::size_t threads = frames.threads();
    EXPECT_LE(threads, 4U);
    for (int i = 0; i < 10; ++i)
        test::in_thread([&] { const Frame frame(frames); });
    EXPECT_EQ(frames.threads(), threads) << "frames of threads that have ended are used again";
    EXPECT_EQ(frames.statistics().allocations, 4U * 50U * 13U);
}

TEST(Frames, MayEndBeforeTheirThreadsAndTheOtherWayRound)
{
    auto frames = std::make_unique<FrameAllocator>(FrameOptions{.marks = false});
    test::in_thread([&] {
        frames->this_thread().begin();
        frames->this_thread().arena().make<Tracked>(1);
    });
    EXPECT_EQ(Tracked::alive, 0) << "a thread that leaves ends its frame";
    test::in_thread([&] {
        static_cast<void>(frames->allocate(100));
        frames.reset();
        FrameAllocator later({.marks = false});
        static_cast<void>(later.allocate(100));
        EXPECT_EQ(later.threads(), 1U);
    });
}

TEST(Frames, BeginAndEndInTurn)
{
    const test::ThrowingMisuseHandler handler;
    FrameAllocator frames;
    FrameThread& thread = frames.this_thread();
    EXPECT_EQ(handler.of([&] { thread.end(); }), Misuse::out_of_order);
    thread.begin();
    EXPECT_EQ(handler.of([&] { thread.begin(); }), Misuse::out_of_order);
    EXPECT_EQ(thread.end().number, 1U);
    int foreign = 0;
    test::in_thread(
        [&] { EXPECT_EQ(handler.of([&] { frames.deallocate(&foreign, 4); }), Misuse::not_owned); });
}

TEST(Frames, AreMarkedForTheTracer)
{
    FrameAllocator marked;
    FrameAllocator unmarked({.marks = false});
    const int before = frame_marks;
    for (int i = 0; i < 3; ++i) {
        const Frame frame(marked);
        const Frame other(unmarked);
    }
    EXPECT_EQ(frame_marks, before + 3);
}

TEST(FrameCheckpoints, RollBackUnlessTheyAreCommitted)
{
    FrameAllocator frames;
    const Frame frame(frames);
    frame.arena().make<Tracked>(1);
    const std::size_t before = frame.arena().statistics().in_use;
    {
        const FrameCheckpoint checkpoint(frame.thread());
        frame.arena().make<Tracked>(2);
        static_cast<void>(frame.arena().allocate(MiB(3)));
    }
    EXPECT_EQ(Tracked::alive, 1);
    EXPECT_EQ(frame.arena().statistics().in_use, before);
    {
        FrameCheckpoint checkpoint(frame.thread());
        frame.arena().make<Tracked>(3);
        checkpoint.commit();
    }
    EXPECT_EQ(Tracked::alive, 2);
}

TEST(FrameCheckpoints, TakeBackASpeculationThatFails)
{
    FrameAllocator frames;
    const Frame frame(frames);
    const auto attempt = [&](bool is_good) {
        frame.arena().make<Tracked>(1);
        return is_good;
    };
    EXPECT_FALSE(speculate(frame.thread(), [&] { return attempt(false); }));
    EXPECT_EQ(Tracked::alive, 0);
    EXPECT_TRUE(speculate(frame.thread(), [&] { return attempt(true); }));
    EXPECT_EQ(Tracked::alive, 1);
    EXPECT_THROW(speculate(frame.thread(),
                           [&]() -> bool {
                               attempt(true);
                               throw std::runtime_error("no");
                           }),
                 std::runtime_error);
    EXPECT_EQ(Tracked::alive, 1);
}

TEST(FramePromises, MoveObjectsOutOfTheFrame)
{
    Counted to;
    FrameAllocator frames;
    FrameThread& thread = frames.this_thread();
    Owned<std::pmr::string> text;
    Owned<Tracked> now;
    Owned<Tracked> dropped;
    thread.begin();
    auto* const local = thread.arena().make<std::pmr::string>(100, 'x');
    thread.keep(*local, text, to);
    now = FrameThread::promote(*thread.arena().make<Tracked>(7), to);
    {
        const FrameCheckpoint checkpoint(thread);
        thread.keep(*thread.arena().make<Tracked>(8), dropped, to);
    }
    const FrameSummary summary = thread.end();
    EXPECT_EQ(summary.promoted, 1U);
    EXPECT_EQ(std::string_view(*text), std::string(100, 'x'));
    EXPECT_EQ(text->get_allocator().resource(), &to) << "its contents moved, too";
    EXPECT_EQ(now->value, 7);
    EXPECT_EQ(dropped, nullptr);
    EXPECT_EQ(Tracked::alive, 1);
    EXPECT_EQ(to.statistics().allocations, 3U);
}

TEST(FramePromises, ThatCannotBeKeptAreCounted)
{
    FrameAllocator frames;
    FrameThread& thread = frames.this_thread();
    Owned<int> number;
    Owned<ThrowsWhenMoved> object;
    Owned<int> last;
    thread.begin();
    thread.keep(*thread.arena().make<int>(1), number, *std::pmr::null_memory_resource());
    thread.keep(*thread.arena().make<ThrowsWhenMoved>(), object, *malloc_resource());
    thread.keep(*thread.arena().make<int>(3), last, *malloc_resource());
    const FrameSummary summary = thread.end();
    EXPECT_EQ(summary.failed, 2U);
    EXPECT_EQ(summary.promoted, 1U);
    EXPECT_EQ(number, nullptr);
    EXPECT_EQ(object, nullptr);
    EXPECT_EQ(*last, 3);
}

TEST(FramePhases, CountWhatIsAllocatedInThem)
{
    FrameAllocator frames;
    const Frame frame(frames);
    {
        const FramePhase update(frame.thread(), "update");
        static_cast<void>(frame.arena().allocate(100, 1));
        for (int i = 0; i < 2; ++i) {
            const FramePhase physics(frame.thread(), "physics");
            static_cast<void>(frame.arena().allocate(50, 1));
        }
    }
    const auto phases = frame.thread().phases();
    ASSERT_EQ(phases.size(), 2U);
    EXPECT_STREQ(phases[0].name, "update");
    EXPECT_GE(phases[0].bytes, 200U + 3 * test::gap());
    EXPECT_EQ(phases[0].allocations, 3U);
    EXPECT_EQ(phases[1].count, 2U);
    EXPECT_LE(phases[1].bytes, phases[0].bytes);
    EXPECT_GE(phases[0].duration, phases[1].duration);
}

TEST(FrameBatches, LieInARow)
{
    FrameAllocator frames;
    const Frame frame(frames);
    void* blocks[100];
    ASSERT_TRUE(frame.arena().try_allocate_batch(40, 32, blocks));
    for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_TRUE(test::is_aligned(blocks[i], 32));
        EXPECT_EQ(static_cast<std::byte*>(blocks[i]) - static_cast<std::byte*>(blocks[0]),
                  static_cast<std::ptrdiff_t>(64 * i));
    }
    EXPECT_EQ(frame.arena().statistics().allocations, 1U);
    EXPECT_FALSE(frame.arena().try_allocate_batch(SIZE_MAX / 4, 16, blocks));
    EXPECT_FALSE(frame.arena().try_allocate_batch(SIZE_MAX - 3, 16, blocks));
}

TEST(FrameMetrics, DescribeTheWindow)
{
    FrameMetrics metrics(4);
    EXPECT_EQ(metrics.report().frames, 0U) << "nothing is divided by zero";
    for (std::uint64_t i = 1; i <= 6; ++i)
        metrics.record({.number = i,
                        .duration = std::chrono::nanoseconds(i * 100),
                        .allocations = i,
                        .bytes = i * 10,
                        .reserved = 100});
    const FrameReport report = metrics.report(); // of 3 to 6
    EXPECT_EQ(report.frames, 4U);
    EXPECT_EQ(report.average.count(), 450);
    EXPECT_EQ(report.median.count(), 500);
    EXPECT_EQ(report.longest.count(), 600);
    EXPECT_EQ(report.allocations, 4.5);
    EXPECT_EQ(report.peak_bytes, 60U);
    EXPECT_DOUBLE_EQ(report.efficiency, 0.45);
    EXPECT_NE(to_json(report).find("\"p99_ns\":600,"), std::string::npos);
}

// Whatever decimal point and separators the program has chosen.
TEST(FrameMetrics, AreJsonInAnyLocale)
{
    class Comma : public std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    const std::locale before = std::locale::global(std::locale(std::locale(), new Comma));
    const std::string json = to_json(FrameReport{.allocations = 4.5, .peak_bytes = 1000000});
    std::locale::global(before);
    EXPECT_NE(json.find(R"("allocations":4.5,"peak_bytes":1000000,)"), std::string::npos) << json;
}

TEST(FrameMetrics, AreOfTheThread)
{
    FrameAllocator frames;
    for (int i = 0; i < 3; ++i) {
        const Frame frame(frames);
        static_cast<void>(frame.arena().allocate(KiB(32)));
    }
    const FrameReport report = frames.this_thread().metrics().report();
    EXPECT_EQ(report.frames, 3U);
    EXPECT_EQ(report.allocations, 1.0);
    EXPECT_GE(report.peak_bytes, KiB(32));
    EXPECT_GT(report.efficiency, 0.0);
}

TEST(FrameSummary, IsTextAndJson)
{
    const FrameSummary frame{.number = 7,
                             .duration = std::chrono::nanoseconds(6),
                             .allocations = 5,
                             .bytes = 4,
                             .reserved = 3,
                             .promoted = 2,
                             .failed = 1};
    std::ostringstream text;
    text << frame;
    EXPECT_EQ(text.str(), "number 7, duration_ns 6, allocations 5, bytes 4, reserved 3, "
                          "promoted 2, failed 1");
    EXPECT_EQ(to_json(frame), R"({"number":7,"duration_ns":6,"allocations":5,"bytes":4,)"
                              R"("reserved":3,"promoted":2,"failed":1})");
}

} // namespace tarn
