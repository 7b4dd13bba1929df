// SPDX-License-Identifier: MIT

#include "tests/unit/resources/model.h"

#include <algorithm>
#include <iterator>
#include <ostream>

#include <rapidcheck.h>

#include "tests/unit/support/contents.h"

namespace tarn::test {

std::ostream& operator<<(std::ostream& out, const ResourceStep& step)
{
    static constexpr const char* kNames[] = {"allocate", "free_any", "free_last", "reset"};
    return out << kNames[static_cast<std::size_t>(step.call)] << "(size " << step.size
               << ", alignment 2^" << step.alignment << ", block " << step.which << ")";
}

rc::Gen<std::size_t> any_size(std::size_t most)
{
    int doublings = 0;
    while ((std::size_t{1} << doublings) <= most)
        ++doublings;
    return rc::gen::mapcat(rc::gen::inRange(0, doublings), [most](int doubling) {
        return rc::gen::inRange(std::size_t{0}, std::min(most, std::size_t{1} << doubling) + 1);
    });
}

rc::Gen<ResourceSteps> any_steps(std::size_t most)
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

void ResourceModel::apply(const ResourceStep& step)
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

void ResourceModel::finish()
{
    while (!blocks_.empty())
        free(blocks_.size() - 1);
    RC_ASSERT(resource_.statistics().allocations == allocations_);
}

void ResourceModel::allocate(std::size_t size, std::size_t alignment)
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
    // RapidCheck's || looks at both sides.
    const bool is_apart = next == ends_.end() || next->second >= end;
    RC_ASSERT(is_apart);
    ends_.emplace(end, begin);
    blocks_.push_back({address, size, alignment, ++tag_});
    fill(address, size, tag_);
    RC_ASSERT(resource_.statistics().in_use >= size);
}

void ResourceModel::free(std::size_t which)
{
    const auto position = blocks_.begin() + static_cast<std::ptrdiff_t>(which);
    const Block block = *position;
    RC_ASSERT(holds(block.address, block.size, block.tag));
    forget(block);
    blocks_.erase(position);
    resource_.deallocate(block.address, block.size, block.alignment);
}

void ResourceModel::reset()
{
    if (!rules_.reset) return;
    for (const Block& block : blocks_) {
        RC_ASSERT(holds(block.address, block.size, block.tag));
        forget(block);
    }
    blocks_.clear();
    rules_.reset();
}

void ResourceModel::forget(const Block& block)
{
    ends_.erase(reinterpret_cast<std::uintptr_t>(block.address) +
                std::max<std::size_t>(block.size, 1));
}

void run_against_model(Resource& resource, const ResourceSteps& steps, ModelRules rules)
{
    ResourceModel model(resource, std::move(rules));
    for (const ResourceStep& step : steps)
        model.apply(step);
    model.finish();
    for (const std::size_t no_power_of_two : {0U, 3U, 24U})
        RC_ASSERT_FALSE(static_cast<bool>(resource.try_allocate(16, no_power_of_two)));
}

} // namespace tarn::test
