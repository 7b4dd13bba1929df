// SPDX-License-Identifier: MIT
//
// A state file with any damage: it is refused, or reported on. The input says what is changed in a
// good one, which is too large to be an input itself: records of five bytes, an offset and a value,
// of which the offsets above the first tables are spread over the whole file.

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>

#include "tracer/arena.h"
#include "tracer/command/state_image.h"
#include "tracer/frames.h"
#include "tracer/sites.h"
#include "tracer/stack_trie.h"
#include "tracer/state_file.h"
#include "tracer/tags.h"
#include "tracer/timeline.h"
#include "tracer/trace_report.h"

namespace {

void ignore(std::string_view) {}

/// A point of the timeline and a frame.
void add_mark(std::uint64_t number)
{
    static tarn::FrameStart start{};
    tarn::frame_table.end(
        start,
        {.is_known = true, .ticks = 1000 * number, .allocations = number, .bytes = 100 * number},
        1);
    ::usleep(2000);
    tarn::timeline.look();
}

/// Three stacks in two modules, of which one has a tag, and what they have allocated; two frames.
tarn::FilePages good_file()
{
    const std::string path = "/tmp/tarn-state-fuzz." + std::to_string(::getpid());
    if (!tarn::arena.initialise() || !tarn::state_file.open({.path = path,
                                                             .options = "trace",
                                                             .sample_period = 0,
                                                             .started_at = 0,
                                                             .sink = ignore}))
        std::abort();
    for (std::uint32_t number : {1U, 2U})
        tarn::state_file.note_module({.size = 0,
                                      .number = number,
                                      .start = 0x1000,
                                      .end = 0x2000,
                                      .bias = 0,
                                      .id_size = 4,
                                      .name_size = 0,
                                      .id = {}},
                                     "/nowhere/module");
    tarn::timeline.start();
    const tarn::TagId tag = tarn::tag_table.add("outer::inner");
    tarn::tag_table.set_budget(tag, 1000);
    const tarn::TraceId outer = tarn::stack_trie.child(tarn::kNoTrace, {.address = 1, .module = 1});
    const tarn::TraceId tagged =
        tarn::stack_trie.child(tarn::tag_table[tag].node, {.address = 1, .module = 1});
    for (std::uint64_t address : {2, 3, 4, 2, 3, 4, 2, 3, 4}) {
        const tarn::TraceId trace = tarn::stack_trie.child(
            address == 4 ? tagged : outer, {.address = address, .module = address % 3});
        tarn::Site* const site = tarn::site_table.find(trace);
        if (site == nullptr) std::abort();
        site->allocations.add(2);
        site->bytes.add(2000);
        site->detail().allocated(1000, 1, true);
        tarn::live_totals.allocated(200'000);
        add_mark(address);
    }
    tarn::FilePages pages = tarn::read_pages(path);
    ::unlink(path.c_str());
    return pages;
}

void change(tarn::FilePages& pages, const std::uint8_t* record)
{
    constexpr std::size_t kTables = 0x5000;
    std::size_t offset = std::size_t{record[0]} << 16 | std::size_t{record[1]} << 8 | record[2];
    if (offset >= kTables) offset = kTables + (offset - kTables) * 8;
    const std::array<std::uint8_t, 2> value{record[3], record[4]};
    if (offset + value.size() <= pages.size()) pages.put(offset, value.data(), value.size());
    if (offset == kTables) pages.cut(std::size_t{record[3]} << 12 | std::size_t{record[4]} << 4);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const tarn::FilePages kGood = good_file();
    tarn::FilePages pages = kGood;
    for (constexpr std::size_t kRecord = 5; size >= kRecord; data += kRecord, size -= kRecord)
        change(pages, data);
    try {
        tarn::StateImage image(std::move(pages));
        const tarn::TracedProcess process{.number = image.header().process,
                                          .executable = "fuzz",
                                          .moment = "now",
                                          .table_bytes = 0,
                                          .nanoseconds_per_tick = image.nanoseconds_per_tick()};
        tarn::live_totals.note_last_peak();
        tarn::write_trace_report(
            {.most_sites = 5, .profile = {}, .timeline = "", .started_at = 0, .of = &process},
            ignore);
    } catch (const std::runtime_error&) {
        return 0; // as it should be
    }
    return 0;
}
