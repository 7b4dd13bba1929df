// SPDX-License-Identifier: MIT
#include <limits>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/misuse.h>
#include <tarn/resource.h>

#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

namespace {

/// Refuses everything, and knows what it was asked for.
class Refusing final : public Resource {
public:
    Refusing() : Resource("refusing") {}
    std::size_t asked = 0;

private:
    void* do_try_allocate(std::size_t bytes, std::size_t /*alignment*/) noexcept override
    {
        asked = bytes;
        return nullptr;
    }
    void do_deallocate(void* /*block*/, std::size_t /*bytes*/, std::size_t /*a*/) override {}
    bool do_owns(const void* /*address*/) const noexcept override { return false; }
    ResourceStatistics do_statistics() const override { return {.failures = 7}; }
};

} // namespace

TEST(Resource, ThrowsWhereTryAllocateReturnsNull)
{
    Refusing resource;
    EXPECT_EQ(resource.try_allocate(8), nullptr);
    EXPECT_THROW(static_cast<void>(resource.allocate(8)), std::bad_alloc);
}

TEST(Resource, CountsZeroBytesAsOne)
{
    Refusing resource;
    EXPECT_EQ(resource.try_allocate(0), nullptr);
    EXPECT_EQ(resource.asked, 1U);
    resource.asked = 0;
    EXPECT_THROW(static_cast<void>(resource.allocate(0)), std::bad_alloc);
    EXPECT_EQ(resource.asked, 1U);
}

TEST(Resource, EqualsItselfOnly)
{
    Refusing one;
    Refusing other;
    EXPECT_TRUE(one.is_equal(one));
    EXPECT_FALSE(one.is_equal(other));
}

TEST(ResourceStatistics, AreWrittenAsTextAndAsJson)
{
    const ResourceStatistics statistics = {.allocations = 3, .in_use = 40, .wasted = 5};
    std::ostringstream text;
    text << statistics;
    EXPECT_EQ(text.str(), "allocations 3, deallocations 0, failures 0, in_use 40, peak_in_use 0, "
                          "reserved 0, peak_reserved 0, wasted 5");
    EXPECT_EQ(to_json(statistics),
              R"({"allocations":3,"deallocations":0,"failures":0,"in_use":40,"peak_in_use":0,)"
              R"("reserved":0,"peak_reserved":0,"wasted":5})");
}

TEST(MallocResource, AlignsAsAsked)
{
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        void* const block = malloc_resource()->try_allocate(3, alignment);
        ASSERT_NE(block, nullptr);
        EXPECT_TRUE(test::is_aligned(block, alignment));
        malloc_resource()->deallocate(block, 3, alignment);
    }
}

TEST(MallocResource, RefusesWhatCannotBe)
{
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(malloc_resource()->try_allocate(kMost), nullptr);
    EXPECT_EQ(malloc_resource()->try_allocate(kMost - 4, 4096), nullptr);
    EXPECT_EQ(malloc_resource()->try_allocate(8, 24), nullptr);
    EXPECT_EQ(malloc_resource()->try_allocate(8, 0), nullptr);
}

TEST(MallocResource, ServesContainers)
{
    std::pmr::vector<std::pmr::string> texts(malloc_resource());
    texts.emplace_back(100, 'x');
    EXPECT_EQ(texts.front().get_allocator().resource(), malloc_resource());
}

TEST(Upstream, AsksForeignResourcesWithoutLettingTheirExceptionsThrough)
{
    detail::Upstream null(std::pmr::null_memory_resource());
    EXPECT_EQ(null.try_allocate(8, 8), nullptr);
    EXPECT_EQ(detail::Upstream(nullptr).resource(), malloc_resource());
}

TEST(Misuse, GoesToTheHandler)
{
    const test::ThrowingMisuseHandler handler;
    EXPECT_EQ(handler.of([] { report_misuse({Misuse::leak, "arena", nullptr}); }), Misuse::leak);
}

TEST(MisuseDeathTest, PrintsOneLineAndAbortsByDefault)
{
    EXPECT_DEATH(report_misuse({Misuse::wrong_size, "pool", nullptr, 32, 64}),
                 "tarn: wrong size in resource 'pool': address 0x0, size 32, expected 64\n");
}

} // namespace tarn
