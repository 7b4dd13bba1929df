// SPDX-License-Identifier: MIT

#include "src/base/text.h"

#include <string>

#include <gtest/gtest.h>

namespace tarn {

namespace {

TEST(Slice, AgreesWithSubstrWhereThatIsDefined)
{
    const std::string text = "abcdef";
    for (std::size_t from = 0; from <= text.size(); ++from) {
        EXPECT_EQ(slice(text, from), text.substr(from));
        for (std::size_t count = 0; count <= text.size() + 2; ++count)
            EXPECT_EQ(slice(text, from, count), text.substr(from, count));
    }
}

TEST(Slice, IsEmptyBehindTheEnd)
{
    EXPECT_EQ(slice("abc", 4), "");
    EXPECT_EQ(slice("abc", std::string_view::npos), "");
    EXPECT_EQ(slice("abc", std::string_view::npos, std::string_view::npos), "");
    EXPECT_EQ(slice("", 0, 5), "");
}

} // namespace

} // namespace tarn
