// SPDX-License-Identifier: MIT
//
// An observer hears of every block. It must be there before the first allocation, so this test has
// a configure_heap() of its own.

#include "src/heap/observed.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "src/heap/slow_path.h"
#include "src/heap/verify.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/heap.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

using test::CoreCalls;

struct Event {
    char kind; // 'a', 'f', 'r' or 't'
    std::uint64_t size = 0;
    std::uint32_t trace = 0;
    std::uint64_t born = 0;
    std::uint64_t room = 0; // of 'r': bytes copied

    friend bool operator==(const Event&, const Event&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Event& event)
    {
        return out << event.kind << " " << event.size << " trace " << event.trace << " born "
                   << event.born << " room " << event.room;
    }
};

Event as_event(const BlockNote& note, char kind)
{
    return {
        .kind = kind, .size = note.size, .trace = note.trace, .born = note.born, .room = note.room};
}

/// Takes more than 32 bits.
constexpr std::uint64_t kBirth = 0x1234567800000000;

// The test's own memory comes from libc, so that the observer may ask for some.
std::mutex events_mutex;
std::vector<Event> events;
std::uint32_t traces = 0;

BlockOrigin record_allocated(std::size_t size, std::size_t room, std::uint32_t)
{
    const std::lock_guard guard(events_mutex);
    ++traces;
    const BlockNote note{.trace = traces, .born = kBirth + traces, .size = size, .room = room};
    events.push_back(as_event(note, 'a'));
    return {.born = note.born, .trace = note.trace};
}

void record_freed(const BlockNote& note)
{
    const std::lock_guard guard(events_mutex);
    events.push_back(as_event(note, 'f'));
}

void record_resized(const BlockNote& note, std::size_t copied)
{
    const std::lock_guard guard(events_mutex);
    events.push_back({.kind = 'r', .size = note.size, .trace = note.trace, .room = copied});
}

void record_leaving()
{
    const std::lock_guard guard(events_mutex);
    events.push_back({.kind = 't'});
}

constexpr Observer kRecorder{.allocated = record_allocated,
                             .freed = record_freed,
                             .resized = record_resized,
                             .thread_leaves = record_leaving};

std::vector<Event> take_events()
{
    const std::lock_guard guard(events_mutex);
    return std::exchange(events, {});
}

/// What was told of `block`, which is for `size` bytes, and nothing else.
void expect_told(const void* block, std::size_t size)
{
    const BlockNote note = note_of(block);
    EXPECT_EQ(note.size, size);
    EXPECT_GE(note.room, size);
    EXPECT_GT(CoreCalls::usable_size(block), size);
    EXPECT_NE(note.trace, 0U);
    EXPECT_EQ(take_events(), std::vector<Event>{as_event(note, 'a')});
}

void expect_freed(void* block)
{
    const BlockNote note = note_of(block);
    CoreCalls::deallocate(block);
    EXPECT_EQ(take_events(), std::vector<Event>{as_event(note, 'f')});
}

bool bins_are_empty()
{
    return std::ranges::all_of(this_thread_cache().bins,
                               [](const Bin& bin) { return bin.head == nullptr; });
}

class Observed : public testing::Test {
protected:
    void SetUp() override
    {
        test::own_heap();
        take_events();
    }
    void TearDown() override
    {
        EXPECT_TRUE(bins_are_empty()) << "a fast path would tell nobody";
        verify_heap();
    }
};

TEST_F(Observed, ToldOfEachBlockOnce)
{
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{100}, KiB(2), KiB(5),
          KiB(40), KiB(1000), MiB(1), MiB(1) + 1, MiB(3)}) {
        SCOPED_TRACE(size);
        for (int i = 0; i < 3; ++i) { // the second and third from a bin
            void* const block = CoreCalls::allocate(size);
            expect_told(block, size);
            void* const zeroed = CoreCalls::allocate_zeroed(size);
            expect_told(zeroed, size);
            EXPECT_TRUE(bins_are_empty());
            expect_freed(zeroed);
            expect_freed(block);
        }
    }
}

TEST_F(Observed, ToldTheSizeThatWasAskedForAndNotWhatAnAlignmentTakes)
{
    for (const std::size_t alignment : {std::size_t{32}, std::size_t{256}, KiB(4), MiB(4)}) {
        for (const std::size_t size : {std::size_t{24}, KiB(3), MiB(2)}) {
            SCOPED_TRACE(testing::Message() << size << " at " << alignment);
            void* const block = CoreCalls::allocate_aligned(size, alignment);
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0U);
            expect_told(block, size);
            expect_freed(block);
        }
    }
}

