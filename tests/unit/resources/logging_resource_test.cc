// SPDX-License-Identifier: MIT
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/logging_resource.h>

namespace tarn {

TEST(Logging, TellsEachCall)
{
    std::vector<LogRecord> records;
    LoggingResource resource([&](const LogRecord& record) { records.push_back(record); });
    void* const block = resource.allocate(100, 64);
    resource.deallocate(block, 100, 64);
    EXPECT_EQ(resource.try_allocate(SIZE_MAX), nullptr);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].call, LogRecord::Call::allocate);
    EXPECT_EQ(records[0].address, block);
    EXPECT_EQ(records[0].bytes, 100U);
    EXPECT_EQ(records[0].alignment, 64U);
    EXPECT_EQ(records[1].call, LogRecord::Call::deallocate);
    EXPECT_EQ(records[2].call, LogRecord::Call::refuse);
    EXPECT_EQ(records[2].address, nullptr);
}

TEST(Logging, WritesLines)
{
    std::ostringstream out;
    LoggingResource resource(out, nullptr, "requests");
    static_cast<void>(resource.try_allocate(SIZE_MAX / 2, 8));
    EXPECT_EQ(out.str(), "requests: refuse 9223372036854775807 bytes, alignment 8\n");
    void* const block = resource.allocate(24, 8);
    EXPECT_NE(out.str().find("requests: allocate 24 bytes, alignment 8: 0x"), std::string::npos);
    resource.deallocate(block, 24, 8);
}

} // namespace tarn
