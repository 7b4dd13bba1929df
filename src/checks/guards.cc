// SPDX-License-Identifier: MIT

#include "src/checks/guards.h"

#include "src/checks/fault.h"
#include "src/os/process.h"

namespace tarn::guards {

constinit GuardSettings detail::chosen{};

namespace {

/// A thread's countdown to its next block of the sample.
struct Countdown {
    std::uint64_t random; // 0: not begun
    std::size_t left;
};
[[gnu::tls_model("initial-exec")]] constinit thread_local Countdown countdown{};

/// From 1 to 2 * period - 1, period on average.
/// Source: Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003).
std::size_t draw(std::uint64_t& random, std::size_t period)
{
    random ^= random << 13U;
    random ^= random >> 7U;
    random ^= random << 17U;
    return 1 + random % (2 * period - 1);
}

bool is_next_of_sample(std::size_t period)
{
    if (countdown.random == 0) {
        countdown.random = os::random_number() | 1U;
        countdown.left = draw(countdown.random, period);
    }
    if (--countdown.left != 0) return false;
    countdown.left = draw(countdown.random, period);
    return true;
}

bool is_chosen(std::size_t size, std::uint32_t& stack)
{
    const GuardChoice& choice = detail::chosen.choice;
    switch (choice.kind) {
    case GuardChoice::Kind::none:
        return false;
    case GuardChoice::Kind::all:
        return true;
    case GuardChoice::Kind::sample:
        return is_next_of_sample(choice.first);
    case GuardChoice::Kind::size:
        return size >= choice.first && size <= choice.last;
    case GuardChoice::Kind::site:
        if (stack == 0) stack = current_stack();
        return stack != 0 && site_of(stack) == choice.first;
    }
    return false;
}

} // namespace

void choose(const GuardSettings& wanted)
{
    detail::chosen = wanted;
}

void start()
{
    if (detail::chosen.choice) guard_pool.initialise(detail::chosen.limits);
}

bool detail::is_wanted(std::size_t size, std::uint32_t& stack)
{
    if (!is_chosen(size, stack)) return false;
    if (stack == 0) stack = current_stack();
    return true;
}

} // namespace tarn::guards
