// SPDX-License-Identifier: MIT

#include "src/heap/deferred.h"

#include <string>

#include <gtest/gtest.h>

#include "src/heap/slow_path.h"

namespace tarn {

namespace {

std::string done;

void first()
{
    done += "1";
}

void second()
{
    done += "2";
}

void again()
{
    done += "a";
    if (done.size() < 3) defer_until_outside(again);
}

class Deferred : public testing::Test {
protected:
    void SetUp() override { done.clear(); }
};

TEST_F(Deferred, IsDoneOnce)
{
    defer_until_outside(first);
    defer_until_outside(first);
    EXPECT_EQ(done, "");
    run_deferred();
    EXPECT_EQ(done, "1");
    run_deferred();
    EXPECT_EQ(done, "1");
}

TEST_F(Deferred, DoesNotTakeThePlaceOfAnother)
{
    defer_until_outside(first);
    defer_until_outside(second);
    run_deferred();
    EXPECT_EQ(done, "12");
}

TEST_F(Deferred, MayBeDeferredByItself)
{
    defer_until_outside(again);
    run_deferred();
    EXPECT_EQ(done, "a");
    run_deferred();
    run_deferred();
    run_deferred();
    EXPECT_EQ(done, "aaa");
}

TEST_F(Deferred, IsDoneWhenASlowPathIsLeft)
{
    run_undisturbed([] {
        defer_until_outside(first);
        EXPECT_EQ(done, "");
    });
    EXPECT_EQ(done, "1");
}

} // namespace

} // namespace tarn
