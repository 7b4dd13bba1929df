// SPDX-License-Identifier: MIT
//
// A file of events with any damage: it is refused, or its calls are such that a program can make
// them: blocks are allocated before they are freed, and freed before they are allocated again.

#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>

#include "tracer/command/event_order.h"
#include "tracer/command/event_summary.h"

namespace {

void require(bool holds)
{
    if (!holds) std::abort();
}

void follow(const tarn::EventFile& file)
{
    using Kind = tarn::Event::Kind;
    tarn::EventOrder order(file);
    std::set<std::uint64_t> live;
    for (tarn::Event event; order.next(event);) {
        if (event.kind == Kind::freed) require(live.erase(event.block) == 1);
        if (event.kind == Kind::resized) require(live.erase(event.old_block) == 1);
        if (event.kind != Kind::freed) require(live.insert(event.block).second);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    try {
        const tarn::EventFile file =
            tarn::parse_events(std::as_bytes(std::span(data, size)), "fuzz");
        follow(file);
        std::ostringstream text;
        tarn::write_event_summary(file, text);
        tarn::write_event_text(file, text);
    } catch (const std::runtime_error&) {
        return 0; // as it should be
    }
    return 0;
}
