// SPDX-License-Identifier: MIT
//
// One allocator for a program: who allocates says what for, not from where.
//
//     frame --> [back ends of programs] -> frames of the thread --+
//     pool  --> [back ends of programs] -> pool with caches ------+-> budgets -> upstream
//     heap  --> [back ends of programs] -> malloc ----------------+

#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

#include <tarn/api.h>
#include <tarn/debug_resource.h>
#include <tarn/frame_allocator.h>
#include <tarn/limit_resource.h>
#include <tarn/owned.h>
#include <tarn/thread_cached_pool.h>

namespace tarn {

/// What a program wants of a block of a SmartAllocator.
enum class Intent : std::uint8_t {
    frame, // to the end of the frame of this thread
    pool,  // small, and comes and goes; large ones are the heap's
    heap,  // anything else
};

/// What memory of a program's own has to offer. Every Resource that knows its blocks does.
template <class T>
concept Backend = requires(T& backend, const T& known, void* block, std::size_t size)
{
    // nullptr: somebody else shall serve it. (bytes, alignment)
    {
        backend.try_allocate(size, size)
        } -> std::same_as<void*>;
    {
        known.owns(block)
        } -> std::convertible_to<bool>;
    backend.deallocate(block, size, size);
};

/// What has happened in a SmartAllocator, as SmartOptions::on_event hears it.
struct LifecycleEvent {
    enum class Kind : std::uint8_t {
        allocated,
        freed,
        fell_back,  // another one served it than the first for its intent
        refused,    // nobody served it
        soft_limit, // the soft limit of an intent, or of all together, was crossed,
        below_soft, // and holds again
        frame_begun,
        frame_ended,
    };

    Kind kind;
    Intent intent;          // of limits: heap, if it is that of all together
    const void* block = {}; // may be gone already
    std::size_t bytes = 0;  // asked for; in use by limits
};

/// Bytes taken from upstream.
struct SmartLimits {
    std::size_t soft = SIZE_MAX;
    std::size_t hard = SIZE_MAX; // never exceeded
};

/// The parts of a SmartAllocator, their limits, and who hears what happens.
struct SmartOptions {
    FrameOptions frame = {};
    ThreadCachedPoolOptions pool = {};
    SmartLimits frames = {}; // of all threads
    SmartLimits pools = {};
    SmartLimits heap = {};
    SmartLimits all = {};
    /// Called outside of any lock, by the thread whose call it was; must not throw. What it does
    /// with the allocator itself is not told. For `refused` true says that memory has been given
    /// back, whereupon the request is tried once more.
    std::function<bool(const LifecycleEvent&)> on_event = {};
    /// Each misuse is reported, with a DebugResource for the heap.
    bool checked = false;

    /// At most so many bytes in all; on_event hears of it at four fifths.
    static SmartOptions of(std::size_t limit)
    {
        return {.all = {.soft = limit / 5 * 4, .hard = limit}};
    }
    /// For tests.
    static SmartOptions checking() { return {.checked = true}; }
};

/// What the parts of a SmartAllocator hold and have done, in one report.
struct SmartStatistics {
    ResourceStatistics frame; // as of FrameAllocator
    ResourceStatistics pool;
    ResourceStatistics heap;
    std::vector<ResourceStatistics> backends = {}; // the one added last first
    std::uint64_t fallbacks = 0;
    std::uint64_t refusals = 0;
    std::size_t reserved = 0; // bytes taken from upstream by all but the back ends
    std::size_t peak_reserved = 0;
};

/// A line for each part, and one for all; an object of objects.
TARN_API std::ostream& operator<<(std::ostream& out, const SmartStatistics& statistics);
TARN_API std::string to_json(const SmartStatistics& statistics);

/// Frame, pool and heap by intent. A block goes back to where it came from, whatever intent is said
/// then: who does not know it is not asked to free it. Blocks of a frame are given back, if at all,
/// by the thread that has them.
///
/// Cost: besides that of the one who serves, giving a block back asks all for it, for which pools
/// take a lock; in a hot place use frames() and pool(). Thread safety: any thread at any time, but
/// add_backend(), which is for the beginning.
class TARN_API SmartAllocator {
    class BackendBase;
    template <Backend T> class BackendOf;
    class OfIntent;

public:
    using Options = SmartOptions;

