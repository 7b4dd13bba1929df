// SPDX-License-Identifier: MIT
//
// The same work twice: with malloc, and with the library.

#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <sys/resource.h>

namespace example {

/// Milliseconds that all threads of the process spent in user mode so far.
inline double user_milliseconds()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec) * 1e3 +
           static_cast<double>(usage.ru_utime.tv_usec) / 1e3;
}

/// Calls both in turns, so that whatever else the machine does hits both, and prints the medians.
/// Returns what main() returns: 0, or 1 if their results ever differ.
template <class Plain, class Library>
int compare(const char* name, const char* type, Plain with_malloc, Library with_library)
{
    constexpr std::size_t kRounds = 9;
    std::array<double, kRounds> plain{};
    std::array<double, kRounds> library{};
    const auto expected = with_malloc(); // and warm
    for (std::size_t round = 0; round < kRounds; ++round) {
        const double start = user_milliseconds();
        const auto first = with_malloc();
        const double middle = user_milliseconds();
        const auto second = with_library();
        plain[round] = middle - start;
        library[round] = user_milliseconds() - middle;
        if (first != expected || second != expected) {
            std::fprintf(stderr, "%s: the results differ\n", name);
            return 1;
        }
    }
    std::ranges::nth_element(plain, plain.begin() + kRounds / 2);
    std::ranges::nth_element(library, library.begin() + kRounds / 2);
    std::printf("%s: malloc %.1f ms, %s %.1f ms, ratio %.2f (user CPU, medians of %zu)\n", name,
                plain[kRounds / 2], type, library[kRounds / 2],
                plain[kRounds / 2] / library[kRounds / 2], kRounds);
    return 0;
}

} // namespace example
