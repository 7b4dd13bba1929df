// SPDX-License-Identifier: MIT
//
// Which type is right for which use: the decision table of the guide, for programs to ask.
//
//     constexpr Recommendation what =
//         recommend({.threads = Use::Threads::handed_over, .largest = sizeof(Packet)});
//     // what.type is "ThreadCachedPool", what.reason says why
//
// A function of its argument and nothing else, also when compiled. The advice of a trace is the
// same: what the figures of a place say is a use.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

#include <tarn/api.h>

namespace tarn {

/// What memory is wanted for. What is not known is left as it is.
struct Use {
    enum class Content : std::uint8_t {
        mixed,    // blocks of any sizes
        one_type, // objects of one type, or blocks of one size
        named,    // objects of one type that references may outlive
        columns,  // the members of many objects, each in an array of its own
        growing,  // one array that becomes larger and must not move
        buffers,  // for input and output
        stream,   // bytes or objects in order, from one end to another
        jobs,     // that threads take from each other
        file,     // built once and read again later
        assets,   // loaded when wanted, and again if they had to go
    };
    enum class Lifetime : std::uint8_t {
        unknown,
        scope,   // from here to the end of a block of code
        turn,    // of a main loop
        phase,   // of a compiler; a request, a unit
        part,    // of a program, while the rest goes on: a plugin, a document, a script
        process, // as long as that
    };
    enum class Frees : std::uint8_t {
        any_order,
        together, // or not at all
        reverse,  // the newest first
    };
    enum class Threads : std::uint8_t {
        one,         // or each has its own
        handed_over, // one allocates, another frees
        shared,      // several allocate from the same
    };

    Content content = Content::mixed;
    Lifetime lifetime = Lifetime::unknown;
    Frees frees = Frees::any_order;
    Threads threads = Threads::one;
    std::size_t smallest = 0; // bytes of a block
    std::size_t largest = 0;  // bytes of a block; 0: not known
    std::size_t count = 0;    // most blocks in use at once; 0: not known
    bool is_debugging = false;

    /// One pool of blocks of the largest size serves them without much waste.
    constexpr bool is_alike() const { return largest != 0 && largest - smallest <= smallest / 4; }
};

/// All constants.
struct Recommendation {
    const char* type;    // "ArenaResource"
    const char* header;  // "<tarn/arena_resource.h>"
    const char* options; // "ArenaOptions::frame()"; "" where those by default are right
    /// What a trace of tarn calls it, a name that stays: "arena", "pool", "buffer", "reserve",
    /// "handback"; or "".
    const char* advice;
    const char* reason; // one sentence
};

namespace detail {

// What follows from the sizes and the count of a use: bits.
inline constexpr unsigned kDebugging = 1;
inline constexpr unsigned kBounded = 2;   // all together fit a buffer
inline constexpr unsigned kSmall = 4;     // each fits a buffer
inline constexpr unsigned kAlike = 8;     // see Use::is_alike()
inline constexpr unsigned kPooled = 16;   // what pools and slabs hold
inline constexpr unsigned kOwnPages = 32; // what is worth pages of its own
inline constexpr unsigned kUnpooled = 64; // what no pool holds

/// Larger buffers do not belong on a stack, nor into every object that may need one.
inline constexpr std::size_t kLargestBuffer = std::size_t{16} << 10;
/// Blocks of a pool. Source: the defaults of SlabResource and ThreadCachedPool.
inline constexpr std::size_t kLargestPooled = std::size_t{8} << 10;
/// Pages pay where a call of the system, some microseconds, does not show.
inline constexpr std::size_t kLeastOwnPages = std::size_t{1} << 20;

constexpr unsigned traits_of(const Use& use)
{
    const bool is_known = use.largest != 0;
    unsigned traits = use.is_debugging ? kDebugging : 0;
    if (is_known && use.count != 0 && use.largest <= kLargestBuffer / use.count) traits |= kBounded;
    if (is_known && use.largest <= kLargestBuffer) traits |= kSmall;
    if (is_known && use.largest <= kLargestPooled) traits |= kPooled;
    if (use.is_alike() || use.content == Use::Content::one_type) traits |= kAlike;
    if (use.smallest >= kLeastOwnPages) traits |= kOwnPages;
    if (use.smallest > kLargestPooled) traits |= kUnpooled;
    return traits;
}

/// Some values of an enumeration.
template <class Enum> struct UseSet {
    unsigned bits;

    constexpr bool has(Enum value) const { return (bits >> static_cast<unsigned>(value) & 1) != 0; }
};
template <class Enum, class... Enums> constexpr UseSet<Enum> use_set(Enum value, Enums... values)
{
    return {((1U << static_cast<unsigned>(value)) | ... | (1U << static_cast<unsigned>(values)))};
}
template <class Enum> inline constexpr UseSet<Enum> kAnyUse = {~0U};

struct UseRule {
    UseSet<Use::Content> content = kAnyUse<Use::Content>;
    UseSet<Use::Lifetime> lifetime = kAnyUse<Use::Lifetime>;
    UseSet<Use::Frees> frees = kAnyUse<Use::Frees>;
    UseSet<Use::Threads> threads = kAnyUse<Use::Threads>;
    unsigned traits = 0; // all of these
    Recommendation recommendation;

