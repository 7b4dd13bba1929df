// SPDX-License-Identifier: MIT
//
// Containers that grow: vectors by push_back, strings by appending, C buffers by realloc, and a
// vector of vectors that all grow at once, from bytes to megabytes.
//
// Decided by realloc, by sizes from 1 KiB to 1 MiB, and by how soon freed memory is used again.

#include <cstring>
#include <string>
#include <vector>

#include "bench/workloads/support.h"

namespace {

std::uint64_t grow_vector(bench::Random& random)
{
    std::vector<std::uint32_t> numbers;
    const std::size_t count = random.by_doubling(16, 262144);
    for (std::size_t i = 0; i < count; ++i)
        numbers.push_back(static_cast<std::uint32_t>(i * i));
    return numbers[count / 2] + numbers.size();
}

std::uint64_t grow_string(bench::Random& random)
{
    std::string text;
    const std::size_t count = random.by_doubling(4, 16384);
    for (std::size_t i = 0; i < count; ++i)
        text += "a sentence of some length; ";
    return text.size() + static_cast<unsigned char>(text[text.size() / 2]);
}

std::uint64_t grow_buffer(bench::Random& random)
{
    const std::size_t end = random.by_doubling(256, std::size_t{512} * 1024);
    char* buffer = nullptr;
    std::size_t used = 0;
    std::size_t size = 0;
    while (used < end) {
        const std::size_t piece = random.between(20, 2000);
        if (used + piece > size) {
            size = (used + piece) + size / 4;
            buffer = static_cast<char*>(std::realloc(buffer, size));
            bench::require(buffer != nullptr, "realloc returned NULL");
        }
        std::memset(buffer + used, static_cast<int>(piece % 128), piece);
        used += piece;
    }
    const std::uint64_t sum = used + static_cast<unsigned char>(buffer[used / 2]);
    std::free(buffer);
    return sum;
}

/// A table whose rows grow in turn, so that no row can simply be extended at its end.
std::uint64_t grow_table(bench::Random& random)
{
    std::vector<std::vector<std::uint64_t>> rows(random.between(50, 500));
    for (std::size_t i = 0; i < 40000; ++i)
        rows[random.below(rows.size())].push_back(i);
    std::uint64_t sum = 0;
    for (const auto& row : rows)
        sum += row.empty() ? 0 : row.back();
    return sum;
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t rounds = bench::argument(argc, argv, 1, 1000);
    bench::Random random(11);
    std::uint64_t checksum = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        checksum = checksum * 31 + grow_vector(random) + grow_string(random);
        checksum = checksum * 31 + grow_buffer(random) + grow_table(random);
    }
    return bench::finish(checksum);
}
