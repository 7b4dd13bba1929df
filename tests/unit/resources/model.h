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
#include <iosfwd>
#include <map>
#include <utility>
#include <vector>

#include <rapidcheck/Gen.h>

#include <tarn/resource.h>

namespace tarn::test {

struct ResourceStep {
    enum class Call : std::uint8_t { allocate, free_any, free_last, reset };

    Call call;
    std::size_t size;
    int alignment;     // exponent of two
    std::size_t which; // of the live blocks, modulo their number
};

std::ostream& operator<<(std::ostream& out, const ResourceStep& step);

using ResourceSteps = std::vector<ResourceStep>;

/// Each doubling as likely as any other, from nothing to `most`.
rc::Gen<std::size_t> any_size(std::size_t most);

/// Sizes up to `most`, alignments from 1 to 64 KiB, small ones mostly.
rc::Gen<ResourceSteps> any_steps(std::size_t most = 200'000);

struct ModelRules {
    /// Takes all blocks back at once; without it, step by step.
    std::function<void()> reset = {};
    bool may_refuse = false;      // a bounded resource
    bool is_stack = false;        // only the last block may be given back
    bool knows_its_blocks = true; // owns() is exact
};

/// Blocks that a resource has handed out, and what must be true of them.
class ResourceModel {
public:
    ResourceModel(Resource& resource, ModelRules rules)
        : resource_(resource), rules_(std::move(rules))
    {}
    ResourceModel(const ResourceModel&) = delete;
    ResourceModel& operator=(const ResourceModel&) = delete;

    void apply(const ResourceStep& step);
    /// Everything still holds what was written; then gives it back, the newest first.
    void finish();

private:
    struct Block {
        void* address;
        std::size_t size;
        std::size_t alignment;
        std::uint64_t tag;
    };

    void allocate(std::size_t size, std::size_t alignment);
    void free(std::size_t which);
    void reset();
    void forget(const Block& block);

    Resource& resource_;
    ModelRules rules_;
    std::vector<Block> blocks_;                     // in the order of allocation
    std::map<std::uintptr_t, std::uintptr_t> ends_; // of live blocks: end, begin
    std::uint64_t tag_ = 0;
    std::uint64_t allocations_ = 0;
};

void run_against_model(Resource& resource, const ResourceSteps& steps, ModelRules rules = {});

} // namespace tarn::test
