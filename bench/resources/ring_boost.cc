// SPDX-License-Identifier: MIT
//
// Boost.Lockfree's ring for one writer and one reader.

#include <boost/lockfree/spsc_queue.hpp>
#include <optional>

#include "bench/resources/queues.h"

namespace {

using bench::hand_over;

/// With the calls of SpscRing.
class BoostRing {
public:
    explicit BoostRing(std::size_t capacity) : queue_(capacity) {}
    bool try_push(std::size_t value) { return queue_.push(value); }
    std::optional<std::size_t> try_pop()
    {
        std::size_t value = 0;
        if (!queue_.pop(value)) return std::nullopt;
        return value;
    }

private:
    boost::lockfree::spsc_queue<std::size_t> queue_;
};

} // namespace

BENCHMARK_TEMPLATE(hand_over, BoostRing)->Name("hand_over<BoostRing>")->MeasureProcessCPUTime();
