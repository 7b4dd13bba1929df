// SPDX-License-Identifier: MIT
#include <vector>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <tarn/testing.h>

namespace tarn {

TEST(Testing, SaysNothingOfWhatIsRight)
{
    TestingResource resource;
    std::pmr::vector<int> numbers(1000, 7, &resource);
    EXPECT_TRUE(resource.owns(numbers.data()));
    numbers = std::pmr::vector<int>(&resource);
    EXPECT_EQ(resource.statistics().allocations, 1U);
}

TEST(Testing, ALeakFailsTheTest)
{
    TestingResource resource;
    static_cast<void>(resource.allocate(24));
    EXPECT_NONFATAL_FAILURE(resource.verify(), "leak of 24 bytes");
    EXPECT_TRUE(resource.verify()) << "given back by now";
}

TEST(Testing, MisuseFailsTheTestWhereTheListenerListens)
{
    MisuseListener listener;
    testing::TestEventListener& events = listener;
    events.OnTestStart(*testing::UnitTest::GetInstance()->current_test_info());
    TestingResource resource;
    void* const block = resource.allocate(8);
    resource.deallocate(block, 8);
    EXPECT_NONFATAL_FAILURE(resource.deallocate(block, 8), "double free in resource 'testing'");
    events.OnTestEnd(*testing::UnitTest::GetInstance()->current_test_info());
}

} // namespace tarn
