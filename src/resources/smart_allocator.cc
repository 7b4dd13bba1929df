// SPDX-License-Identifier: MIT
#include <ostream>

#include <tarn/smart_allocator.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

using Kind = LifecycleEvent::Kind;

// Of the allocator whose event this thread is just being told.
thread_local const SmartAllocator* telling = nullptr;

constexpr std::array kIntents{Intent::frame, Intent::pool, Intent::heap};
constexpr unsigned kAll = kIntents.size(); // number of the budget of all together

constexpr std::size_t index_of(Intent intent)
{
    return static_cast<std::size_t>(intent);
}

FrameOptions frame_options(const SmartOptions& options)
{
    FrameOptions frame = options.frame;
    frame.checked |= options.checked;
    return frame;
}

ThreadCachedPoolOptions pool_options(const SmartOptions& options)
{
    ThreadCachedPoolOptions pool = options.pool;
    pool.checked |= options.checked;
    return pool;
}

std::array<detail::Field, 4> fields_of(const SmartStatistics& statistics)
{
    return {{{"fallbacks", statistics.fallbacks},
             {"refusals", statistics.refusals},
             {"reserved", statistics.reserved},
             {"peak_reserved", statistics.peak_reserved}}};
}

} // namespace

/// What containers get: the allocator, for one intent.
class SmartAllocator::OfIntent final : public Resource {
public:
    OfIntent(SmartAllocator& allocator, Intent intent)
        : Resource("smart"), allocator_(allocator), intent_(intent)
    {}

private:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
    {
        return allocator_.try_allocate(intent_, bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
    {
        allocator_.deallocate(block, bytes, alignment);
    }
    bool do_owns(const void* address) const noexcept override
    {
        return allocator_.owner_of(address).resource.owns(address);
    }
    ResourceStatistics do_statistics() const override
    {
        const SmartStatistics all = allocator_.statistics();
        if (intent_ == Intent::frame) return all.frame;
        return intent_ == Intent::pool ? all.pool : all.heap;
    }

    SmartAllocator& allocator_;
    Intent intent_;
};

SmartAllocator::BackendBase::~BackendBase() = default;

void* SmartAllocator::BackendBase::counted(void* block, std::size_t bytes) noexcept
{
    (block != nullptr ? allocations_ : failures_).fetch_add(1, std::memory_order_relaxed);
    if (block != nullptr) in_use_.fetch_add(bytes, std::memory_order_relaxed);
    return block;
}

void SmartAllocator::BackendBase::uncount(std::size_t bytes) noexcept
{
    deallocations_.fetch_add(1, std::memory_order_relaxed);
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
}

ResourceStatistics SmartAllocator::BackendBase::do_statistics() const
{
    return {.allocations = allocations_.load(std::memory_order_relaxed),
            .deallocations = deallocations_.load(std::memory_order_relaxed),
            .failures = failures_.load(std::memory_order_relaxed),
            .in_use = in_use_.load(std::memory_order_relaxed)};
}

SmartAllocator::SmartAllocator(Options options, std::pmr::memory_resource* upstream)
    : options_(std::move(options)), all_(budget_of("all", options_.all, kAll)),
      budgets_{{Budget(budget_of("frame", options_.frames, 0), &all_),
                Budget(budget_of("pool", options_.pools, 1), &all_),
                Budget(budget_of("heap", options_.heap, 2), &all_)}},
      debug_(options_.checked
                 ? std::make_unique<DebugResource>(DebugOptions{.name = "heap"}, upstream)
                 : nullptr),
      frame_memory_(budgets_[0], upstream), pool_memory_(budgets_[1], upstream),
      heap_(budgets_[2], debug_ != nullptr ? debug_.get() : upstream),
      frames_(frame_options(options_), &frame_memory_), pool_(pool_options(options_), &pool_memory_)
{
    for (const Intent intent : kIntents)
        resources_[index_of(intent)] = std::make_unique<OfIntent>(*this, intent);
}

SmartAllocator::~SmartAllocator() = default;

/// A budget speaks while a pool holds its lock: what it says is told later.
BudgetOptions SmartAllocator::budget_of(const char* name, const SmartLimits& limits, unsigned which)
{
    return {.name = name,
            .soft = limits.soft,
            .hard = limits.hard,
            .on_event = [this, which](const BudgetEvent& event) {
                const bool is_below = event.kind == BudgetEvent::Kind::below_soft;
                if (event.kind != BudgetEvent::Kind::refused)
                    pending_.fetch_or(1U << (2 * which + static_cast<unsigned>(is_below)));
                return false;
            }};
}

Resource& SmartAllocator::resource(Intent intent) noexcept
{
    return *resources_[index_of(intent)];
}

void SmartAllocator::add(Intent intent, std::unique_ptr<BackendBase> backend)
{
    backend->intent = intent;
    backends_.insert(backends_.begin(), std::move(backend));
}

void* SmartAllocator::serve(Intent intent, std::size_t bytes, std::size_t alignment,
                            bool& fell_back) noexcept
{
    for (const auto& backend : backends_) {
        if (backend->intent != intent) continue;
        if (void* const block = backend->try_allocate(bytes, alignment)) return block;
        fell_back = true;
    }
    const bool fits_pool = bytes <= options_.pool.largest && alignment <= options_.pool.largest;
    void* block = nullptr;
    if (intent == Intent::frame) return frames_.try_allocate(bytes, alignment);
    if (intent == Intent::pool && fits_pool) block = pool_.try_allocate(bytes, alignment);
    if (block != nullptr) return block;
    fell_back |= intent == Intent::pool;
    return heap_.try_allocate(bytes, alignment);
}

void* SmartAllocator::try_allocate(Intent intent, std::size_t bytes, std::size_t alignment) noexcept
{
    bytes = detail::at_least_one(bytes);
    bool fell_back = false;
    void* block = serve(intent, bytes, alignment, fell_back);
    if (block == nullptr) {
        refusals_.fetch_add(1, std::memory_order_relaxed);
        if (tell({Kind::refused, intent, nullptr, bytes}))
            block = serve(intent, bytes, alignment, fell_back);
    }
    tell_of_limits();
    if (block == nullptr) return nullptr;
    if (fell_back) {
        fallbacks_.fetch_add(1, std::memory_order_relaxed);
        tell({Kind::fell_back, intent, block, bytes});
    }
    tell({Kind::allocated, intent, block, bytes});
    return block;
}

/// The heap has what nobody else knows.
SmartAllocator::Owner SmartAllocator::owner_of(const void* block) noexcept
{
    for (const auto& backend : backends_)
        if (backend->owns(block)) return {*backend, backend->intent};
    if (frames_.owns(block)) return {frames_, Intent::frame};
    if (pool_.owns(block)) return {pool_, Intent::pool};
    return {heap_, Intent::heap};
}

void SmartAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    bytes = detail::at_least_one(bytes);
    const Owner owner = owner_of(block);
    owner.resource.deallocate(block, bytes, alignment);
    tell_of_limits();
    tell({Kind::freed, owner.intent, block, bytes});
}

void SmartAllocator::begin_frame()
{
    frames_.begin_frame();
    tell({Kind::frame_begun, Intent::frame});
}

FrameSummary SmartAllocator::end_frame()
{
    const FrameSummary summary = frames_.end_frame();
    tell_of_limits();
    tell({Kind::frame_ended, Intent::frame});
    return summary;
}

bool SmartAllocator::tell(const LifecycleEvent& event) noexcept
{
    if (!options_.on_event || telling == this) return false;
    const SmartAllocator* const before = std::exchange(telling, this);
    const bool answer = options_.on_event(event);
    telling = before;
    return answer;
}

void SmartAllocator::tell_of_limits() noexcept
{
    if (pending_.load(std::memory_order_relaxed) == 0 || telling == this) return;
    const unsigned pending = pending_.exchange(0);
    for (unsigned which = 0; which <= kAll; ++which) {
        const Intent intent = which == kAll ? Intent::heap : kIntents[which];
        const std::size_t bytes = which == kAll ? all_.in_use() : budgets_[which].in_use();
        if ((pending >> (2 * which) & 1) != 0) tell({Kind::soft_limit, intent, nullptr, bytes});
        if ((pending >> (2 * which + 1) & 1) != 0) tell({Kind::below_soft, intent, nullptr, bytes});
    }
}

SmartStatistics SmartAllocator::statistics() const
{
    SmartStatistics statistics{.frame = frames_.statistics(),
                               .pool = pool_.statistics(),
                               .heap = heap_.statistics(),
                               .fallbacks = fallbacks_.load(std::memory_order_relaxed),
                               .refusals = refusals_.load(std::memory_order_relaxed),
                               .reserved = all_.in_use(),
                               .peak_reserved = all_.peak()};
    for (const auto& backend : backends_)
        statistics.backends.push_back(backend->statistics());
    return statistics;
}

std::ostream& operator<<(std::ostream& out, const SmartStatistics& statistics)
{
    out << "frame: " << statistics.frame << "\npool: " << statistics.pool
        << "\nheap: " << statistics.heap << '\n';
    for (const ResourceStatistics& backend : statistics.backends)
        out << "back end: " << backend << '\n';
    out << "all: ";
    detail::write(out, fields_of(statistics));
    return out << '\n';
}

std::string to_json(const SmartStatistics& statistics)
{
    std::string backends;
    for (const ResourceStatistics& backend : statistics.backends)
        backends.append(backends.empty() ? "" : ",").append(to_json(backend));
    return R"({"frame":)" + to_json(statistics.frame) + R"(,"pool":)" + to_json(statistics.pool) +
           R"(,"heap":)" + to_json(statistics.heap) + R"(,"backends":[)" + backends +
           R"(],"all":)" + detail::json_object(fields_of(statistics)) + "}";
}

} // namespace tarn
