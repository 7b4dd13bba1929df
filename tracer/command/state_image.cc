// SPDX-License-Identifier: MIT

#include "tracer/command/state_image.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "src/base/units.h"
#include "src/os/process.h"
#include "tracer/sites.h"
#include "tracer/stack_trie.h"
#include "tracer/tags.h"
#include "tracer/traces.h"

namespace tarn {

namespace {

[[noreturn]] void refuse(const char* why)
{
    throw std::runtime_error(why);
}

constexpr const char* kDamaged = "a damaged state file";
constexpr const char* kCutOff = "a state file that is cut off";

/// As the library of this version writes it.
constexpr StateSizes kOwnSizes{.node = StackTrie::kNodeSize,
                               .nodes_in_chunk = StackTrie::kNodesInChunk,
                               .site = sizeof(Site),
                               .detail = sizeof(SiteDetail),
                               .sites_in_chunk = kSitesInChunk,
                               .totals = sizeof(LiveTotals),
                               .tag = sizeof(Tag),
                               .tags_in_chunk = kTagsInChunk,
                               .frames = sizeof(FrameTotals),
                               .timeline = sizeof(TimelineTable)};

std::uint64_t load(const std::atomic<std::uint64_t>& from)
{
    return from.load(std::memory_order_relaxed);
}

} // namespace

bool StackTrie::adopt(std::span<void* const> chunks, std::size_t size, std::size_t modules)
{
    if (chunks.size() > kMostChunks || size / kNodesInChunk >= std::max(chunks.size(), 1UL))
        return false;
    // A reader looks no children up: what the file says of them is not checked, but forgotten.
    outermost_.store(kNoTrace, std::memory_order_relaxed);
    table_.store(nullptr, std::memory_order_relaxed);
    in_table_ = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i)
        chunks_[i].store(static_cast<Node*>(chunks[i]), std::memory_order_relaxed);
    size_.store(chunks.empty() ? 0 : size, std::memory_order_release);
    for (std::size_t id = 1; id <= this->size(); ++id) {
        Node& own = node(static_cast<TraceId>(id));
        own.first.store(kNoTrace, std::memory_order_relaxed);
        if (own.parent >= id) return false; // there could be a ring
        const bool is_tag = own.call.module == kTagModule && own.parent == kNoTrace &&
                            own.call.address != kNoTag && own.call.address <= tag_table.size();
        if (own.call.module > modules && !is_tag) own.call.module = kNoModule;
    }
    return true;
}

std::size_t SiteTable::adopt(std::span<void* const> chunks, std::size_t size)
{
    const std::size_t there =
        std::min({size, chunks.size() * kSitesInChunk, kMostChunks * kSitesInChunk - 1});
    for (std::size_t i = 0; i < std::min(chunks.size(), kMostChunks); ++i)
        chunks_[i].store(static_cast<SiteChunk*>(chunks[i]), std::memory_order_relaxed);
    std::size_t kept = 0;
    for (std::size_t number = 1; number <= there && number / kSitesInChunk < chunks.size();
         ++number) {
        Site& from = site(number);
        const bool is_sound = from.index == number % kSitesInChunk && from.trace != kNoTrace &&
                              from.trace <= stack_trie.size() &&
                              stack_trie.call(from.trace).module != kTagModule;
        if (!is_sound) continue;
        from.tag = tag_of(from.trace);
        ++kept;
        if (kept == number) continue;
        Site& to = site(kept);
        const std::uint32_t index = kept % kSitesInChunk;
        SiteDetail& detail = from.detail();
        std::memcpy(static_cast<void*>(&to), &from, sizeof from);
        to.index = index;
        std::memcpy(static_cast<void*>(&to.detail()), &detail, sizeof detail);
    }
    size_.store(kept, std::memory_order_release);
    return size - kept;
}

