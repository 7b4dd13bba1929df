// SPDX-License-Identifier: MIT
#include <algorithm>
#include <ostream>

#include <tarn/page_resource.h>
#include <tarn/process_arena.h>
#include <tarn/strategy.h>

#include "src/resources/fields.h"

namespace tarn {

namespace {

template <class Value> bool admits(const std::optional<Value>& wanted, Value value)
{
    return !wanted || *wanted == value;
}

} // namespace

bool Strategy::serves(const Use& use) const noexcept
{
    const bool is_small_enough =
        largest == SIZE_MAX || (use.largest != 0 && use.largest <= largest);
    return admits(content, use.content) && admits(lifetime, use.lifetime) &&
           admits(frees, use.frees) && admits(threads, use.threads) && use.smallest >= smallest &&
           is_small_enough;
}

StrategyManager::StrategyManager(const std::vector<Strategy>& table)
{
    for (const Strategy& strategy : table)
        rows_.emplace_back(strategy);
    rows_.emplace_back(Strategy{.name = "otherwise"});
}

StrategyManager::~StrategyManager() = default;

std::vector<Strategy> StrategyManager::for_threads(ThreadCachedPool& pool)
{
    return {{.name = "process", .lifetime = Use::Lifetime::process, .resource = &process_arena()},
            {.name = "small", .largest = detail::kLargestPooled, .resource = &pool},
            {.name = "pages", .smallest = detail::kLeastOwnPages, .resource = page_resource()}};
}

StrategyManager::Row& StrategyManager::row_for(const Use& use) noexcept
{
    const auto row = std::find_if(rows_.begin(), rows_.end() - 1,
                                  [&](const Row& each) { return each.strategy.serves(use); });
    row->uses.fetch_add(1, std::memory_order_relaxed);
    return *row;
}

Resource* StrategyManager::owner_of(const void* address) noexcept
{
    for (Row& row : rows_)
        if (row.resource.owns(address)) return &row.resource;
    return nullptr;
}

std::vector<StrategyStatistics> StrategyManager::statistics() const
{
    std::vector<StrategyStatistics> all;
    for (const Row& row : rows_)
        all.push_back({row.strategy.name, row.uses.load(std::memory_order_relaxed),
                       row.resource.statistics()});
    return all;
}

std::ostream& operator<<(std::ostream& out, const std::vector<StrategyStatistics>& statistics)
{
    for (const StrategyStatistics& each : statistics)
        out << each.name << ": uses " << each.uses << ", " << each.blocks << '\n';
    return out;
}

std::string to_json(const std::vector<StrategyStatistics>& statistics)
{
    std::string text;
    for (const StrategyStatistics& each : statistics) {
        text += text.empty() ? "[" : ",";
        text.append(R"({"name":)").append(detail::json_text(each.name)).append(R"(,"uses":)");
        text += std::to_string(each.uses);
        text.append(R"(,"blocks":)").append(to_json(each.blocks)).append("}");
    }
    return text.empty() ? "[]" : text + "]";
}

} // namespace tarn
