// SPDX-License-Identifier: MIT
//
// Throws from ten calls down and catches, so often:
//
//      exceptions_subject TIMES

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

struct Guard {
    explicit Guard(long& value) : count(value) { ++count; }
    ~Guard() { --count; }
    long& count;
};

[[gnu::noinline]] void descend(int depth, long& count)
{
    const Guard guard(count);
    if (depth == 0) throw std::runtime_error("expected");
    descend(depth - 1, count);
}

} // namespace

int main(int argc, char** argv)
{
    long caught = 0;
    long guards = 0;
    const long times = argc > 1 ? std::atol(argv[1]) : 0;
    for (long i = 0; i < times; ++i) {
        try {
            descend(10, guards);
        } catch (const std::exception&) {
            ++caught;
        }
    }
    return caught == times && guards == 0 ? 0 : 1;
}
