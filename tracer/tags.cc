// SPDX-License-Identifier: MIT

#include "tracer/tags.h"

#include <algorithm>

#include "src/base/print.h"
#include "src/base/text.h"
#include "src/os/process.h"
#include "tracer/state_file.h"
#include "tracer/traces.h"

namespace tarn {

constinit TagTable tag_table;

namespace {

constexpr std::string_view kBetween = "::";

/// FNV-1a: paths are short.
std::size_t hash_of(std::string_view path)
{
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : path)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return hash ^ hash >> 32U;
}

} // namespace

bool TagTable::is_path(std::string_view path)
{
    if (path.empty() || path.size() > kMostTagPath) return false;
    for (const char c : path)
        if (is_control(c)) return false;
    for (;;) {
        const std::size_t end = path.find(kBetween);
        if (end == 0 || path.empty()) return false;
        if (end == std::string_view::npos) return true;
        path = slice(path, end + kBetween.size());
    }
}

TagId TagTable::find(std::string_view path) const
{
    for (std::size_t slot = hash_of(path);; ++slot) {
        const TagId id = slots_[slot % kSlots].load(std::memory_order_acquire);
        if (id == kNoTag || (*this)[id].path() == path) return id;
    }
}

TagId TagTable::add(std::string_view path)
{
    if (!is_path(path)) return kNoTag;
    const os::LockGuard guard(mutex_);
    TagId outer = kNoTag;
    for (std::size_t end = 0; end < path.size();) {
        end = std::min(path.find(kBetween, end), path.size());
        const std::string_view part = slice(path, 0, end);
        const TagId found = find(part);
        outer = found != kNoTag ? found : add_one(part, outer);
        if (outer == kNoTag) break;
        end += kBetween.size();
    }
    return outer;
}

/// Errors: kNoTag, no memory or too many.
TagId TagTable::add_one(std::string_view path, TagId outer)
{
    const std::size_t number = size_.load(std::memory_order_relaxed) + 1;
    if (number > kMostTags || !has_room_for(number)) return kNoTag;
    const auto id = static_cast<TagId>(number);
    const TraceId node = stack_trie.child(kNoTrace, {.address = id, .module = kTagModule});
    if (node == kNoTrace) return kNoTag;
    Tag& tag = (*this)[id];
    std::ranges::copy(path, tag.text.begin());
    tag.size = static_cast<std::uint8_t>(path.size());
    tag.outer = outer;
    tag.node = node;
    tag.budget.store(Tag::kNoBudget, std::memory_order_relaxed);
    tag.limit.store(Tag::kNoBudget, std::memory_order_relaxed);
    std::size_t slot = hash_of(path);
    while (slots_[slot % kSlots].load(std::memory_order_relaxed) != kNoTag)
        ++slot;
    size_.store(number, std::memory_order_release);
    state_file.note_tags(number);
    slots_[slot % kSlots].store(id, std::memory_order_release);
    return id;
}

/// Errors: false, no memory.
bool TagTable::has_room_for(std::size_t number)
{
    std::atomic<TagChunk*>& chunk = chunks_[number / kTagsInChunk];
    if (chunk.load(std::memory_order_relaxed) != nullptr) return true;
    auto* const fresh = static_cast<TagChunk*>(take_table(StateChunk::tags, sizeof(TagChunk)));
    chunk.store(fresh, std::memory_order_release);
    return fresh != nullptr;
}

void TagTable::note_excess(Tag& tag)
{
    tag.excesses.add(1, false);
    std::uint64_t none = 0;
    tag.first_excess.compare_exchange_strong(none, os::clock_milliseconds(),
                                             std::memory_order_relaxed);
}

void TagTable::set_budget(TagId id, std::uint64_t bytes)
{
    Tag& tag = (*this)[id];
    tag.budget.store(bytes, std::memory_order_relaxed);
    if (tag.live_bytes.get() > bytes) note_excess(tag);
}

TagId tag_of(TraceId trace)
{
    TraceId outermost = trace;
    while (outermost != kNoTrace && stack_trie.parent(outermost) != kNoTrace)
        outermost = stack_trie.parent(outermost);
    if (outermost == kNoTrace) return kNoTag;
    const Call call = stack_trie.call(outermost);
    return call.module == kTagModule ? static_cast<TagId>(call.address) : kNoTag;
}

namespace {

/// A tag that is to be found or made, and then the tag.
struct Wanted {
    FixedText<kMostTagPath + 1> path; // one more, so that what is too long is seen to be
    TagId tag = kNoTag;
};

struct TagStack {
    std::uint32_t depth; // of which so many as there is room for are kept
    std::array<TagId, kMostTagDepth> tags;
    Wanted* wanted; // while it is being added

    TagId current() const
    {
        return depth == 0 ? kNoTag : tags[std::min<std::size_t>(depth, tags.size()) - 1];
    }
};
[[gnu::tls_model("initial-exec")]] constinit thread_local TagStack tag_stack{};

void add_wanted()
{
    Wanted& wanted = *tag_stack.wanted;
    wanted.tag = tag_table.add(wanted.path.view());
}

void find_or_add(Wanted& wanted, Undisturbed run)
{
    wanted.tag = tag_table.find(wanted.path.view());
    if (wanted.tag != kNoTag) return;
    tag_stack.wanted = &wanted;
    run(add_wanted);
    tag_stack.wanted = nullptr;
}

void use_current_tag()
{
    const TagId tag = tag_stack.current();
    begin_stacks_with(tag != kNoTag ? tag_table[tag].node : kNoTrace);
}

} // namespace

bool push_tag(std::string_view name, Undisturbed run)
{
    TagStack& stack = tag_stack;
    const TagId before = stack.current();
    if (stack.depth++ >= stack.tags.size()) return false;
    stack.tags[stack.depth - 1] = before;
    Wanted wanted;
    if (before != kNoTag) wanted.path << tag_table[before].path() << kBetween;
    wanted.path << name;
    if (!name.empty()) find_or_add(wanted, run);
    if (wanted.tag == kNoTag) return false;
    stack.tags[stack.depth - 1] = wanted.tag;
    use_current_tag();
    return true;
}

bool pop_tag()
{
    if (tag_stack.depth == 0) return false;
    --tag_stack.depth;
    use_current_tag();
    return true;
}

bool set_tag_budget(std::string_view path, std::uint64_t bytes, Undisturbed run)
{
    Wanted wanted;
    wanted.path << path;
    find_or_add(wanted, run);
    if (wanted.tag == kNoTag) return false;
    tag_table.set_budget(wanted.tag, bytes);
    return true;
}

bool set_tag_limit(std::string_view path, std::uint64_t bytes, Undisturbed run)
{
    Wanted wanted;
    wanted.path << path;
    find_or_add(wanted, run);
    if (wanted.tag == kNoTag) return false;
    tag_table[wanted.tag].limit.store(bytes, std::memory_order_relaxed);
    return true;
}

bool current_tag_has_room(std::uint64_t bytes)
{
    return tag_table.has_room(tag_stack.current(), bytes);
}

} // namespace tarn
