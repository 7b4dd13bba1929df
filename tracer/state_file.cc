// SPDX-License-Identifier: MIT

#include "tracer/state_file.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"
#include "src/os/memory.h"
#include "src/os/process.h"
#include "src/os/ticks.h"
#include "tracer/arena.h"
#include "tracer/frames.h"
#include "tracer/sites.h"
#include "tracer/stack_trie.h"

namespace tarn {

constinit StateFile state_file;

static_assert(sizeof(LiveTotals) == kStatePage);

namespace {

constexpr std::size_t kLargest = std::size_t{1} << 36;
constexpr std::size_t kSmallest = MiB(16);
/// The file grows by a quarter, within these bounds.
constexpr std::size_t kLeastStep = KiB(64);
constexpr std::size_t kMostStep = MiB(4);
constexpr std::size_t kModulesAtOnce = KiB(8);

bool map_private(void* address, std::size_t size, int protection)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return ::mmap(address, size, protection, flags, -1, 0) != MAP_FAILED;
}

void set_moment(StateMoment& own, const os::Moment& moment)
{
    own.nanoseconds.store(moment.nanoseconds, std::memory_order_relaxed);
    own.ticks.store(moment.ticks, std::memory_order_relaxed);
}

void describe(StateHeader& header, const StateDescription& description)
{
    static constinit std::array<char, PATH_MAX> text{};
    header.version = kStateVersion;
    header.sizes = {.node = StackTrie::kNodeSize,
                    .nodes_in_chunk = StackTrie::kNodesInChunk,
                    .site = sizeof(Site),
                    .detail = sizeof(SiteDetail),
                    .sites_in_chunk = kSitesInChunk,
                    .totals = sizeof(LiveTotals),
                    .tag = sizeof(Tag),
                    .tags_in_chunk = kTagsInChunk,
                    .frames = sizeof(FrameTotals),
                    .timeline = sizeof(TimelineTable)};
    header.process = os::process_id();
    header.process_started = os::start_of_process(header.process);
    header.started_at = description.started_at;
    header.wall_clock = os::wall_clock_seconds();
    header.sample_period = description.sample_period;
    set_moment(header.first, tick_rate.started());
    set_moment(header.latest, os::moment());
    const ::ssize_t size = ::readlink("/proc/self/exe", text.data(), text.size());
    header.executable.set({text.data(), size > 0 ? static_cast<std::size_t>(size) : 0});
    const std::size_t all = os::read_file("/proc/self/cmdline", text.data(), 1024);
    std::replace(text.data(), text.data() + (all != 0 ? all - 1 : 0), '\0', ' ');
    header.arguments.set({text.data(), all != 0 ? all - 1 : 0});
    header.options.set(description.options);
}

} // namespace

/// Puts the file's page in the place of the counters that all blocks are added to.
const char* StateFile::map_totals()
{
    return file_.map(&live_totals, sizeof live_totals, kStateTotals);
}

void StateFile::say(const char* what, const char* reason) const
{
    Printer(sink_) << "tarn: state: '" << file_.path() << "' cannot " << what << ": " << reason
                   << "\n";
}

/// A file in place of what was mapped before, which is as large as `contents`, and has them if they
/// are not null. Errors: false, which has been told.
bool StateFile::make(std::string_view path, Copy contents)
{
    const char* reason = file_.make(path, kStateMagic);
    if (reason != nullptr) return say("be made", reason), false;
    // Several times as quick as through the mapping.
    reason = contents.start != nullptr ? file_.fill({contents.start, contents.size})
                                       : file_.extend(0, contents.size);
    if (reason == nullptr) reason = file_.map(start_, contents.size, 0);
    if (reason == nullptr) {
        grown_ = contents.size;
        return true;
    }
    file_.remove();
    return say("be made", reason), false;
}

