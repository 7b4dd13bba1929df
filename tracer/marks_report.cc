// SPDX-License-Identifier: MIT

#include "tracer/marks_report.h"

#include <algorithm>
#include <functional>

#include "tracer/frames.h"
#include "tracer/mapped_array.h"
#include "tracer/report_text.h"
#include "tracer/site_figures.h"
#include "tracer/sites.h"
#include "tracer/tags.h"

namespace tarn {

namespace {

/// Of a tag and all inside it.
struct TagTotals {
    TagId id;
    std::uint64_t peak_bytes;
    std::uint64_t live_blocks;
    std::uint64_t live_bytes;
    std::uint64_t allocations;
    std::uint64_t bytes;

    void add(const Site& site)
    {
        live_blocks += site.live_blocks();
        live_bytes += site.live_bytes();
        allocations += site.allocations.get();
        bytes += site.bytes.get();
    }
};

class TagReport {
public:
    explicit TagReport(Printer& out) : out_(out) {}

    /// Errors: false, no memory, or no tags.
    bool collect()
    {
        if (tag_table.size() == 0 || !tags_.reserve(kMostTags + 1)) return false;
        if (!tags_.resize(tag_table.size() + 1)) return false;
        for (std::size_t number = 1; number <= site_table.size(); ++number) {
            const Site& site = site_table.site(number);
            if (site.tag == kNoTag) tags_[kNoTag].add(site);
            for (TagId id = site.tag; id != kNoTag && id < tags_.size(); id = tag_table[id].outer)
                tags_[id].add(site);
        }
        for (std::size_t number = 1; number < tags_.size(); ++number) {
            const auto id = static_cast<TagId>(number);
            tags_[id].id = id;
            tags_[id].peak_bytes = tag_table[id].peak_bytes.get();
        }
        return true;
    }

    void print(std::size_t most_tags)
    {
        const std::span tags = tags_.all().subspan(1);
        // Not std::stable_sort, which allocates.
        std::ranges::sort(tags, [](const TagTotals& a, const TagTotals& b) {
            return a.peak_bytes != b.peak_bytes ? a.peak_bytes > b.peak_bytes : a.id < b.id;
        });
        out_ << Margin{} << "\n" << Margin{} << "Tags, each with all that is inside it:\n";
        print_row("most in use", "at the end", "blocks", "allocated", "allocations");
        out_ << "  tag\n";
        std::size_t used = 0;
        for (const TagTotals& tag : tags) {
            if (tag.allocations == 0 || ++used > most_tags) continue;
            print_figures(tag);
            out_ << "  " << tag_table[tag.id].path() << "\n";
        }
        if (used > most_tags)
            out_ << Margin{} << "  ... and " << used - most_tags << " more tags (trace_max)\n";
        print_figures(tags_[kNoTag]);
        out_ << "  (no tag)\n";
    }

    void print_budgets(std::uint64_t started_at)
    {
        for (std::size_t number = 1; number < tags_.size(); ++number) {
            const Tag& tag = tag_table[static_cast<TagId>(number)];
            const std::uint64_t budget = tag.budget.load(std::memory_order_relaxed);
            print_limit(tag);
            if (budget == Tag::kNoBudget) continue;
            out_ << Margin{} << "  budget of " << tag.path() << ": " << HumanBytes{budget};
            if (const std::uint64_t excesses = tag.excesses.get()) {
                const std::uint64_t first = tag.first_excess.load(std::memory_order_relaxed);
                out_ << ", exceeded " << excesses << (excesses == 1 ? " time, " : " times, first ")
                     << first - started_at << " ms after the start";
            } else {
                out_ << ", never exceeded";
            }
            out_ << "; " << HumanBytes{tag.peak_bytes.get()} << " in use at most\n";
        }
    }

private:
    void print_limit(const Tag& tag)
    {
        const std::uint64_t limit = tag.limit.load(std::memory_order_relaxed);
        const std::uint64_t refusals = tag.refusals.get();
        if (limit == Tag::kNoBudget && refusals == 0) return;
        out_ << Margin{} << "  limit of " << tag.path() << ": ";
        if (limit == Tag::kNoBudget)
            out_ << "none any more";
        else
            out_ << HumanBytes{limit};
        out_ << ", " << refusals << (refusals == 1 ? " request" : " requests") << " refused; "
             << HumanBytes{tag.peak_bytes.get()} << " in use at most\n";
    }

    void print_row(std::string_view most, std::string_view live, std::string_view blocks,
                   std::string_view bytes, std::string_view allocations)
    {
        out_ << Margin{} << Column{most, 13} << Column{live, 12} << Column{blocks, 11}
             << Column{bytes, 12} << Column{allocations, 13};
    }

