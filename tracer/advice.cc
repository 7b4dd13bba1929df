// SPDX-License-Identifier: MIT

#include "tracer/advice.h"

#include <algorithm>
#include <array>

#include "src/base/units.h"

namespace tarn {

namespace {

constexpr std::uint64_t kLeastSpared = 1000;
constexpr std::uint64_t kBytesOfACall = 256; // copied
constexpr std::uint64_t kMostError = 20;     // percent

/// Larger buffers do not belong on a stack, nor into every object that may need one.
constexpr std::uint64_t kLargestBuffer = KiB(16);
/// Sizes that one pool serves without much waste: the largest is at most a quarter above the least.
constexpr std::uint64_t kPoolSpread = 4;
constexpr std::uint64_t kLargestPooled = KiB(4);

/// At least nine of ten.
bool nearly_all(std::uint64_t part, std::uint64_t all)
{
    return all != 0 && part >= all - all / 10;
}

std::uint64_t spared_by_reserving(const AdviceFigures& figures)
{
    const bool grows = figures.resizes >= figures.allocations / 2;
    return grows ? figures.resizes + figures.copied / kBytesOfACall : 0;
}

std::uint64_t spared_by_a_buffer(const AdviceFigures& figures)
{
    const bool fits = figures.largest <= kLargestBuffer;
    return fits && nearly_all(figures.temporary, figures.allocations) ? 2 * figures.temporary : 0;
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
    const bool are_alike = figures.largest <= kLargestPooled &&
                           figures.largest - figures.smallest <= figures.smallest / kPoolSpread;
    const bool come_and_go = figures.peak_blocks <= figures.allocations / 4;
    return are_alike && come_and_go ? figures.allocations / 2 : 0;
}

/// A free by another thread takes twice as long and brings a cold block back.
std::uint64_t spared_by_handing_back(const AdviceFigures& figures)
{
    return figures.freed_elsewhere >= figures.allocations / 2 ? figures.freed_elsewhere : 0;
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

    /// Of a sample, three digits.
    void print_number(std::uint64_t number) const
    {
        std::uint64_t unit = 1;
        while (error != 0 && number / unit >= 1000)
            unit *= 10;
        out << (number + unit / 2) / unit * unit;
    }
};

} // namespace

Advice advise(const AdviceFigures& figures)
{
    using Kind = Advice::Kind;
    const std::array all{Advice{Kind::reserve, spared_by_reserving(figures)},
                         Advice{Kind::buffer, spared_by_a_buffer(figures)},
                         Advice{Kind::arena, spared_by_an_arena(figures)},
                         Advice{Kind::handback, spared_by_handing_back(figures)},
                         Advice{Kind::pool, spared_by_a_pool(figures)}};
    const Advice best = *std::ranges::max_element(all, {}, &Advice::spared);
    return best.spared >= kLeastSpared && figures.error <= kMostError ? best
                                                                      : Advice{Kind::none, 0};
}

void print_advice(Printer& out, Advice::Kind kind, const AdviceFigures& figures)
{
    const Counted count{.out = out, .error = figures.error};
    switch (kind) {
    case Advice::Kind::none:
        return;
    case Advice::Kind::reserve:
        out << "reserve: ";
        count.print(figures.resizes, " reallocs");
        out << " copied " << HumanBytes{figures.copied}
            << "; ask for what will be needed at once, up to " << HumanBytes{figures.largest};
        return;
    case Advice::Kind::buffer:
        out << "buffer: ";
        count.print(figures.temporary, " blocks");
        out << " of at most " << HumanBytes{figures.largest}
            << (figures.error != 0 ? " lived less than 4 us"
                                   : " were freed before the next allocation")
            << "; a buffer on the stack, or one that is kept, would do";
        return;
    case Advice::Kind::arena:
        out << "arena: ";
        count.print(figures.allocations, " blocks");
        out << " are in use together and then all go; an arena frees them in one step";
        return;
    case Advice::Kind::pool:
        out << "pool: ";
        count.print(figures.allocations, " blocks");
        out << " of nearly one size, " << HumanBytes{figures.largest}
            << ", come and go; a pool of objects would do";
        return;
    case Advice::Kind::handback:
        out << "handback: ";
        count.print(figures.freed_elsewhere, "");
        out << " of ";
        count.print_number(figures.allocations);
        out << " blocks were freed by another thread; hand them back to be used again where they "
               "come from";
        return;
    }
}

} // namespace tarn