void expect_full(void* block, std::size_t size)
{
    EXPECT_GT(CoreCalls::usable_size(block), size) << "its end is the next block's start";
    EXPECT_EQ(note_of(block).room, size) << "that is what it takes without an observer";
    CoreCalls::deallocate(block);
}

TEST_F(Observed, NeverFillsABlockAndToldTheRoomThatWouldHaveBeenFilled)
{
    for (const std::size_t size :
         {std::size_t{32}, std::size_t{128}, KiB(1), KiB(4), KiB(64), MiB(1), MiB(2)}) {
        SCOPED_TRACE(size);
        expect_full(CoreCalls::allocate(size), size);
        expect_full(CoreCalls::allocate_zeroed(size), size);
        expect_full(CoreCalls::allocate_aligned(size, size), size);
        expect_full(CoreCalls::reallocate(CoreCalls::allocate(size / 4), size), size);
        expect_full(CoreCalls::reallocate(CoreCalls::allocate(size - 1), size), size);
        expect_full(CoreCalls::reallocate(CoreCalls::allocate(size * 4), size), size);
    }
}

TEST_F(Observed, ToldOfNoCopyThatOnlyTheGapNeeds)
{
    void* const block = CoreCalls::allocate(100);
    void* const full = CoreCalls::reallocate(block, 112);
    EXPECT_EQ(take_events().back().room, 0U);
    void* const more = CoreCalls::reallocate(full, 113);
    EXPECT_EQ(take_events().back().room, 112U);
    CoreCalls::deallocate(more);
}

TEST_F(Observed, KeepsTheErrorOfASizeThatCannotBe)
{
    EXPECT_EQ(CoreCalls::allocate(std::numeric_limits<std::size_t>::max()), nullptr);
    EXPECT_EQ(CoreCalls::allocate_zeroed(std::numeric_limits<std::size_t>::max()), nullptr);
    EXPECT_EQ(CoreCalls::allocate_aligned(std::numeric_limits<std::size_t>::max(), 64), nullptr);
    void* const block = CoreCalls::allocate(MiB(2));
    EXPECT_EQ(CoreCalls::reallocate(block, std::numeric_limits<std::size_t>::max()), nullptr);
    CoreCalls::deallocate(block);
}

TEST_F(Observed, NotToldOfAFreedNull)
{
    CoreCalls::deallocate(nullptr);
    EXPECT_EQ(take_events(), std::vector<Event>{});
}

TEST_F(Observed, TakesAResizeForAFreeAndAnAllocation)
{
    struct Resize {
        std::size_t before, after;
        std::size_t copied = 0;
    };
    // Into the mmap back end large blocks are copied once, and from then on their pages move.
    for (const Resize& resize : std::initializer_list<Resize>{{100, 110},
                                                              {100, 90},
                                                              {100, 1000, 112},
                                                              {1000, 20, 20},
                                                              {KiB(500), MiB(2), KiB(512)},
                                                              {MiB(2), MiB(2) + 100},
                                                              {MiB(2), MiB(9)},
                                                              {MiB(9), MiB(3)},
                                                              {MiB(2), 100, 100}}) {
        SCOPED_TRACE(testing::Message() << resize.before << " to " << resize.after);
        void* const block = CoreCalls::allocate(resize.before);
        take_events();
        const BlockNote before = note_of(block);
        void* const resized = CoreCalls::reallocate(block, resize.after);
        ASSERT_NE(resized, nullptr);
        const BlockNote after = note_of(resized);
        EXPECT_EQ(after.size, resize.after);
        const std::vector<Event> told = take_events();
        ASSERT_EQ(told.size(), 3U);
        EXPECT_EQ(std::ranges::count(told, as_event(before, 'f')), 1);
        EXPECT_EQ(std::ranges::count(told, as_event(after, 'a')), 1);
        const Event resizing{
            .kind = 'r', .size = after.size, .trace = after.trace, .room = resize.copied};
        EXPECT_EQ(told.back(), resizing) << "when all is told of both";
        expect_freed(resized);
    }
}

TEST_F(Observed, ToldTheSizeAskedForWhenABlockGetsRoomToGrow)
{
    void* const block = CoreCalls::allocate(5000);
    void* const grown = CoreCalls::reallocate(block, 6000);
    EXPECT_EQ(note_of(grown).size, 6000U);
    CoreCalls::deallocate(grown);
}