    void print_figures(const TagTotals& tag)
    {
        const auto text = [](auto value) { return text_of([&](Printer& out) { out << value; }); };
        // Of what has no tag it is not counted.
        const auto most = tag.id != kNoTag ? text(HumanBytes{tag.peak_bytes}) : text("-");
        print_row(most.view(), text(HumanBytes{tag.live_bytes}).view(),
                  text(tag.live_blocks).view(), text(HumanBytes{tag.bytes}).view(),
                  text(tag.allocations).view());
    }

    Printer& out_;
    MappedArray<TagTotals> tags_; // by number; later by what they had in use; first: without a tag
};

class FrameReport {
public:
    FrameReport(Printer& out, double nanoseconds) : out_(out), nanoseconds_(nanoseconds)
    {
        frame_table.copy(totals_);
        const std::size_t size = window_size();
        std::copy_n(totals_.window.begin() + (size < FrameTotals::kWindow ? 1 : 0), size,
                    last_.begin());
    }

    void print()
    {
        if (totals_.count() == 0) return;
        out_ << Margin{} << "\n"
             << Margin{} << "Frames: " << totals_.count() << ", marked by " << totals_.threads
             << (totals_.threads == 1 ? " thread;" : " threads;");
        print_heading();
        const auto time = [this](Printer& out, std::uint64_t ticks) {
            print_time(out, static_cast<double>(ticks) * nanoseconds_);
        };
        const auto number = [](Printer& out, std::uint64_t value) { out << value; };
        const auto bytes = [](Printer& out, std::uint64_t value) { out << HumanBytes{value}; };
        print_figure("time", totals_.ticks, &Frame::ticks, time);
        print_figure("allocations", totals_.allocations, &Frame::allocations, number);
        print_figure("bytes", totals_.bytes, &Frame::bytes, bytes);
        print_worst("took longest", totals_.longest, &Frame::ticks);
        print_worst("allocated most often", totals_.busiest, &Frame::allocations);
    }

private:
    static constexpr int kName = -16; // widths
    static constexpr int kFigure = 11;

    std::size_t window_size() const
    {
        return std::min<std::size_t>(totals_.count(), FrameTotals::kWindow);
    }

    void print_heading()
    {
        const bool has_more = totals_.count() > FrameTotals::kWindow;
        out_ << (has_more ? " on the right the last 256 of them\n" : " of each\n") << Margin{}
             << Column{"", kName};
        for (int part = 0; part < (has_more ? 2 : 1); ++part)
            for (const std::string_view name : {"mean", "median", "99 %", "most"})
                out_ << Column{name, part == 1 && name == "mean" ? kFigure + 3 : kFigure};
        out_ << "\n";
    }

    template <class Print>
    void print_figure(std::string_view name, const FrameHistogram& all,
                      std::uint64_t Frame::*figure, Print print)
    {
        const auto cell = [&](std::uint64_t value, int width) {
            out_ << Column{text_of([&](Printer& out) { print(out, value); }).view(), width};
        };
        out_ << Margin{} << "  " << Column{name, kName + 2};
        cell(all.sum() / all.count(), kFigure);
        cell(all.percentile(50), kFigure);
        cell(all.percentile(99), kFigure);
        cell(all.most(), kFigure);
        if (totals_.count() > FrameTotals::kWindow) {
            const std::span last(last_.data(), window_size());
            std::ranges::sort(last, {}, figure);
            std::uint64_t sum = 0;
            for (const Frame& frame : last)
                sum += frame.*figure;
            cell(sum / last.size(), kFigure + 3);
            cell(last[(last.size() - 1) / 2].*figure, kFigure);
            cell(last[(last.size() * 99 - 1) / 100].*figure, kFigure);
            cell(last.back().*figure, kFigure);
        }
        out_ << "\n";
    }

    void print_worst(std::string_view what, std::span<const Frame> worst,
                     std::uint64_t Frame::*figure)
    {
        if (worst.front().*figure == 0) return;
        out_ << Margin{} << "  " << what << ":\n";
        for (const Frame& frame : worst) {
            if (frame.number == 0) continue;
            out_ << Margin{} << "    frame " << frame.number;
            if (totals_.threads > 1) out_ << " of thread " << std::uint64_t{frame.thread};
            out_ << ": ";
            print_time(out_, static_cast<double>(frame.ticks) * nanoseconds_);
            out_ << ", " << frame.allocations << " allocations of " << HumanBytes{frame.bytes}
                 << "\n";
        }
    }

    Printer& out_;
    double nanoseconds_;
    FrameTotals totals_;
    std::array<Frame, FrameTotals::kWindow> last_{};
};

} // namespace

void print_tags(Printer& out, std::size_t most_tags, std::uint64_t started_at)
{
    TagReport report(out);
    if (!report.collect()) return;
    report.print(most_tags);
    report.print_budgets(started_at);
}

void print_frames(Printer& out, double nanoseconds)
{
    FrameReport(out, nanoseconds).print();
}

} // namespace tarn
