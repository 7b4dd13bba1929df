// SPDX-License-Identifier: MIT
//
// Promise: destructors of C++ thread_local objects free and allocate at the end of each thread, in
// any order with the allocator's own hook, and memory stays bounded.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/abi/check.h"

namespace {

constexpr int kThreads = 3000;
std::unique_ptr<std::string> survivor;

struct Keeper {
    std::vector<std::string> lines;
    std::map<int, std::unique_ptr<int[]>> tables;

    ~Keeper()
    {
        CHECK(lines.size() == 200, "expected 200 lines at the end, seen %zu", lines.size());
        std::string all;
        for (const std::string& line : lines) {
            all += line;
        }
        CHECK(all.size() == 200 * 50, "expected 10000 characters, seen %zu", all.size());
        // Allocated in the destructor of an ending thread, freed by the next one's.
        survivor = std::make_unique<std::string>(all);
    }
};

thread_local std::string early_name = std::string(300, 'e');
thread_local Keeper keeper;
thread_local std::vector<Keeper*> late_list;

void* use_thread_locals(void* unused)
{
    early_name += 'x';
    for (int i = 0; i < 200; ++i) {
        keeper.lines.emplace_back(50, 'k');
        keeper.tables[i] = std::make_unique<int[]>(static_cast<std::size_t>(i));
        late_list.push_back(&keeper);
    }
    return unused;
}

} // namespace

int main()
{
    watchdog(60);
    std::size_t after_warm_up = 0;
    for (int i = 0; i < kThreads; ++i) {
        join_thread(start_thread(use_thread_locals, nullptr));
        if (i == kThreads / 10) {
            after_warm_up = resident_bytes();
        }
    }
    CHECK(survivor->size() == 200 * 50, "expected 10000 characters, seen %zu", survivor->size());
    const std::size_t end = resident_bytes();
    CHECK(end < after_warm_up + 4 * MIB, "expected no growth over %d threads, seen %zu KiB",
          kThreads, (end - after_warm_up) / KIB);
    return 0;
}
