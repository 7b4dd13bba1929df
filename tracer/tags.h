// SPDX-License-Identifier: MIT
//
// Tags: names that a program gives to what its threads do, one inside the other,
// "render::textures". The tag is the outermost node of a stack in the trie, above main, as if it
// were a call: so every block, site and leak knows its tag at no cost, and what has a tag in common
// is added up when a report is made. Only what is in use of a tag, and the most of it, is counted
// as it goes.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "src/os/mutex.h"
#include "tracer/site_detail.h"
#include "tracer/stack_trie.h"

namespace tarn {

/// Number of a tag.
using TagId = std::uint16_t;
inline constexpr TagId kNoTag = 0;

inline constexpr std::size_t kMostTags = 4095;
inline constexpr std::size_t kMostTagPath = 255; // bytes
inline constexpr std::size_t kMostTagDepth = 62; // of a thread's

/// Counted is what has the tag or one inside it.
struct Tag {
    static constexpr std::uint64_t kNoBudget = std::numeric_limits<std::uint64_t>::max();

    std::array<char, kMostTagPath> text;
    std::uint8_t size; // of the text
    TagId outer;       // kNoTag: it is the outermost one
    TraceId node;      // of the trie
    SiteCounter live_bytes;
    SiteMaximum peak_bytes;                  // of these
    std::atomic<std::uint64_t> budget;       // bytes in use that are not to be exceeded
    SiteCounter excesses;                    // how often they were
    std::atomic<std::uint64_t> first_excess; // milliseconds of os::clock_milliseconds()
    std::atomic<std::uint64_t> limit;        // bytes in use beyond which a request is refused
    SiteCounter refusals;

    std::string_view path() const { return {text.data(), size}; }
};

inline constexpr std::size_t kTagsInChunk = 64;
using TagChunk = std::array<Tag, kTagsInChunk>;

/// All tags. Thread safety: any thread; what exists is found without a lock.
class TagTable {
public:
    /// The tag of a path. Errors: kNoTag, there is none.
    TagId find(std::string_view path) const;

    /// As find(), or a new one, with those outside it. Errors: kNoTag, no memory, too many, or no
    /// path, see is_path(). Requires: on a slow path, so that no fork() comes in between.
    TagId add(std::string_view path);

    /// Names that are not empty, joined by "::", without control characters.
    static bool is_path(std::string_view path);

    /// `id`: 1 to size().
    Tag& operator[](TagId id) const
    {
        return (*chunks_[id / kTagsInChunk].load(std::memory_order_acquire))[id % kTagsInChunk];
    }
    std::size_t size() const { return size_.load(std::memory_order_acquire); }

    void allocated(TagId id, std::uint64_t bytes, bool is_alone)
    {
        for (; id != kNoTag; id = (*this)[id].outer) {
            Tag& tag = (*this)[id];
            const std::uint64_t before = tag.live_bytes.fetch_add(bytes, is_alone);
            tag.peak_bytes.raise(before + bytes);
            const std::uint64_t budget = tag.budget.load(std::memory_order_relaxed);
            if (before + bytes > budget && before <= budget) [[unlikely]]
                note_excess(tag);
        }
    }
    void freed(TagId id, std::uint64_t bytes, bool is_alone)
    {
        for (; id != kNoTag; id = (*this)[id].outer)
            (*this)[id].live_bytes.subtract(bytes, is_alone);
    }

    /// Whether `bytes` more of the tag, and so of those outside it, are within their limits; counts
    /// that they are not. Of threads that ask at once each may get what is left.
    bool has_room(TagId id, std::uint64_t bytes)
    {
        for (; id != kNoTag; id = (*this)[id].outer) {
            Tag& tag = (*this)[id];
            const std::uint64_t limit = tag.limit.load(std::memory_order_relaxed);
            const std::uint64_t live = tag.live_bytes.get();
            if (live <= limit && bytes <= limit - live) [[likely]]
                continue;
            tag.refusals.add(1, false);
            return false;
        }
        return true;
    }

    /// From now on it counts how often more than that is in use; kNoBudget: no longer.
    void set_budget(TagId id, std::uint64_t bytes);

    /// Takes over the tags of a state file, see StackTrie::adopt(): the first `size`, or as many as
    /// there are. Errors: false, they are damaged.
    bool adopt(std::span<void* const> chunks, std::size_t size);

private:
    static constexpr std::size_t kSlots = std::size_t{1} << 13; // half of them stay free

    static constexpr std::size_t kMostChunks = (kMostTags + 1) / kTagsInChunk;

    TagId add_one(std::string_view path, TagId outer);
    bool has_room_for(std::size_t number);
    static void note_excess(Tag& tag);

    std::array<std::atomic<TagId>, kSlots> slots_{}; // by hash, open addressing
    std::array<std::atomic<TagChunk*>, kMostChunks> chunks_{};
    std::atomic<std::size_t> size_{0};
    os::Mutex mutex_; // for changes
};

extern constinit TagTable tag_table;

/// The tag that a stack begins with.
TagId tag_of(TraceId trace);

/// Runs what it is given as on a slow path, or not at all if that cannot be.
using Undisturbed = void (*)(void (*action)());

/// What the calling thread allocates from now on has a tag more, inside those it has. Errors:
/// false, it goes without; it is to be popped all the same.
bool push_tag(std::string_view name, Undisturbed run);
/// Without the one that was pushed last. Errors: false, there is none.
bool pop_tag();
/// See TagTable::set_budget(). Errors: false, no such tag, and none can be made.
bool set_tag_budget(std::string_view path, std::uint64_t bytes, Undisturbed run);
/// See TagTable::has_room(); kNoBudget: no longer. Errors: likewise.
bool set_tag_limit(std::string_view path, std::uint64_t bytes, Undisturbed run);
/// TagTable::has_room() of the calling thread's tag.
bool current_tag_has_room(std::uint64_t bytes);

} // namespace tarn