bool StateFile::open(const StateDescription& description)
{
    const os::ErrnoGuard guard;
    sink_ = description.sink;
    const std::size_t limit = os::address_space_limit() / 8;
    for (std::size_t size = kLargest; size >= kSmallest && start_ == nullptr; size /= 2) {
        if (size <= limit) start_ = static_cast<std::byte*>(os::reserve(size, kStatePage));
        reserved_ = size;
    }
    if (start_ == nullptr) return say("be made", "no address space for it"), false;
    if (!make(description.path, {.start = nullptr, .size = kLeastStep})) return false;
    std::memcpy(start_ + kStateTotals, static_cast<const void*>(&live_totals), sizeof live_totals);
    if (const char* const reason = map_totals()) return say("be made", reason), false;
    auto& made = *reinterpret_cast<StateHeader*>(start_);
    describe(made, description);
    last_directory_ = kStateFirstDirectory;
    used_ = kStateFirstChunk;
    made.used.store(used_, std::memory_order_relaxed);
    made.magic.store(kStateMagic, std::memory_order_release);
    header_.store(&made, std::memory_order_release);
    return true;
}

const char* StateFile::extend_to(std::size_t end)
{
    if (const char* const reason = file_.extend(grown_, end)) return reason;
    if (const char* const reason = file_.map(start_ + grown_, end - grown_, grown_)) return reason;
    grown_ = end;
    return nullptr;
}

bool StateFile::grow(std::size_t end)
{
    const std::size_t step = round_up(std::clamp(grown_ / 4, kLeastStep, kMostStep), kStatePage);
    const char* reason = "no more addresses";
    if (end <= reserved_) reason = extend_to(std::min(std::max(end, grown_ + step), reserved_));
    if (reason != nullptr && end <= reserved_) reason = extend_to(end);
    if (reason == nullptr) return true;
    header()->is_full.store(1, std::memory_order_relaxed);
    say("grow", reason);
    return false;
}

/// The next `size` bytes, which are whole pages. Errors: nullptr.
std::byte* StateFile::advance(std::size_t size)
{
    const std::size_t end = used_ + size;
    if (end > grown_ && !grow(end)) return nullptr;
    std::byte* const memory = start_ + used_;
    used_ = end;
    header()->used.store(end, std::memory_order_relaxed);
    return memory;
}

bool StateFile::make_entry_room()
{
    if (entries_ < directory().entries.size()) return true;
    std::byte* const next = advance(sizeof(StateDirectory));
    if (next == nullptr) return false;
    const auto offset = static_cast<std::size_t>(next - start_);
    directory().next.store(offset, std::memory_order_release);
    last_directory_ = offset;
    entries_ = 0;
    return true;
}

void* StateFile::take_locked(StateChunk kind, std::size_t size)
{
    const StateHeader* const own = header();
    if (own == nullptr || own->is_full.load(std::memory_order_relaxed) != 0) return nullptr;
    if (!make_entry_room()) return nullptr;
    size = round_up(size, kStatePage);
    std::byte* const memory = advance(size);
    if (memory == nullptr) return nullptr;
    StateEntry& entry = directory().entries[entries_++];
    entry.pages = static_cast<std::uint32_t>(size / kStatePage);
    entry.offset = static_cast<std::uint64_t>(memory - start_);
    entry.kind.store(kind, std::memory_order_release);
    return memory;
}

void* StateFile::take(StateChunk kind, std::size_t size)
{
    if (header() == nullptr) return nullptr;
    const os::ErrnoGuard guard;
    const os::LockGuard lock(mutex_);
    return take_locked(kind, size);
}

MemoryRange StateFile::range() const
{
    const auto start = reinterpret_cast<std::uintptr_t>(start_);
    return {start, start + (start_ != nullptr ? reserved_ : 0)};
}

void StateFile::note_nodes(std::size_t count)
{
    if (StateHeader* const own = header()) own->nodes.store(count, std::memory_order_release);
}

void StateFile::note_sites(std::size_t count)
{
    StateHeader* const own = header();
    if (own == nullptr) return;
    own->sites.store(count, std::memory_order_release);
    own->used_apart.store(arena.used(), std::memory_order_relaxed);
    set_moment(own->latest, os::moment());
}

void StateFile::note_tags(std::size_t count)
{
    if (StateHeader* const own = header()) own->tags.store(count, std::memory_order_release);
}

void StateFile::note_moment()
{
    if (StateHeader* const own = header()) set_moment(own->latest, os::moment());
}