bool TagTable::adopt(std::span<void* const> chunks, std::size_t size)
{
    if (chunks.size() > kMostChunks) return false;
    const std::size_t there = chunks.empty() ? 0 : chunks.size() * kTagsInChunk - 1;
    for (std::size_t i = 0; i < chunks.size(); ++i)
        chunks_[i].store(static_cast<TagChunk*>(chunks[i]), std::memory_order_relaxed);
    size_.store(std::min(size, there), std::memory_order_release);
    for (std::size_t id = 1; id <= this->size(); ++id) {
        const Tag& own = (*this)[static_cast<TagId>(id)];
        if (own.outer >= id || !is_path(own.path())) return false;
    }
    return true;
}

bool Timeline::adopt(TimelineTable* table, std::uint64_t ended_at)
{
    table_ = table;
    ended_at_ = ended_at;
    if (table == nullptr) return true;
    if (table->size > kMostPoints) return false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < table->size; ++i) {
        const TimelinePoint& point = table->points[i];
        if (kept != 0 && !point.follows(table->points[kept - 1])) continue;
        table->points[kept++] = point;
    }
    table->size = kept;
    return true;
}

void ModuleTable::adopt(Module* modules, std::size_t count)
{
    modules_ = modules;
    size_.store(count, std::memory_order_release);
}

void FilePages::put(std::size_t offset, const void* bytes, std::size_t size)
{
    size_ = std::max(size_, offset + size);
    pages_.resize(divide_up(size_, kStatePage));
    std::memcpy(pages_.data()->bytes.data() + offset, bytes, size);
}

void FilePages::cut(std::size_t size)
{
    size_ = std::min(size_, size);
    pages_.resize(divide_up(size_, kStatePage));
}

FilePages read_pages(const std::string& path)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    FilePages pages;
    std::vector<char> block(KiB(256));
    // The header twice: the sites that it first had belong to nodes that it has then, and whatever
    // it has then is in the rest.
    std::uint64_t sites = 0;
    StateHeader first{};
    if (file.read(reinterpret_cast<char*>(&first), sizeof first)) sites = load(first.sites);
    file.clear();
    file.seekg(0);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) ||
           file.gcount() != 0)
        pages.put(pages.size(), block.data(), static_cast<std::size_t>(file.gcount()));
    if (pages.size() == 0)
        refuse(errno != 0 ? std::generic_category().message(errno).c_str() : "empty");
    if (pages.size() >= sizeof first)
        reinterpret_cast<StateHeader*>(pages.at(0))->sites.store(sites, std::memory_order_relaxed);
    return pages;
}

StateImage::StateImage(FilePages pages) : pages_(std::move(pages))
{
    check_header();
    list_chunks();
    adopt_modules();
    adopt_marks();
    adopt_stacks();
    std::memcpy(static_cast<void*>(&live_totals), pages_.at(kStateTotals), sizeof live_totals);
    set_sample_period_of_traces(header().sample_period);
}

void StateImage::adopt_marks()
{
    if (!tag_table.adopt(tags_, load(header().tags))) refuse(kDamaged);
    // A process that was stopped, or is just in the middle of a frame's end, has counted a part.
    const bool has_frames = frames_ != nullptr && frames_->ticks.count() != 0 &&
                            frames_->allocations.count() != 0 && frames_->bytes.count() != 0;
    frame_table.adopt(has_frames ? frames_ : nullptr);
    if (!timeline.adopt(timeline_, is_running() ? 0 : load(header().latest.ticks)))
        refuse(kDamaged);
}

void StateImage::adopt_stacks()
{
    const bool is_full = load(header().is_full) != 0;
    const std::size_t nodes_told = load(header().nodes);
    const std::size_t nodes_there = nodes_.size() * StackTrie::kNodesInChunk;
    if (nodes_told >= std::max(nodes_there, 1UL) && !is_full) refuse(kDamaged);
    const std::size_t nodes = std::min(nodes_told, nodes_there != 0 ? nodes_there - 1 : 0);
    if (!stack_trie.adopt(nodes_, nodes, modules_.size())) refuse(kDamaged);
    missing_ = site_table.adopt(sites_, load(header().sites));
    if (missing_ != 0 && !is_full) refuse(kDamaged);
}

