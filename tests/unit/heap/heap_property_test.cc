// SPDX-License-Identifier: MIT
//
// Any sequence of calls, checked against a model: blocks do not overlap, keep their contents, are
// aligned, as large as asked, zero where zero was asked for, and the heap's own books agree with
// itself after every step. A failure is reduced by RapidCheck, which prints its seed first:
// RC_PARAMS="seed=..." repeats it.

#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "src/checks/checked_heap.h"
#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"
#include "src/heap/large.h"
#include "src/heap/live_blocks.h"
#include "src/heap/resize.h"
#include "src/heap/settings.h"
#include "src/heap/verify.h"
#include "tests/unit/support/contents.h"
#include "tests/unit/support/core_calls.h"
#include "tests/unit/support/random.h"
#include "tests/unit/support/tagged_block.h"
#include "tests/unit/support/threads.h"

namespace tarn {

namespace {

enum class Call : std::uint8_t {
    allocate,
    allocate_zeroed,
    allocate_aligned,
    reallocate,
    free,
    trim
};

struct Step {
    Call call;
    std::size_t size;
    int alignment;     // exponent of two
    std::size_t which; // of the live blocks, modulo their number
};

std::ostream& operator<<(std::ostream& out, const Step& step)
{
    static constexpr const char* kNames[] = {
        "allocate", "allocate_zeroed", "allocate_aligned", "reallocate", "free", "trim"};
    return out << kNames[static_cast<std::size_t>(step.call)] << "(size " << step.size
               << ", alignment 2^" << step.alignment << ", block " << step.which << ")";
}

/// Each doubling as likely as any other, from nothing to 4 MiB.
rc::Gen<std::size_t> any_size()
{
    return rc::gen::mapcat(rc::gen::inRange(0, 23), [](int doubling) {
        return rc::gen::inRange(std::size_t{0}, (std::size_t{1} << doubling) + 1);
    });
}

rc::Gen<Step> any_step()
{
    const auto call = rc::gen::weightedElement<Call>({{6, Call::allocate},
                                                      {3, Call::allocate_zeroed},
                                                      {2, Call::allocate_aligned},
                                                      {4, Call::reallocate},
                                                      {9, Call::free},
                                                      {1, Call::trim}});
    return rc::gen::build<Step>(
        rc::gen::set(&Step::call, call), rc::gen::set(&Step::size, any_size()),
        rc::gen::set(&Step::alignment, rc::gen::inRange(0, 19)), rc::gen::set(&Step::which));
}

void require(bool holds, const std::string& what)
{
    if (!holds) RC_FAIL(what);
}

/// What must be true of the live blocks.
class Model {
public:
    Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;
    ~Model()
    {
        for (const auto& [start, block] : blocks_)
            deallocate(reinterpret_cast<void*>(start));
    }

    void run(const Step& step)
    {
        const std::size_t alignment = std::size_t{1} << step.alignment;
        switch (step.call) {
        case Call::allocate:
            add(allocate(step.size), step.size, kMinAlignment);
            break;
        case Call::allocate_zeroed:
            add_zeroed(step.size);
            break;
        case Call::allocate_aligned:
            add(allocate_aligned(step.size, alignment), step.size, alignment);
            break;
        case Call::reallocate:
            resize(step.which, std::max(step.size, std::size_t{1}));
            break;
        case Call::free:
            free(step.which);
            break;
        case Call::trim:
            trim_process();
            break;
        }
    }

    void check_all() const
    {
        for (const auto& [start, block] : blocks_)
            check(start, block);
    }

private:
    struct Block {
        std::size_t size;
        std::uint64_t tag;
    };
    using Blocks = std::map<std::uintptr_t, Block>;

    void add(void* address, std::size_t size, std::size_t alignment)
    {
        require(address != nullptr, "there is memory");
        require(test::is_aligned(address, std::max(alignment, kMinAlignment)), "aligned as asked");
        const std::size_t usable = usable_size(address);
        require(usable >= size, "as large as asked");
        const auto start = reinterpret_cast<std::uintptr_t>(address);
        const auto next = blocks_.lower_bound(start);
        require(next == blocks_.end() || start + usable <= next->first,
                "ends before the next block");
        require(next == blocks_.begin() ||
                    std::prev(next)->first + std::prev(next)->second.size <= start,
                "starts behind the one before");
        test::fill(address, usable, ++last_tag_);
        blocks_[start] = {usable, last_tag_};
    }

    void add_zeroed(std::size_t size)
    {
        void* const address = allocate_zeroed(size);
        require(address == nullptr || test::is_zero(address, size), "zero as asked");
        add(address, size, kMinAlignment);
    }

