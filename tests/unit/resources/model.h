// SPDX-License-Identifier: MIT
//
// Any sequence of calls of a resource against a model: blocks do not overlap, are aligned, keep
// their contents, and the resource counts as the model does. A failure is reduced by RapidCheck,
// which prints its seed first: RC_PARAMS="seed=..." repeats it.
//
//     RC_GTEST_PROP(MyResource, KeepsItsPromises, ())
//     {
//         MyResource resource;
//         run_against_model(resource, *any_steps());
//     }

#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/resource.h>

#include "tests/unit/support/contents.h"

namespace tarn::test {

struct ResourceStep {
    enum class Call : std::uint8_t { allocate, free_any, free_last, reset };

    Call call;
    std::size_t size;
    int alignment;     // exponent of two
    std::size_t which; // of the live blocks, modulo their number
};

inline std::ostream& operator<<(std::ostream& out, const ResourceStep& step)
{
    static constexpr const char* kNames[] = {"allocate", "free_any", "free_last", "reset"};
    return out << kNames[static_cast<std::size_t>(step.call)] << "(size " << step.size
               << ", alignment 2^" << step.alignment << ", block " << step.which << ")";
}

/// Each doubling as likely as any other, from nothing to `most`.
inline rc::Gen<std::size_t> any_size(std::size_t most)
{
    int doublings = 0;
    while ((std::size_t{1} << doublings) <= most)
        ++doublings;
    return rc::gen::mapcat(rc::gen::inRange(0, doublings), [most](int doubling) {
        return rc::gen::inRange(std::size_t{0}, std::min(most, std::size_t{1} << doubling) + 1);
    });
}

/// Sizes up to `most`, alignments from 1 to 64 KiB, small ones mostly.
inline rc::Gen<std::vector<ResourceStep>> any_steps(std::size_t most = 200'000)
{
    using Call = ResourceStep::Call;
    const auto call = rc::gen::weightedElement<Call>(
        {{12, Call::allocate}, {4, Call::free_any}, {4, Call::free_last}, {1, Call::reset}});
    const auto alignment =
        rc::gen::weightedOneOf<int>({{4, rc::gen::inRange(0, 5)}, {1, rc::gen::inRange(0, 17)}});
    return rc::gen::container<std::vector<ResourceStep>>(rc::gen::build<ResourceStep>(
        rc::gen::set(&ResourceStep::call, call), rc::gen::set(&ResourceStep::size, any_size(most)),
        rc::gen::set(&ResourceStep::alignment, alignment), rc::gen::set(&ResourceStep::which)));
}

struct ModelRules {
    /// Takes all blocks back at once; without it, step by step.
    std::function<void()> reset = {};
    bool may_refuse = false;      // a bounded resource
    bool is_stack = false;        // only the last block may be given back
    bool knows_its_blocks = true; // owns() is exact
};

class ResourceModel {
public:
    ResourceModel(Resource& resource, ModelRules rules)
        : resource_(resource), rules_(std::move(rules))
    {}
    ResourceModel(const ResourceModel&) = delete;
    ResourceModel& operator=(const ResourceModel&) = delete;

    void apply(const ResourceStep& step)
    {
        using Call = ResourceStep::Call;
        if (step.call == Call::allocate) allocate(step.size, std::size_t{1} << step.alignment);
        if (step.call == Call::reset) reset();
        if (blocks_.empty()) return;
        if (step.call == Call::free_last || (step.call == Call::free_any && rules_.is_stack))
            free(blocks_.size() - 1);
        else if (step.call == Call::free_any)
            free(step.which % blocks_.size());
    }

    /// Everything still holds what was written; then gives it back, the newest first.
    void finish()
    {
        while (!blocks_.empty())
            free(blocks_.size() - 1);
        RC_ASSERT(resource_.statistics().allocations == allocations_);
    }

private:
    struct Block {
        void* address;
        std::size_t size;
        std::size_t alignment;
        std::uint64_t tag;
    };

    void allocate(std::size_t size, std::size_t alignment)
    {
        void* const address = resource_.try_allocate(size, alignment);
        if (address == nullptr) {
            RC_ASSERT(rules_.may_refuse);
            return;
        }
        ++allocations_;
        RC_ASSERT(is_aligned(address, alignment));
        RC_ASSERT(!rules_.knows_its_blocks || resource_.owns(address));
        const auto begin = reinterpret_cast<std::uintptr_t>(address);
        const std::uintptr_t end = begin + std::max<std::size_t>(size, 1);
        const auto next = ends_.upper_bound(begin); // by end: the first that ends behind begin
        RC_ASSERT(next == ends_.end() || next->second >= end);
        ends_.emplace(end, begin);
        blocks_.push_back({address, size, alignment, ++tag_});
        fill(address, size, tag_);
        RC_ASSERT(resource_.statistics().in_use >= size);
    }

    void free(std::size_t which)
    {
        const auto position = blocks_.begin() + static_cast<std::ptrdiff_t>(which);
        const Block block = *position;
        RC_ASSERT(holds(block.address, block.size, block.tag));
        forget(block);
        blocks_.erase(position);
        resource_.deallocate(block.address, block.size, block.alignment);
    }

    void reset()
    {
        if (!rules_.reset) return;
        for (const Block& block : blocks_) {
            RC_ASSERT(holds(block.address, block.size, block.tag));
            forget(block);
        }
        blocks_.clear();
        rules_.reset();
    }

    void forget(const Block& block)
    {
        ends_.erase(reinterpret_cast<std::uintptr_t>(block.address) +
                    std::max<std::size_t>(block.size, 1));
    }

    Resource& resource_;
    ModelRules rules_;
    std::vector<Block> blocks_;                     // in the order of allocation
    std::map<std::uintptr_t, std::uintptr_t> ends_; // of live blocks: end, begin
    std::uint64_t tag_ = 0;
    std::uint64_t allocations_ = 0;
};

inline void run_against_model(Resource& resource, const std::vector<ResourceStep>& steps,
                              ModelRules rules = {})
{
    ResourceModel model(resource, std::move(rules));
    for (const ResourceStep& step : steps)
        model.apply(step);
    model.finish();
}

} // namespace tarn::test
