// SPDX-License-Identifier: MIT
//
// What a server does for its requests, as a tracer sees it: 34 calls deep, sixteen kinds of work
// that allocate, again and again from the same places. They part either at the inner end, as steps
// of one request do, or at the outer one, as requests of different kinds do.
//
//      deep_calls [allocations [inner calls that differ: 1 or 32]]

#include <array>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "bench/workloads/support.h"

namespace {

constexpr int kDepth = 30;
constexpr std::size_t kKinds = 16;
constexpr std::size_t kKept = 64;

struct Session {
    std::array<unsigned char*, kKept> kept{};
    std::uint64_t checksum = 0;
    std::uint64_t count = 0;
};

/// Keeps calls from becoming jumps.
inline void behind()
{
    asm volatile("" ::: "memory");
}

[[gnu::noinline]] void allocate(Session& session, std::size_t kind)
{
    unsigned char*& kept = session.kept[(++session.count * 7 + kind) % kKept];
    if (kept != nullptr) session.checksum = session.checksum * 31 + kept[0];
    std::free(kept);
    kept = static_cast<unsigned char*>(std::malloc(16 + kind * 24));
    if (kept == nullptr) std::abort();
    kept[0] = static_cast<unsigned char>(session.count);
    behind();
}

/// One of sixteen callers of `next`.
template <std::size_t Kind, class Next> [[gnu::noinline]] void call(Session& session, Next next)
{
    next(session, Kind);
    behind();
}

template <class Next, std::size_t... Kinds>
void call_each(Session& session, Next next, std::index_sequence<Kinds...>)
{
    (call<Kinds>(session, next), ...);
}

/// A layer of a server: a little work of its own, then the next one.
template <int Depth, class Next>
[[gnu::noinline]] void layer(Session& session, std::size_t kind, Next next)
{
    const std::uint64_t before = session.count;
    if constexpr (Depth == 0)
        next(session, kind);
    else
        layer<Depth - 1>(session, kind, next);
    session.checksum += before;
    behind();
}

constexpr auto kEachKind = std::make_index_sequence<kKinds>();

void part_inside(Session& session)
{
    layer<kDepth>(session, 0,
                  [](Session& inner, std::size_t) { call_each(inner, allocate, kEachKind); });
}

void part_outside(Session& session)
{
    call_each(
        session, [](Session& inner, std::size_t kind) { layer<kDepth>(inner, kind, allocate); },
        kEachKind);
}

} // namespace

int main(int argc, char** argv)
{
    const std::size_t rounds = bench::argument(argc, argv, 1, 3000000) / kKinds;
    const bool is_outside = bench::argument(argc, argv, 2, 1) > 1;
    Session session;
    for (std::size_t i = 0; i < rounds; ++i)
        is_outside ? part_outside(session) : part_inside(session);
    for (unsigned char* const kept : session.kept)
        std::free(kept);
    return bench::finish(session.checksum);
}
