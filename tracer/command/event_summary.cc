// SPDX-License-Identifier: MIT

#include "tracer/command/event_summary.h"

#include <algorithm>
#include <iomanip>
#include <map>
#include <ostream>

namespace tarn {

namespace {

double seconds(const EventFile& file, std::uint64_t ticks)
{
    return static_cast<double>(ticks) * file.nanoseconds_per_tick / 1e9;
}

struct Counts {
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    std::uint64_t resizes = 0;
    std::uint64_t bytes = 0;

    void add(const Event& event)
    {
        allocations += event.kind == Event::Kind::allocated ? 1 : 0;
        frees += event.kind == Event::Kind::freed ? 1 : 0;
        resizes += event.kind == Event::Kind::resized ? 1 : 0;
        bytes += event.size;
    }
};

std::ostream& operator<<(std::ostream& out, const Counts& counts)
{
    return out << counts.allocations << " allocations, " << counts.resizes << " reallocs, "
               << counts.frees << " frees, " << counts.bytes << " bytes asked for";
}

} // namespace

void LiveBytes::remove(std::uint64_t block)
{
    const auto found = sizes_.find(block);
    if (found == sizes_.end()) return;
    bytes_ -= found->second;
    sizes_.erase(found);
}

void LiveBytes::add(const Event& event)
{
    if (event.kind == Event::Kind::freed) return remove(event.block);
    if (event.kind == Event::Kind::resized) remove(event.old_block);
    sizes_[event.block] = event.size;
    bytes_ += event.size;
    if (bytes_ <= most_bytes_) return;
    most_bytes_ = bytes_;
    most_at_ = event.ticks;
}

void write_event_gaps(const EventFile& file, const EventOrder& order, std::ostream& out)
{
    using Reason = events::Mark::Reason;
    if (file.damaged_from != 0)
        out << "damaged from byte " << file.damaged_from << " on: what comes before it is used\n";
    if (order.is_damaged()) out << "damaged within: some events are missing\n";
    if (!file.ends_with_mark)
        out << "the program has not ended in order, or still runs: the last events of each thread "
               "are missing\n";
    if (!file.marks.empty() && file.marks.back().reason == Reason::is_full)
        out << "events_max was reached: later events are missing\n";
    if (!file.marks.empty() && file.marks.back().unrecorded != 0)
        out << file.marks.back().unrecorded << " events are missing for want of memory\n";
    if (order.unknown_frees() != 0)
        out << order.unknown_frees() << " frees of unknown blocks are left out\n";
    if (order.missing_frees() != 0)
        out << order.missing_frees()
            << " frees are missing: they are put in where the next block "
               "is allocated\n";
}

void write_event_summary(const EventFile& file, std::ostream& out)
{
    EventOrder order(file);
    LiveBytes live;
    Counts all;
    std::map<std::uint32_t, Counts> threads;
    std::uint64_t end = 0;
    for (Event event; order.next(event);) {
        live.add(event);
        all.add(event);
        threads[event.thread].add(event);
        end = std::max(end, event.ticks);
    }
    out << std::fixed << std::setprecision(3) << file.executable() << ", process "
        << file.header.process << ", " << seconds(file, end) << " s\n"
        << all << "\n"
        << "most in use  " << live.most_bytes() << " bytes after " << seconds(file, live.most_at())
        << " s\n"
        << "in use at the end  " << live.bytes() << " bytes in " << live.blocks() << " blocks\n";
    for (const auto& [thread, counts] : threads)
        out << "thread " << thread << "  " << counts << "\n";
    write_event_gaps(file, order, out);
}

void write_event_text(const EventFile& file, std::ostream& out)
{
    EventOrder order(file);
    for (Event event; order.next(event);) {
        out << std::dec << std::fixed << std::setprecision(9) << seconds(file, event.ticks) << " "
            << event.thread;
        if (event.kind == Event::Kind::freed) {
            out << " free 0x" << std::hex << event.block << "\n";
            continue;
        }
        if (event.kind == Event::Kind::resized)
            out << " realloc 0x" << std::hex << event.old_block << std::dec;
        else
            out << (event.alignment != 0 ? " aligned_alloc" : " malloc");
        if (event.alignment != 0) out << " " << event.alignment;
        out << " " << event.size << " = 0x" << std::hex << event.block << std::dec;
        if (event.stack != 0) out << " stack " << event.stack;
        out << "\n";
    }
}

} // namespace tarn
