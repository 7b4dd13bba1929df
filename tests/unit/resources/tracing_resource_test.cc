// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/arena_resource.h>
#include <tarn/tracing_resource.h>

#include "tests/unit/resources/counted.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/threads.h"

static thread_local std::vector<std::string> tags;

// As the preload has them.
extern "C" int tarn_tag_push(const char* name)
{
    tags.emplace_back(name);
    return 0;
}
extern "C" int tarn_tag_pop(void)
{
    tags.pop_back();
    return 0;
}

namespace tarn {

namespace {

// The tags that each request has.
class Tagged final : public std::pmr::memory_resource {
public:
    std::vector<std::vector<std::string>> requests;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        requests.push_back(tags);
        return malloc_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        EXPECT_TRUE(tags.empty());
        malloc_resource()->deallocate(block, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override
    {
        return this == &other;
    }
};

using Requests = std::vector<std::vector<std::string>>;

} // namespace

RC_GTEST_PROP(TracingProperty, BlocksAreApartAndKeepTheirContents, ())
{
    test::Counted upstream;
    TracingResource tracing("traced", &upstream);
    test::run_against_model(tracing, *test::any_steps(), {.knows_its_blocks = false});
    RC_ASSERT(tags.empty());
}

TEST(Tracing, AllocationsHaveItsTagAndNothingElseHas)
{
    Tagged upstream;
    TracingResource render("render", &upstream);
    TracingResource textures("textures", &render);
    void* const one = render.allocate(10);
    EXPECT_TRUE(tags.empty());
    void* const other = textures.allocate(10);
    EXPECT_EQ(upstream.requests, (Requests{{"render"}, {"textures", "render"}}));
    render.deallocate(one, 10);
    textures.deallocate(other, 10);
    EXPECT_EQ(render.statistics().allocations, 2U);
    EXPECT_EQ(render.in_use(), 0U);
}

TEST(Tracing, ARefusalTakesTheTagBack)
{
    TracingResource tracing("traced", std::pmr::null_memory_resource());
    EXPECT_EQ(tracing.try_allocate(10), nullptr);
    EXPECT_TRUE(tags.empty());
    EXPECT_EQ(tracing.statistics().failures, 1U);
}

TEST(Tracing, BelowAnArenaItTagsTheChunks)
{
    Tagged upstream;
    TracingResource tracing("names", &upstream);
    ArenaResource arena({}, &tracing);
    for (int i = 0; i < 10; ++i)
        static_cast<void>(arena.allocate(16));
    EXPECT_EQ(upstream.requests, (Requests{{"names"}}));
}

TEST(Tracing, ServesThreads)
{
    TracingResource tracing("traced");
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 1000; ++i)
            tracing.deallocate(tracing.allocate(64), 64);
        EXPECT_TRUE(tags.empty());
    });
    EXPECT_EQ(tracing.statistics().deallocations, 4000U);
}

} // namespace tarn