    void resize(std::size_t which, std::size_t size)
    {
        const auto found = pick(which);
        if (found == blocks_.end()) return;
        const auto [start, block] = *found;
        check(start, block);
        blocks_.erase(found);
        void* const moved = reallocate(reinterpret_cast<void*>(start), size);
        require(moved != nullptr, "there is memory");
        require(test::holds(moved, block.size, block.tag, std::min(size, block.size)),
                "contents come along");
        add(moved, size, kMinAlignment);
    }

    void free(std::size_t which)
    {
        const auto found = pick(which);
        if (found == blocks_.end()) return;
        check(found->first, found->second);
        void* const address = reinterpret_cast<void*>(found->first);
        blocks_.erase(found);
        deallocate(address);
    }

    static void check(std::uintptr_t start, const Block& block)
    {
        const void* const address = reinterpret_cast<const void*>(start);
        require(usable_size(address) == block.size, "the size stays");
        require(test::holds(address, block.size, block.tag), "contents stay");
    }

    Blocks::iterator pick(std::size_t which)
    {
        if (blocks_.empty()) return blocks_.end();
        return std::next(blocks_.begin(), static_cast<std::ptrdiff_t>(which % blocks_.size()));
    }

    Blocks blocks_;
    std::uint64_t last_tag_ = 0;
};

/// With checks, no block is damaged either.
void verify_all()
{
    verify_heap();
    if (settings.checks == nullptr) return;
    require(hold_heap(), "the heap can be held");
    require(check_all_blocks("in between") == 0, "nothing is damaged");
    release_heap();
}

void run_and_verify(const std::vector<Step>& steps)
{
    Model model;
    for (const Step& step : steps) {
        model.run(step);
        verify_all();
    }
    model.check_all();
}

RC_GTEST_PROP(HeapProperty, HoldsAfterEveryStepOfOneThread, ())
{
    run_and_verify(*rc::gen::resize(200, rc::gen::container<std::vector<Step>>(any_step())));
}

RC_GTEST_PROP(HeapProperty, HoldsAfterEveryStepOfSmallBlocks, ())
{
    // Many blocks of few classes: caches overflow, slabs fill and become empty.
    const auto small = rc::gen::map(any_step(), [](Step step) {
        step.size = step.size % 4 * 600;
        return step;
    });
    run_and_verify(*rc::gen::resize(1000, rc::gen::container<std::vector<Step>>(small)));
}

RC_GTEST_PROP(HeapProperty, HoldsAfterEveryStepWithoutPools, ())
{
    const auto steps = *rc::gen::resize(100, rc::gen::container<std::vector<Step>>(any_step()));
    settings.pools = false;
    for (const FallbackKind kind : {FallbackKind::jemalloc, FallbackKind::mmap}) {
        if (fallback_backend(kind) == nullptr) continue; // not in this build
        // The pages of a block that was checked are not another's, see preload/startup.cc.
        if (settings.checks != nullptr && kind == FallbackKind::jemalloc) continue;
        fallback = fallback_backend(kind);
        run_and_verify(steps);
    }
    settings.pools = true;
}

using Tagged = test::TaggedBlocks<test::CoreCalls>;
/// Where threads leave blocks for each other.
using Places = std::vector<std::atomic<void*>>;

void free_checked(void* block)
{
    if (block == nullptr) return;
    require(Tagged::is_intact(block), "contents stay");
    deallocate(block);
}

void step_of_thread(Places& places, test::Random& random)
{
    constexpr std::size_t kMost = MiB(2);
    void* block = places[random.below(places.size())].exchange(nullptr);
    if (block == nullptr) {
        block = Tagged::make(random, kMost);
        require(block != nullptr, "there is memory");
    } else if (random.one_in(3)) {
        block = Tagged::resize(block, random, kMost);
        require(block != nullptr, "there is memory");
    } else {
        free_checked(std::exchange(block, nullptr)); // as likely as not another thread's
    }
    free_checked(places[random.below(places.size())].exchange(block));
}

RC_GTEST_PROP(HeapProperty, HoldsAtEveryRestOfSeveralThreads, ())
{
    const auto threads = *rc::gen::inRange(std::size_t{2}, std::size_t{5});
    const auto rounds = *rc::gen::inRange(1, 6);
    const auto seed = *rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>());
    Places places(64);
    std::barrier rest(static_cast<std::ptrdiff_t>(threads));
    test::in_threads(threads, [&](std::size_t thread) {
        test::Random random = test::Random::from_seed(seed + thread);
        for (int round = 0; round < rounds; ++round) {
            for (int step = 0; step < 200; ++step)
                step_of_thread(places, random);
            rest.arrive_and_wait();
            // One after the other: each looks at its own heap, and at what all share.
            for (std::size_t turn = 0; turn < threads; ++turn) {
                if (turn == thread) verify_all();
                rest.arrive_and_wait();
            }
        }
    });
    for (std::atomic<void*>& place : places)
        free_checked(place.exchange(nullptr));
    verify_all();
}

} // namespace

} // namespace tarn