    constexpr bool fits(const Use& use) const
    {
        return content.has(use.content) && lifetime.has(use.lifetime) && frees.has(use.frees) &&
               threads.has(use.threads) && (traits_of(use) & traits) == traits;
    }
};

inline constexpr auto kOneThread = use_set(Use::Threads::one);
inline constexpr auto kSeveralThreads = use_set(Use::Threads::handed_over, Use::Threads::shared);
inline constexpr auto kTogether = use_set(Use::Frees::together);
inline constexpr auto kBlocks = use_set(Use::Content::mixed, Use::Content::one_type);

/// The first that fits counts; the last one fits everything.
inline constexpr std::array kUseRules{
    UseRule{.traits = kDebugging,
            .recommendation = {"DebugResource", "<tarn/debug_resource.h>", "", "",
                               "it sees leaks and any misuse, and says where"}},
    // What it is says it all.
    UseRule{.content = use_set(Use::Content::stream),
            .threads = use_set(Use::Threads::handed_over),
            .recommendation = {"SpscRing<T>", "<tarn/spsc_ring.h>", "", "handback",
                               "one thread writes and another reads without a lock or a malloc"}},
    UseRule{.content = use_set(Use::Content::stream),
            .threads = use_set(Use::Threads::shared),
            .recommendation = {"Handover<T>", "<tarn/handover.h>", "", "handback",
                               "any thread sends a batch with one exchange, and one receives"}},
    UseRule{.content = use_set(Use::Content::stream),
            .recommendation = {"RingBuffer", "<tarn/ring_buffer.h>", "RingOptions::network()", "",
                               "what is first in is first out, so the same bytes serve again"}},
    UseRule{.content = use_set(Use::Content::jobs),
            .recommendation = {"WorkStealingDeque<T>", "<tarn/work_stealing_deque.h>", "", "",
                               "a thread has its newest job in its cache, and others take the "
                               "oldest"}},
    UseRule{.content = use_set(Use::Content::file),
            .threads = use_set(Use::Threads::shared),
            .recommendation = {"SynchronizedResource", "<tarn/synchronized_resource.h>",
                               "over a MappedArena", "",
                               "threads build a file one at a time, and read it as they like"}},
    UseRule{.content = use_set(Use::Content::file),
            .recommendation = {"MappedArena", "<tarn/mapped_arena.h>", "", "",
                               "a file that is mapped needs no reading, and no blocks"}},
    UseRule{.content = use_set(Use::Content::assets),
            .recommendation = {"AssetCache", "<tarn/asset_cache.h>", "", "",
                               "what is least important makes room within a budget"}},
    UseRule{.content = use_set(Use::Content::columns),
            .recommendation = {"Soa<Types...>", "<tarn/soa.h>", "", "",
                               "one block holds all columns, and a loop touches only its own"}},
    UseRule{.content = use_set(Use::Content::named),
            .threads = kOneThread,
            .recommendation = {"HandleTable<T>", "<tarn/handle_table.h>", "", "pool",
                               "a handle tells when its object is gone, a pointer cannot"}},
    UseRule{.content = use_set(Use::Content::growing),
            .traits = kSmall,
            .recommendation = {"BoundedFrameVector<T>", "<tarn/bounded_frame_vector.h>", "",
                               "reserve",
                               "a few pages are better taken at once than mapped or copied"}},
    UseRule{.content = use_set(Use::Content::growing),
            .recommendation = {"MmapResource", "<tarn/mmap_resource.h>", "", "reserve",
                               "reserved addresses cost nothing, and nothing is ever copied"}},
    UseRule{.content = use_set(Use::Content::buffers),
            .threads = kSeveralThreads,
            .recommendation = {"SynchronizedResource", "<tarn/synchronized_resource.h>",
                               "over a BufferPool", "pool",
                               "buffers are used again, and one lock is little beside filling "
                               "one"}},
    UseRule{.content = use_set(Use::Content::buffers),
            .recommendation = {"BufferPool", "<tarn/buffer_pool.h>", "", "pool",
                               "buffers are used again instead of being cut anew"}},
    UseRule{.lifetime = use_set(Use::Lifetime::part),
            .traits = kUnpooled,
            .recommendation = {"GroupResource", "<tarn/group_resource.h>", "", "arena",
                               "it remembers each block that is left when the part ends"}},
    UseRule{.traits = kOwnPages,
            .recommendation = {"PageResource", "<tarn/page_resource.h>", "", "",
                               "large blocks have whole pages, which go back to the system"}},
    // How long it lives.
    UseRule{.lifetime = use_set(Use::Lifetime::process),
            .recommendation = {"process_arena()", "<tarn/process_arena.h>", "", "arena",
                               "what is never freed needs no room for being freed"}},
    UseRule{.lifetime = use_set(Use::Lifetime::turn),
            .threads = kOneThread,
            .recommendation = {"FrameAllocator", "<tarn/frame_allocator.h>", "", "arena",
                               "the memory of one turn serves the next"}},
    UseRule{.lifetime = use_set(Use::Lifetime::phase),
            .threads = kOneThread,
            .recommendation = {"PhaseArena", "<tarn/phase_arena.h>", "", "arena",
                               "all of a phase goes in one step, and its chunks are kept"}},
    UseRule{.lifetime = use_set(Use::Lifetime::scope),
            .threads = kOneThread,
            .traits = kBounded,
            .recommendation = {"FixedBufferResource", "<tarn/fixed_buffer_resource.h>",
                               "over an array on the stack", "buffer",
                               "all of it fits a buffer that is there anyway"}},
    UseRule{.lifetime = use_set(Use::Lifetime::scope),
            .threads = kOneThread,
            .traits = kSmall,
            .recommendation = {"StackFallbackResource<N>", "<tarn/stack_fallback_resource.h>", "",
                               "buffer",
                               "mostly it fits a buffer on the stack, else malloc is "
                               "there"}},
    UseRule{.lifetime = use_set(Use::Lifetime::scope),
            .threads = kOneThread,
            .recommendation = {"ArenaScope", "<tarn/arena_resource.h>",
                               "over the arena of thread_scratch()", "arena",
                               "the chunks stay from one scope to the next"}},
    // How it is freed.
    UseRule{.frees = use_set(Use::Frees::reverse),
            .threads = kOneThread,
            .recommendation = {"StackResource", "<tarn/stack_resource.h>", "", "arena",
                               "the newest block is the end of the stack, so a free is a step "
                               "back"}},
    UseRule{.frees = kTogether,
            .threads = kSeveralThreads,
            .recommendation = {"SynchronizedResource", "<tarn/synchronized_resource.h>",
                               "over an ArenaResource", "arena",
                               "one step frees all, and a lock around a few instructions is "
                               "short"}},
    UseRule{.frees = kTogether,
            .recommendation = {"ArenaResource", "<tarn/arena_resource.h>", "", "arena",
                               "one step frees all"}},
    UseRule{.content = use_set(Use::Content::mixed),
            .lifetime = use_set(Use::Lifetime::part),
            .recommendation = {"HeapResource", "<tarn/heap_resource.h>", "", "",
                               "a malloc of its own, whose end gives back all that is left"}},
    UseRule{.content = kBlocks,
            .threads = use_set(Use::Threads::handed_over),
            .traits = kPooled,
            .recommendation = {"ThreadCachedPool", "<tarn/thread_cached_pool.h>", "", "handback",
                               "blocks go back in batches to where they are used again"}},
    UseRule{.content = kBlocks,
            .threads = use_set(Use::Threads::handed_over),
            .recommendation = {"Handover<T>", "<tarn/handover.h>", "", "handback",
                               "what another thread has done with returns to where it came "
                               "from"}},
    UseRule{.content = kBlocks,
            .threads = use_set(Use::Threads::shared),
            .traits = kPooled,
            .recommendation = {"ThreadCachedPool", "<tarn/thread_cached_pool.h>", "", "pool",
                               "each thread keeps some blocks, and mostly takes no lock"}},
    UseRule{.content = use_set(Use::Content::one_type),
            .threads = kOneThread,
            .recommendation = {"ObjectPool<T>", "<tarn/object_pool.h>", "", "pool",
                               "an object that goes leaves its place for the next"}},
    UseRule{.threads = kOneThread,
            .traits = kAlike | kPooled,
            .recommendation = {"FixedPoolResource", "<tarn/fixed_pool_resource.h>",
                               "{.block_size = largest}", "pool",
                               "one size serves all with little waste"}},
    UseRule{.threads = kOneThread,
            .traits = kPooled,
            .recommendation = {"SlabResource", "<tarn/slab_resource.h>", "", "pool",
                               "each size has its slabs, which go back when they are empty"}},
    UseRule{.recommendation = {"malloc_resource()", "<tarn/resource.h>", "", "",
                               "nothing is known that another one could make use of"}},
};

} // namespace detail

/// What is right for such a use: always something. Cost: a walk over a table of some dozens.
constexpr Recommendation recommend(const Use& use)
{
    for (const detail::UseRule& rule : detail::kUseRules)
        if (rule.fits(use)) return rule.recommendation;
    return detail::kUseRules.back().recommendation;
}

/// "ArenaResource from <tarn/arena_resource.h>: one step frees all".
TARN_API std::ostream& operator<<(std::ostream& out, const Recommendation& recommendation);

} // namespace tarn
