// SPDX-License-Identifier: MIT

#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>

namespace tarn::test {

/// How many mappings this process has.
inline std::size_t count_mappings()
{
    std::ifstream maps("/proc/self/maps");
    using Characters = std::istreambuf_iterator<char>;
    return static_cast<std::size_t>(std::count(Characters(maps), Characters(), '\n'));
}

} // namespace tarn::test
