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

/// Nodes that have memory, one bit each, of a list such as "0-1,4".
std::uint64_t nodes_of(std::string_view list)
{
    std::uint64_t nodes = 0;
    std::size_t first = 0;
    std::size_t number = 0;
    bool is_range = false;
    bool has_digits = false;
    for (const char c : list) {
        if (c >= '0' && c <= '9') {
            number = std::min(number * 10 + static_cast<std::size_t>(c - '0'), kMostNodes);
            has_digits = true;
            continue;
        }
        if (has_digits && c == '-') {
            first = number;
            is_range = true;
        } else if (has_digits) {
            for (std::size_t node = is_range ? first : number; node <= number; ++node)
                if (node < kMostNodes) nodes |= std::uint64_t{1} << node;
            is_range = false;
        }
        number = 0;
        has_digits = false;
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
