// SPDX-License-Identifier: MIT
//
// For tests with GoogleTest: memory whose leak or misuse fails the test.

#pragma once

#include <cstddef>
#include <memory_resource>

#include <gtest/gtest.h>

#include <tarn/debug_resource.h>
#include <tarn/misuse.h>

namespace tarn {

/// A DebugResource whose leaks fail the test at its end. Misuse is reported as ever: with a
/// MisuseListener, it fails the test, too. Thread safety: any thread at any time.
class TestingResource final : public Resource {
public:
    explicit TestingResource(std::pmr::memory_resource* upstream = nullptr)
        : Resource("testing"), debug_({.name = "testing", .report_leaks = false}, upstream)
    {}
    ~TestingResource() override { verify(); }

    /// Fails the test for each block in use; they are given back then. Returns whether there was
    /// none.
    bool verify()
    {
        const auto leaks = debug_.leaks();
        for (const auto& leak : leaks)
            ADD_FAILURE() << "leak of " << leak.bytes << " bytes at " << leak.address;
        debug_.release();
        return leaks.empty();
    }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return debug_.try_allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        debug_.deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override { return debug_.owns(address); }
    std::pmr::memory_resource* do_upstream() const noexcept override { return debug_.upstream(); }
    ResourceStatistics do_statistics() const override { return debug_.statistics(); }

private:
    DebugResource debug_;
};

/// Makes each misuse of any resource a failure of the test that runs; the call that is misuse does
/// nothing.
///
///     testing::UnitTest::GetInstance()->listeners().Append(new tarn::MisuseListener);
class MisuseListener final : public testing::EmptyTestEventListener {
public:
    void OnTestStart(const testing::TestInfo& /*test*/) override
    {
        before_ = set_misuse_handler(&fail);
    }
    void OnTestEnd(const testing::TestInfo& /*test*/) override { set_misuse_handler(before_); }

private:
    static void fail(const MisuseReport& report)
    {
        ADD_FAILURE() << name_of(report.kind) << " in resource '" << report.resource
                      << "': address " << report.address << ", size " << report.size
                      << ", expected " << report.expected;
    }

    MisuseHandler before_ = nullptr;
};

} // namespace tarn