    SmartAllocator() : SmartAllocator(Options{}) {}
    /// `upstream` must serve several threads if there are several.
    explicit SmartAllocator(Options options, std::pmr::memory_resource* upstream = nullptr);
    SmartAllocator(const SmartAllocator&) = delete;
    SmartAllocator& operator=(const SmartAllocator&) = delete;
    ~SmartAllocator();

    /// Errors: nullptr.
    [[nodiscard]] void* try_allocate(Intent intent, std::size_t bytes,
                                     std::size_t alignment = alignof(std::max_align_t)) noexcept;
    /// Errors: std::bad_alloc.
    [[nodiscard]] void* allocate(Intent intent, std::size_t bytes,
                                 std::size_t alignment = alignof(std::max_align_t))
    {
        return resource(intent).allocate(bytes, alignment);
    }
    void deallocate(void* block, std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t));

    /// An object that remembers where it is from. Errors: what the constructor throws;
    /// std::bad_alloc.
    template <class T, class... Arguments> Owned<T> make(Intent intent, Arguments&&... arguments)
    {
        return make_owned<T>(resource(intent), std::forward<Arguments>(arguments)...);
    }

    /// For containers.
    Resource& resource(Intent intent) noexcept;

    /// Asks `backend` first for that intent, before those added earlier; it outlives this.
    template <Backend T> void add_backend(Intent intent, T& backend)
    {
        add(intent, std::make_unique<BackendOf<T>>(backend));
    }

    /// A frame of the calling thread. Misuse: as of FrameThread.
    void begin_frame();
    FrameSummary end_frame();

    FrameAllocator& frames() noexcept { return frames_; }
    ThreadCachedPool& pool() noexcept { return pool_; }

    SmartStatistics statistics() const;

private:
    /// A back end as a resource.
    class TARN_API BackendBase : public Resource {
    public:
        BackendBase() : Resource("back end") {}
        ~BackendBase() override;

        Intent intent = Intent::heap;

    protected:
        void* counted(void* block, std::size_t bytes) noexcept;
        void uncount(std::size_t bytes) noexcept;
        ResourceStatistics do_statistics() const override;

    private:
        std::atomic<std::uint64_t> allocations_{0}; // relaxed, all of them: sums
        std::atomic<std::uint64_t> deallocations_{0};
        std::atomic<std::uint64_t> failures_{0};
        std::atomic<std::size_t> in_use_{0};
    };
    template <Backend T> class BackendOf final : public BackendBase {
    public:
        explicit BackendOf(T& backend) : backend_(backend) {}

    private:
        void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override
        {
            return counted(backend_.try_allocate(bytes, alignment), bytes);
        }
        void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override
        {
            uncount(bytes);
            backend_.deallocate(block, bytes, alignment);
        }
        bool do_owns(const void* address) const noexcept override
        {
            return std::as_const(backend_).owns(address);
        }

        T& backend_;
    };

    struct Owner {
        Resource& resource;
        Intent intent;
    };

    void add(Intent intent, std::unique_ptr<BackendBase> backend);
    BudgetOptions budget_of(const char* name, const SmartLimits& limits, unsigned which);
    void* serve(Intent intent, std::size_t bytes, std::size_t alignment, bool& fell_back) noexcept;
    Owner owner_of(const void* block) noexcept;
    bool tell(const LifecycleEvent& event) noexcept;
    void tell_of_limits() noexcept;

    Options options_;
    // What budgets say, until no lock is held: a bit for each of them, and each kind.
    std::atomic<unsigned> pending_{0};
    std::atomic<std::uint64_t> fallbacks_{0}; // relaxed: counts
    std::atomic<std::uint64_t> refusals_{0};
    Budget all_;
    std::array<Budget, 3> budgets_;        // by intent
    std::unique_ptr<DebugResource> debug_; // if checked
    LimitResource frame_memory_;
    LimitResource pool_memory_;
    LimitResource heap_;
    FrameAllocator frames_;
    ThreadCachedPool pool_;
    std::vector<std::unique_ptr<BackendBase>> backends_; // in the order they are asked
    std::array<std::unique_ptr<OfIntent>, 3> resources_;
};

} // namespace tarn
