// SPDX-License-Identifier: MIT
//
// Budgets: how much memory a part of a program may use.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/counting_resource.h>

namespace tarn {

/// What has happened to a Budget, as BudgetOptions::on_event hears it.
struct BudgetEvent {
    enum class Kind : std::uint8_t {
        soft_limit, // more than the soft limit is in use, for the first time since below_soft
        below_soft, // no more than the soft limit is in use again
        refused,    // a request would exceed the hard limit
    };

    Kind kind;
    const char* budget;    // its name
    std::size_t requested; // bytes; 0 when they go back
    std::size_t in_use;    // of the budget, with the request if it was granted
    std::size_t limit;     // that was crossed
};

/// The limits of a Budget, and who hears when they are met.
struct BudgetOptions {
    const char* name = "budget"; // the tag of what is counted here
    std::size_t soft = SIZE_MAX; // bytes
    std::size_t hard = SIZE_MAX; // bytes, never exceeded
    /// Called outside of any lock, by the thread whose request it was; it may allocate and
    /// deallocate, here, too, and must not throw. For `refused` true says that memory has been
    /// given back, whereupon the request is tried once more.
    std::function<bool(const BudgetEvent&)> on_event = {};

    /// A warning at nine tenths.
    static BudgetOptions of(std::size_t hard) { return {.soft = hard - hard / 10, .hard = hard}; }
};

/// Bytes that something may use, of those that its parent may use. Any number of resources share
/// one: see LimitResource. Cost: some atomic operations for each level. Thread safety: any thread
/// at any time.
class TARN_API Budget {
public:
    using Options = BudgetOptions;

    /// The parent outlives it.
    explicit Budget(Options options, Budget* parent = nullptr);
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    /// Takes bytes of this budget and all above it. Errors: false, nothing is taken.
    [[nodiscard]] bool try_reserve(std::size_t bytes) noexcept;
    /// Requires: they were reserved.
    void release(std::size_t bytes) noexcept;

    const char* name() const noexcept { return options_.name; }
    std::size_t in_use() const noexcept { return in_use_.load(std::memory_order_relaxed); }
    std::size_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
    std::uint64_t refusals() const noexcept { return refusals_.load(std::memory_order_relaxed); }
    /// Bytes until the hard limit of this budget.
    std::size_t left() const noexcept { return options_.hard - in_use(); }

private:
    bool take(std::size_t bytes) noexcept;
    void give(std::size_t bytes) noexcept;
    bool tell(BudgetEvent::Kind kind, std::size_t bytes, std::size_t now) noexcept;

    Options options_;
    Budget* parent_;
    // Relaxed: sums that order nothing; the limit holds since one of them is changed at once.
    std::atomic<std::size_t> in_use_{0};
    std::atomic<std::size_t> peak_{0};
    std::atomic<std::uint64_t> refusals_{0};
    std::atomic<bool> is_above_soft_{false};
};

/// Allocates within a budget, which is asked before upstream is. Thread safety: as of Budget, as
/// far as upstream lets them.
class TARN_API LimitResource final : public WrapperResource {
public:
    /// The budget outlives it.
    explicit LimitResource(Budget& budget, std::pmr::memory_resource* upstream = nullptr)
        : WrapperResource(budget.name(), upstream), budget_(budget)
    {}
    ~LimitResource() override;

    Budget& budget() const noexcept { return budget_; }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;

private:
    Budget& budget_;
};

} // namespace tarn
