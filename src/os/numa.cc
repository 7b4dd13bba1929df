// SPDX-License-Identifier: MIT

#include "src/os/numa.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/os/errno_guard.h"
#include "src/os/file.h"

namespace tarn::os {

namespace {

// <numaif.h> belongs to libnuma. Source: <linux/mempolicy.h>.
constexpr unsigned long kBind = 2;
constexpr unsigned long kInterleave = 3;
constexpr unsigned long kLocal = 4;
constexpr std::size_t kMostNodes = 64;

/// The number that a text begins with, and the text behind it.
std::size_t take_number(std::string_view& text)
{
    std::size_t number = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        number = std::min(number * 10 + static_cast<std::size_t>(text.front() - '0'), kMostNodes);
        text.remove_prefix(1);
    }
    return number;
}

/// Nodes of a list such as "0-1,4", one bit each.
std::uint64_t nodes_of(std::string_view list)
{
    std::uint64_t nodes = 0;
    while (!list.empty() && list.front() >= '0' && list.front() <= '9') {
        const std::size_t first = take_number(list);
        std::size_t last = first;
        if (!list.empty() && list.front() == '-') {
            list.remove_prefix(1);
            last = take_number(list);
        }
        for (std::size_t node = first; node <= std::min(last, kMostNodes - 1); ++node)
            nodes |= std::uint64_t{1} << node;
        if (!list.empty()) list.remove_prefix(1); // the comma, or the end of the line
    }
    return nodes;
}

std::uint64_t nodes_with_memory()
{
    SmallFile<256> file;
    const std::uint64_t nodes = nodes_of(file.read("/sys/devices/system/node/has_memory"));
    return nodes != 0 ? nodes : 1;
}

} // namespace

std::size_t numa_nodes()
{
    const std::uint64_t nodes = nodes_with_memory();
    return kMostNodes - static_cast<std::size_t>(__builtin_clzll(nodes));
}

bool bind_pages(void* address, std::size_t size, NumaPolicy policy, std::size_t node)
{
    const ErrnoGuard guard;
    std::uint64_t mask = 0;
    unsigned long mode = kLocal;
    if (policy == NumaPolicy::node) {
        mode = kBind;
        mask = std::uint64_t{1} << node;
    } else if (policy == NumaPolicy::interleave) {
        mode = kInterleave;
        mask = nodes_with_memory();
    }
    const bool has_mask = policy != NumaPolicy::local;
    // The kernel reads one bit less than the number says.
    return ::syscall(SYS_mbind, address, size, mode, has_mask ? &mask : nullptr,
                     has_mask ? kMostNodes + 1 : 0, 0) == 0;
}

} // namespace tarn::os
