// SPDX-License-Identifier: MIT

#include "tracer/advice.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <tarn/recommend.h>

#include "src/base/units.h"

namespace tarn {

namespace {

constexpr std::uint64_t kLeastSpared = 1000;
constexpr std::uint64_t kBytesOfACall = 256; // copied
constexpr std::uint64_t kMostError = 20;     // percent

/// At least nine of ten.
bool nearly_all(std::uint64_t part, std::uint64_t all)
{
    return all != 0 && part >= all - all / 10;
}

Use::Threads threads_of(const AdviceFigures& figures)
{
    if (figures.freed_elsewhere == 0) return Use::Threads::one;
    return figures.freed_elsewhere >= figures.allocations / 2 ? Use::Threads::handed_over
                                                              : Use::Threads::shared;
}

/// What memory would be used for, where this is the advice. How many blocks there are is left out:
/// the next run may have more.
Use use_of(Advice::Kind kind, const AdviceFigures& figures)
{
    Use use{
        .threads = threads_of(figures), .smallest = figures.smallest, .largest = figures.largest};
    if (kind == Advice::Kind::reserve) use.content = Use::Content::growing;
    if (kind == Advice::Kind::handback) use.threads = Use::Threads::handed_over;
    if (kind == Advice::Kind::arena) use.frees = Use::Frees::together;
    if (kind == Advice::Kind::pool && figures.smallest == figures.largest)
        use.content = Use::Content::one_type;
    if (kind == Advice::Kind::buffer) {
        use.lifetime = Use::Lifetime::scope;
        use.threads = Use::Threads::one; // of those that it is about
    }
    return use;
}

std::string_view name_of(Advice::Kind kind)
{
    constexpr std::array<std::string_view, 6> kNames{"",      "reserve", "buffer",
                                                     "arena", "pool",    "handback"};
    return kNames[static_cast<std::size_t>(kind)];
}

/// For sizes that no type of that name is for, nothing is.
bool has_a_type(Advice::Kind kind, const AdviceFigures& figures)
{
    return recommend(use_of(kind, figures)).advice == name_of(kind);
}

std::uint64_t spared_by_reserving(const AdviceFigures& figures)
{
    const bool grows = figures.resizes >= figures.allocations / 2;
    return grows ? figures.resizes + figures.copied / kBytesOfACall : 0;
}

std::uint64_t spared_by_a_buffer(const AdviceFigures& figures)
{
    return nearly_all(figures.temporary, figures.allocations) ? 2 * figures.temporary : 0;
}

/// All are there together, and then they all go.
std::uint64_t spared_by_an_arena(const AdviceFigures& figures)
{
    const bool gather = nearly_all(figures.peak_blocks, figures.allocations);
    const bool go = figures.live_blocks <= figures.allocations / 10;
    return gather && go ? 2 * figures.allocations : 0;
}

/// They come and go, all alike. What a pool spares of each call is a part of it.
std::uint64_t spared_by_a_pool(const AdviceFigures& figures)
{
    const bool are_alike = use_of(Advice::Kind::pool, figures).is_alike();
    const bool come_and_go = figures.peak_blocks <= figures.allocations / 4;
    return are_alike && come_and_go ? figures.allocations / 2 : 0;
}

/// A free by another thread takes twice as long and brings a cold block back.
std::uint64_t spared_by_handing_back(const AdviceFigures& figures)
{
    return figures.freed_elsewhere >= figures.allocations / 2 ? figures.freed_elsewhere : 0;
}

std::uint64_t three_digits(std::uint64_t number)
{
    std::uint64_t unit = 1;
    while (number / unit >= 1000)
        unit *= 10;
    return (number + unit / 2) / unit * unit;
}

/// "1234 blocks", or, of a sample, "about 1230 blocks (give or take 8%)".
struct Counted {
    Printer& out;
    std::uint64_t error;

    void print(std::uint64_t number, std::string_view what) const
    {
        if (error != 0) out << "about ";
        print_number(number);
        out << what;
        if (error != 0) out << " (give or take " << error << "%)";
    }

    void print_number(std::uint64_t number) const
    {
        out << (error != 0 ? three_digits(number) : number);
    }
};

void print_figures(Printer& out, Advice::Kind kind, const AdviceFigures& figures)
{
    const Counted count{.out = out, .error = figures.error};
    switch (kind) {
    case Advice::Kind::none:
        return;
    case Advice::Kind::reserve:
        count.print(figures.resizes, " reallocs");
        out << " copied " << HumanBytes{figures.copied}
            << "; ask for what will be needed at once, up to " << HumanBytes{figures.largest};
        return;
    case Advice::Kind::buffer:
        count.print(figures.temporary, " blocks");
        out << " of at most " << HumanBytes{figures.largest}
            << (figures.error != 0 ? " lived less than 4 us"
                                   : " were freed before the next allocation")
            << "; a buffer on the stack, or one that is kept, would do";
        return;
    case Advice::Kind::arena:
        count.print(figures.allocations, " blocks");
        out << " are in use together and then all go; an arena frees them in one step";
        return;
    case Advice::Kind::pool:
        count.print(figures.allocations, " blocks");
        out << " of nearly one size, " << HumanBytes{figures.largest}
            << ", come and go; a pool of objects would do";
        return;
    case Advice::Kind::handback:
        count.print(figures.freed_elsewhere, "");
        out << " of ";
        count.print_number(figures.allocations);
        out << " blocks were freed by another thread; hand them back to be used again where they "
               "come from";
        return;
    }
}

} // namespace

Advice advise(const AdviceFigures& figures)
{
    using Kind = Advice::Kind;
    std::array all{Advice{Kind::reserve, spared_by_reserving(figures)},
                   Advice{Kind::buffer, spared_by_a_buffer(figures)},
                   Advice{Kind::arena, spared_by_an_arena(figures)},
                   Advice{Kind::handback, spared_by_handing_back(figures)},
                   Advice{Kind::pool, spared_by_a_pool(figures)}};
    for (Advice& advice : all)
        if (advice.spared != 0 && !has_a_type(advice.kind, figures)) advice.spared = 0;
    const Advice best = *std::ranges::max_element(all, {}, &Advice::spared);
    return best.spared >= kLeastSpared && figures.error <= kMostError ? best
                                                                      : Advice{Kind::none, 0};
}

void print_advice(Printer& out, Advice advice, const AdviceFigures& figures)
{
    if (advice.kind == Advice::Kind::none) return;
    const Recommendation what = recommend(use_of(advice.kind, figures));
    out << std::string_view(what.advice) << ": ";
    print_figures(out, advice.kind, figures);
    out << "; " << std::string_view(what.type);
    if (*what.options != '\0') out << " " << std::string_view(what.options);
    out << " from " << std::string_view(what.header) << " saves about "
        << three_digits(advice.spared) << " calls";
}

} // namespace tarn