void StateImage::check_header()
{
    if (pages_.size() < sizeof(std::uint64_t)) refuse("no state file");
    const std::uint64_t magic = load(header().magic);
    if (magic == 0) refuse("no state file, or one that has only just been begun");
    if (magic != kStateMagic) refuse("no state file");
    if (pages_.size() < kStateFirstChunk) refuse(kCutOff);
    if (header().version != kStateVersion || header().sizes != kOwnSizes)
        refuse("a state file of another version of tarn");
    if (load(header().used) > pages_.size()) refuse(kCutOff);
}

void StateImage::list_chunks()
{
    for (std::uint64_t at = kStateFirstDirectory; at != 0;) {
        const auto& directory = *reinterpret_cast<const StateDirectory*>(pages_.at(at));
        for (const StateEntry& entry : directory.entries) {
            const StateChunk kind = entry.kind.load(std::memory_order_relaxed);
            if (kind == StateChunk::none) return;
            list_chunk(entry, kind);
        }
        const std::uint64_t next = load(directory.next);
        if (next == 0) return;
        const bool is_right = next > at && next % kStatePage == 0 && next < pages_.size() &&
                              pages_.size() - next >= kStatePage;
        if (!is_right) refuse(kDamaged);
        at = next;
    }
}

void StateImage::list_chunk(const StateEntry& entry, StateChunk kind)
{
    const std::size_t size = entry.pages * kStatePage;
    if (entry.offset % kStatePage != 0 || entry.offset > pages_.size() ||
        size > pages_.size() - entry.offset)
        refuse(kCutOff);
    std::byte* const chunk = pages_.at(entry.offset);
    const auto is_of = [&](std::size_t wanted) {
        if (size < wanted) refuse(kDamaged);
        return chunk;
    };
    if (kind == StateChunk::nodes)
        nodes_.push_back(is_of(StackTrie::kNodeSize * StackTrie::kNodesInChunk));
    else if (kind == StateChunk::sites)
        sites_.push_back(is_of(sizeof(SiteChunk)));
    else if (kind == StateChunk::modules)
        list_modules(chunk, size);
    else if (kind == StateChunk::tags)
        tags_.push_back(is_of(sizeof(TagChunk)));
    else if (kind == StateChunk::frames)
        frames_ = reinterpret_cast<FrameTotals*>(is_of(sizeof(FrameTotals)));
    else if (kind == StateChunk::course)
        timeline_ = reinterpret_cast<TimelineTable*>(is_of(sizeof(TimelineTable)));
}

void StateImage::list_modules(std::byte* chunk, std::size_t size)
{
    while (size >= sizeof(StateModule)) {
        const auto& record = *reinterpret_cast<const StateModule*>(chunk);
        const std::size_t whole = record.size.load(std::memory_order_relaxed);
        if (whole == 0) return;
        Module module{};
        const bool is_right =
            whole <= size && whole % 8 == 0 && whole >= sizeof record &&
            record.name_size <= whole - sizeof record && record.id_size <= module.id.size() &&
            record.number == modules_.size() + 1 && modules_.size() + 1 < kMostModules;
        if (!is_right) refuse(kDamaged);
        names_.emplace_back(reinterpret_cast<const char*>(chunk + sizeof record), record.name_size);
        module.range = {record.start, record.end};
        module.bias = record.bias;
        module.id_size = record.id_size;
        std::copy_n(record.id.begin(), module.id_size, module.id.begin());
        modules_.push_back(module);
        chunk += whole;
        size -= whole;
    }
}

void StateImage::adopt_modules()
{
    for (std::size_t i = 0; i < modules_.size(); ++i)
        modules_[i].name = names_[i].c_str();
    module_table.adopt(modules_.data(), modules_.size());
}

double StateImage::nanoseconds_per_tick()
{
    const StateHeader& own = header();
    const auto ticks = static_cast<double>(load(own.latest.ticks) - load(own.first.ticks));
    const auto time =
        static_cast<double>(load(own.latest.nanoseconds) - load(own.first.nanoseconds));
    const double rate = ticks > 0 ? time / ticks : 0;
    constexpr double kMost = 1000;
    return rate > 1 / kMost && rate < kMost ? rate : 1;
}

bool StateImage::is_running()
{
    const std::uint64_t started = os::start_of_process(header().process);
    return started != 0 && started == header().process_started;
}

} // namespace tarn