void StateFile::note_module(const StateModule& module, std::string_view name)
{
    if (header() == nullptr) return;
    const os::ErrnoGuard guard;
    const os::LockGuard lock(mutex_);
    const std::size_t size = sizeof(StateModule) + round_up(name.size(), 8);
    if (module_room_ < size) {
        const std::size_t wanted = round_up(std::max(size, kModulesAtOnce), kStatePage);
        modules_ = static_cast<std::byte*>(take_locked(StateChunk::modules, wanted));
        module_room_ = modules_ != nullptr ? wanted : 0;
        if (modules_ == nullptr) return;
    }
    auto& record = *reinterpret_cast<StateModule*>(modules_);
    record.number = module.number;
    record.start = module.start;
    record.end = module.end;
    record.bias = module.bias;
    record.id_size = module.id_size;
    record.id = module.id;
    record.name_size = static_cast<std::uint32_t>(name.size());
    std::memcpy(modules_ + sizeof record, name.data(), name.size());
    record.size.store(static_cast<std::uint32_t>(size), std::memory_order_release);
    modules_ += size;
    module_room_ -= size;
}

StateFile::Copy StateFile::before_fork() const
{
    if (header() == nullptr) return {};
    const bool is_large = used_ >= os::kHugePageSize;
    void* const memory = os::map(used_, is_large ? os::kHugePageSize : os::kPageSize);
    if (memory == nullptr) return {};
    if (is_large) os::advise_huge_pages(memory, used_, os::HugePages::wanted);
    os::populate(memory, used_);
    std::memcpy(memory, start_, used_);
    return {.start = static_cast<std::byte*>(memory), .size = used_};
}

void StateFile::after_fork_in_parent(Copy copy)
{
    if (copy.start != nullptr) os::unmap(copy.start, copy.size);
}

bool StateFile::make_for_child(Copy copy, std::string_view path)
{
    const std::size_t before = grown_;
    auto& begun = *reinterpret_cast<StateHeader*>(copy.start);
    begun.magic.store(0, std::memory_order_relaxed);
    begun.parent = begun.process;
    begun.process = os::process_id();
    begun.process_started = os::start_of_process(begun.process);
    if (!make(path, copy)) return false;
    // What is left of the parent's.
    if (before > grown_ && !map_private(start_ + grown_, before - grown_, PROT_NONE)) return false;
    if (map_totals() != nullptr) return false;
    header()->magic.store(kStateMagic, std::memory_order_release);
    os::unmap(copy.start, copy.size);
    return true;
}

/// Without memory for that, the tables begin anew: a child may be short of it, but never in error.
void StateFile::become_private(Copy copy)
{
    header_.store(nullptr, std::memory_order_release);
    if (copy.start == nullptr) {
        copy.size = used_;
        copy.start = static_cast<std::byte*>(os::map(used_, os::kPageSize));
        if (copy.start != nullptr) std::memcpy(copy.start, start_, used_);
    }
    const int protection = PROT_READ | PROT_WRITE;
    map_private(start_, grown_, protection);
    if (copy.start != nullptr)
        // NOLINTNEXTLINE(bugprone-unused-return-value): where it belongs is known
        ::mremap(copy.start, copy.size, copy.size, MREMAP_MAYMOVE | MREMAP_FIXED, start_);
    map_private(&live_totals, sizeof live_totals, protection);
    std::memcpy(static_cast<void*>(&live_totals), start_ + kStateTotals, sizeof live_totals);
}

void StateFile::after_fork_in_child(Copy copy, std::string_view path)
{
    if (header() == nullptr) return;
    const os::ErrnoGuard guard;
    mutex_.reset();
    file_.close();
    const bool is_full = header()->is_full.load(std::memory_order_relaxed) != 0;
    const bool has_own = !path.empty() && copy.start != nullptr && !is_full;
    const std::size_t grown = grown_;
    if (has_own && make_for_child(copy, path)) return;
    grown_ = std::max(grown_, grown);
    become_private(copy);
}

void* take_table(StateChunk kind, std::size_t size)
{
    void* const memory = state_file.take(kind, size);
    return memory != nullptr ? memory : arena.take(size);
}

std::size_t table_bytes()
{
    return arena.used() + state_file.used();
}

} // namespace tarn
