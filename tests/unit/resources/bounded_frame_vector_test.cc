// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/bounded_frame_vector.h>
#include <tarn/frame_allocator.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/gap.h"

namespace tarn {

namespace {

constexpr const char* kLong = "a text that is longer than what lies in a string itself";

} // namespace

RC_GTEST_PROP(BoundedFrameVectorProperty, IsAVectorUpToItsCapacity,
              (const std::vector<std::uint8_t>& steps))
{
    test::Counted upstream;
    FrameAllocator frames({}, &upstream);
    const Frame frame(frames);
    const std::size_t capacity = *rc::gen::inRange<std::size_t>(0, 20);
    BoundedFrameVector<std::string> vector(frame.arena(), capacity);
    const std::string* const data = vector.data();
    std::vector<std::string> model;
    for (const std::uint8_t step : steps) {
        if (step == 255) {
            vector.clear();
            model.clear();
        } else if (step % 4 == 0 && !model.empty()) {
            vector.pop_back();
            model.pop_back();
        } else {
            const bool has_room = model.size() < capacity;
            std::string text = kLong + std::to_string(step);
            if (has_room) model.push_back(text);
            RC_ASSERT((vector.try_push_back(text) != nullptr) == has_room);
        }
        RC_ASSERT(std::equal(vector.begin(), vector.end(), model.begin(), model.end()));
        RC_ASSERT(vector.is_full() == (model.size() == capacity));
    }
    RC_ASSERT(vector.data() == data);
}

TEST(BoundedFrameVector, TakesItsRoomAtOnceAndNoMore)
{
    FrameAllocator frames;
    const Frame frame(frames);
    const std::size_t before = frame.arena().statistics().in_use;
    BoundedFrameVector<std::uint64_t> vector(frame.arena(), 100);
    EXPECT_EQ(frame.arena().statistics().in_use, before + 800 + test::gap());
    for (std::uint64_t i = 0; i < 100; ++i)
        EXPECT_EQ(vector.push_back(i), i);
    EXPECT_EQ(frame.arena().statistics().in_use, before + 800 + test::gap());
    EXPECT_EQ(vector[99], 99U);
    EXPECT_EQ(vector.back(), 99U);
}

TEST(BoundedFrameVector, RefusesMoreThanItsCapacity)
{
    FrameAllocator frames;
    const Frame frame(frames);
    BoundedFrameVector<std::unique_ptr<int>> vector(frame.arena(), 1);
    vector.push_back(std::make_unique<int>(1));
    auto value = std::make_unique<int>(2);
    EXPECT_EQ(vector.try_push_back(std::move(value)), nullptr);
    EXPECT_THROW(vector.push_back(std::move(value)), std::bad_alloc);
    EXPECT_NE(value, nullptr) << "the value is as it was"; // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(vector.size(), 1U);
    EXPECT_EQ(*vector[0], 1);

    BoundedFrameVector<int> none(frame.arena(), 0);
    EXPECT_EQ(none.try_push_back(1), nullptr);
    EXPECT_THROW(BoundedFrameVector<int>(frame.arena(), SIZE_MAX / 2), std::bad_alloc);
}

TEST(BoundedFrameVector, HoldsWhatCannotMove)
{
    FrameAllocator frames;
    const Frame frame(frames);
    BoundedFrameVector<std::atomic<int>> vector(frame.arena(), 2);
    std::atomic<int>& first = vector.emplace_back(1);
    vector.emplace_back(2);
    EXPECT_EQ(&first, vector.data());
    EXPECT_EQ(first, 1);
}

TEST(BoundedFrameVector, ItsObjectsAllocateWhereItDoes)
{
    FrameAllocator frames;
    const Frame frame(frames);
    BoundedFrameVector<std::pmr::string> vector(frame.arena(), 1);
    vector.push_back(kLong);
    EXPECT_TRUE(frame.arena().owns(vector[0].data()));
}

TEST(BoundedFrameVector, RunsDestructorsOnceTheLastFirst)
{
    static std::vector<int> ended;
    ended.clear();
    struct Ends {
        explicit Ends(int new_number) : number(new_number) {}
        Ends(const Ends&) = delete;
        Ends& operator=(const Ends&) = delete;
        ~Ends() { ended.push_back(number); }

        int number;
    };
    test::Counted upstream;
    {
        BoundedFrameVector<Ends> vector(upstream, 3);
        for (int i = 0; i < 3; ++i)
            vector.emplace_back(i);
        vector.pop_back();
        BoundedFrameVector<Ends> other(std::move(vector));
        EXPECT_EQ(vector.capacity(), 0U); // NOLINT(bugprone-use-after-move)
        EXPECT_EQ(other.size(), 2U);
        EXPECT_EQ(ended, std::vector<int>{2});
    }
    EXPECT_EQ(ended, (std::vector<int>{2, 1, 0}));
}

TEST(BoundedFrameVector, AnObjectWhoseConstructorThrowsIsNotThere)
{
    struct Throws {
        explicit Throws(bool throws)
        {
            if (throws) throw std::runtime_error("as asked");
        }
    };
    FrameAllocator frames;
    const Frame frame(frames);
    BoundedFrameVector<Throws> vector(frame.arena(), 2);
    vector.emplace_back(false);
    EXPECT_THROW(vector.emplace_back(true), std::runtime_error);
    EXPECT_EQ(vector.size(), 1U);
    EXPECT_NE(vector.try_emplace_back(false), nullptr);
}

} // namespace tarn
