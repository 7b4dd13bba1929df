// SPDX-License-Identifier: MIT
//
// What makes a tracer's tables large: a recursion with three call sites in each function, ten deep,
// that allocates at each of its 88 573 places and frees on the way back, so that hardly two
// allocations after one another come from the same stack.
//
//      call_tree [passes over the tree]

#include <cstddef>
#include <cstdlib>

#include "bench/workloads/support.h"

namespace {

constexpr int kDepth = 10;

struct Node {
    std::uint64_t value;
    Node* first;
};

/// Each of the calls is one of its own, and no jump.
[[gnu::noinline]] std::uint64_t grow(Node* parent, int depth)
{
    auto* const node = static_cast<Node*>(bench::allocate(sizeof(Node) + depth % 4 * 24U));
    *node = {.value = parent->value * 31 + static_cast<std::uint64_t>(depth), .first = nullptr};
    parent->first = node;
    std::uint64_t sum = node->value;
    if (depth > 0) {
        sum += grow(node, depth - 1);
        sum ^= grow(node, depth - 1) * 3;
        sum += grow(node, depth - 1) * 5;
    }
    parent->first = nullptr;
    std::free(node);
    return sum;
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t passes = bench::argument(argc, argv, 1, 40);
    Node root{.value = 1, .first = nullptr};
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < passes; ++i)
        sum = sum * 31 + grow(&root, kDepth);
    return bench::finish(sum);
}
