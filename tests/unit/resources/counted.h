// SPDX-License-Identifier: MIT
//
// An upstream that knows what it gave out.

#pragma once

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include <tarn/resource.h>

namespace tarn::test {

/// Malloc, with counts. Its end fails the test if something was not given back.
class Counted final : public Resource {
public:
    Counted() : Resource("counted") {}
    ~Counted() override { EXPECT_EQ(statistics_.in_use, 0U) << "not given back"; }

    std::vector<std::size_t> sizes; // of all requests

private:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        sizes.push_back(bytes);
        ++statistics_.allocations;
        statistics_.in_use += bytes;
        return malloc_resource()->try_allocate(bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        ++statistics_.deallocations;
        statistics_.in_use -= bytes;
        malloc_resource()->deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* /*address*/) const noexcept override { return false; }
    ResourceStatistics do_statistics() const override { return statistics_; }

    ResourceStatistics statistics_;
};

} // namespace tarn::test