TEST_F(Observed, ToldOfWhatAnotherThreadFrees)
{
    std::vector<BlockNote> notes;
    test::Blocks blocks(300, 200); // more than a batch takes
    void* const large = CoreCalls::allocate(MiB(2));
    for (void* const block : blocks)
        notes.push_back(note_of(block));
    notes.push_back(note_of(large));
    take_events();
    test::in_thread([&] {
        blocks.free_all();
        CoreCalls::deallocate(large);
    });
    std::vector<Event> expected;
    for (const BlockNote& note : notes)
        expected.push_back(as_event(note, 'f'));
    std::vector<Event> told = take_events();
    std::erase(told, Event{.kind = 't'});
    EXPECT_EQ(told, expected);
}

TEST_F(Observed, ToldOfThreadsThatEnd)
{
    test::in_thread([] { CoreCalls::deallocate(CoreCalls::allocate(50)); });
    const std::vector<Event> told = take_events();
    EXPECT_EQ(std::ranges::count(told, 't', &Event::kind), 1);
}

TEST_F(Observed, ToldNothingOfWhatThereIsNoMemoryFor)
{
    const auto impossible = SIZE_MAX / 2;
    EXPECT_EQ(CoreCalls::allocate(impossible), nullptr);
    EXPECT_EQ(CoreCalls::allocate_zeroed(impossible), nullptr);
    EXPECT_EQ(CoreCalls::allocate_aligned(impossible, 64), nullptr);
    EXPECT_EQ(take_events(), std::vector<Event>{});

    for (const std::size_t size : {std::size_t{100}, MiB(2)}) {
        void* const block = CoreCalls::allocate(size);
        const BlockNote before = note_of(block);
        take_events();
        EXPECT_EQ(CoreCalls::reallocate(block, impossible), nullptr);
        EXPECT_EQ(take_events(), std::vector<Event>{});
        EXPECT_EQ(as_event(note_of(block), 'a'), as_event(before, 'a')) << "as it was";
        expect_freed(block);
    }
}

TEST_F(Observed, RemembersThatABlockIsIgnored)
{
    for (const std::size_t size : {std::size_t{100}, MiB(2)}) {
        void* const block = CoreCalls::allocate(size);
        const BlockNote before = note_of(block);
        EXPECT_TRUE(ignore_block(block));
        EXPECT_EQ(note_of(block).trace, before.trace | kIgnored);
        EXPECT_EQ(note_of(block).born, before.born);
        EXPECT_EQ(note_of(block).size, size);
        take_events();
        expect_freed(block);
    }
}

TEST_F(Observed, RemembersNothingOfWhatIsFree)
{
    void* const block = CoreCalls::allocate(100);
    void* const large = CoreCalls::allocate(MiB(2));
    CoreCalls::deallocate(block);
    CoreCalls::deallocate(large);
    for (const void* const gone : {block, large}) {
        EXPECT_EQ(note_of(gone).trace, 0U);
        EXPECT_FALSE(ignore_block(gone));
    }
}

TEST_F(Observed, TellsWithoutALinkInTheBlock)
{
    test::Blocks blocks(20, 64);
    blocks.free_all();
    void* const block = CoreCalls::allocate(64);
    EXPECT_EQ(*static_cast<void**>(block), nullptr) << "would look like a pointer of the program's";
    CoreCalls::deallocate(block);
}

TEST_F(Observed, KeepsNotesOfManyBlocksApart)
{
    std::vector<void*> blocks;
    std::vector<std::uint32_t> expected;
    for (std::size_t i = 0; i < 20000; ++i) {
        blocks.push_back(CoreCalls::allocate(16 + i % 3000));
        expected.push_back(traces);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        ASSERT_EQ(note_of(blocks[i]).trace, expected[i]);
        ASSERT_EQ(note_of(blocks[i]).size, 16 + i % 3000);
    }
    for (void* const block : blocks)
        CoreCalls::deallocate(block);
    std::uint64_t balance = 0;
    for (const Event& event : take_events())
        balance += event.kind == 'a' ? event.size : -event.size;
    EXPECT_EQ(balance, 0U);
}

TEST_F(Observed, MemoryOfTheNotesIsListed)
{
    std::array<MemoryRange, 2> ranges{};
    ASSERT_EQ(list_note_memory(ranges), 2U);
    EXPECT_LT(ranges[0].start, ranges[0].end);
    EXPECT_EQ(list_note_memory({}), 0U);
}

} // namespace

/// In place of the weak one.
void configure_heap()
{
    settings.observer = &kRecorder;
}

} // namespace tarn
