// SPDX-License-Identifier: MIT
//
// Frames: turns of a main loop, each of which allocates and forgets.
//
//     FrameAllocator frames;
//     while (running) {
//         Frame frame(frames);
//         auto* contacts = frame.arena().make_array<Contact>(n).data();
//         FrameVector<Hit> hits(&frame.arena());
//     }   // destructors have run, the memory waits for the next frame
//
// Each thread has frames of its own in each FrameAllocator.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/api.h>
#include <tarn/arena_resource.h>
#include <tarn/frame_metrics.h>
#include <tarn/owned.h>
#include <tarn/phase_arena.h>

namespace tarn {

/// A vector in a frame. Reserve what is known: what it grows out of waits for the end of the frame.
/// One that never grows: BoundedFrameVector.
template <class T> using FrameVector = std::pmr::vector<T>;

/// What each thread of a FrameAllocator may take and keep, and who hears of its frames.
struct FrameOptions {
    const char* name = "frame";
    Growth growth = Growth::frame();
    /// Most bytes that a thread may take from upstream.
    std::size_t limit = SIZE_MAX;
    /// Most bytes that a thread keeps from one frame to the next.
    std::size_t keep = std::size_t{16} << 20;
    /// Frames that the metrics of a thread look back on.
    std::size_t window = 120;
    /// Each begin is a tarn_frame_mark() of <tarn/malloc.h>, so that reports of a traced process
    /// know the frames. For one FrameAllocator of a thread only.
    bool marks = true;
    /// As of ArenaOptions.
    bool checked = false;
};

/// The frames of one thread. Only that thread may use them.
class TARN_API FrameThread {
public:
    FrameThread(const FrameOptions& options, std::pmr::memory_resource* upstream);
    FrameThread(const FrameThread&) = delete;
    FrameThread& operator=(const FrameThread&) = delete;
    ~FrameThread();

    /// What containers and objects of a frame take. What is allocated between frames lives to the
    /// end of the next.
    ArenaResource& arena() noexcept { return arena_; }

    /// Misuse, then nothing happens: there is a frame (out_of_order).
    void begin();
    /// Moves out what was promised to keep(), runs destructors, gives everything back.
    /// Misuse, then nothing happens: there is no frame (out_of_order).
    FrameSummary end();
    bool is_in_frame() const noexcept { return is_in_frame_; }
    /// Of frames begun so far.
    std::uint64_t number() const noexcept { return number_; }

    /// Moves an object out of the frame, now. Errors: what `to` and the move throw.
    template <class T> static Owned<T> promote(T& object, std::pmr::memory_resource& to)
    {
        return make_owned<T>(to, std::move(object));
    }

    /// Moves an object out of the frame at its end, to `place`, which must live until then. If that
    /// fails, `place` is empty and the summary counts it.
    template <class T> void keep(T& object, Owned<T>& place, std::pmr::memory_resource& to)
    {
        promises_.push_back({&object, &place, &to, [](const Promise& promise) {
                                 *static_cast<Owned<T>*>(promise.place) =
                                     promote(*static_cast<T*>(promise.object), *promise.to);
                             }});
    }

    const FrameMetrics& metrics() const noexcept { return metrics_; }
    /// Of the frame there is, or of the last; one entry for each name.
    std::span<const PhaseStatistics> phases() const noexcept { return phases_; }

private:
    friend class FrameAllocator;
    friend class FrameCheckpoint;
    friend class FramePhase;

    struct Promise {
        void* object;
        void* place;
        std::pmr::memory_resource* to;
        void (*fulfil)(const Promise& promise);
    };

    void fulfil_promises(FrameSummary& summary);

    ArenaResource arena_;
    std::size_t keep_;
    bool marks_;
    bool is_in_frame_ = false;
    std::uint64_t number_ = 0;
    std::chrono::steady_clock::time_point begin_;
    std::uint64_t allocations_before_ = 0;
    std::vector<Promise> promises_;
    std::vector<PhaseStatistics> phases_;
    FrameMetrics metrics_;
    ResourceStatistics published_; // at the last end; under the lock of the allocator's threads
};

/// Frames for any number of threads. allocate() is of the frame of the calling thread; a block must
/// be given back there, if at all. What a thread leaves is for the next new one.
///
/// Cost: allocate() finds the thread's frames with a few instructions more than an arena has; where
/// that counts, hold on to this_thread(). Thread safety: any thread at any time; the end of the
/// allocator ends the frames of all threads, so none may use it any longer.
class TARN_API FrameAllocator final : public Resource {
public:
    using Options = FrameOptions;

    FrameAllocator() : FrameAllocator(Options{}) {}
    /// `upstream` must serve several threads if there are several: a ChunkCache, or malloc.
    explicit FrameAllocator(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~FrameAllocator() override;

    /// The frames of the calling thread, made at the first call. Errors: std::bad_alloc.
    FrameThread& this_thread();

    /// Those of the calling thread, where a Frame does not fit; statistics know of them, too.
    void begin_frame() { this_thread().begin(); }
    FrameSummary end_frame();

    /// How many threads have frames here, or had and left them for the next.
    std::size_t threads() const;

protected:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    /// Of the calling thread.
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override;
    /// Of all threads, as of the end of each one's last frame.
    ResourceStatistics do_statistics() const override;

private:
    friend class Frame;
    struct Threads;
    struct OfThisThread;

    FrameThread* find() const noexcept;
    void publish(FrameThread& thread) const;

    std::uint64_t id_; // never used again by another
    std::shared_ptr<Threads> threads_;
};

/// A frame of the calling thread, from begin to end.
class TARN_API Frame {
public:
    explicit Frame(FrameAllocator& allocator);
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame();

    FrameThread& thread() const noexcept { return thread_; }
    ArenaResource& arena() const noexcept { return thread_.arena(); }

private:
    FrameAllocator& allocator_;
    FrameThread& thread_;
};

/// A point of a frame to which everything goes back, destructors and promises included, at the end
/// of the checkpoint: unless it was committed. Checkpoints end in reverse order, and in the frame
/// they began in.
class TARN_API FrameCheckpoint {
public:
    explicit FrameCheckpoint(FrameThread& thread);
    FrameCheckpoint(const FrameCheckpoint&) = delete;
    FrameCheckpoint& operator=(const FrameCheckpoint&) = delete;
    ~FrameCheckpoint();

    /// Keeps what was allocated.
    void commit() noexcept { is_open_ = false; }
    /// Gives it back now.
    void roll_back();

private:
    FrameThread& thread_;
    ArenaResource::Mark mark_;
    std::size_t promises_;
    bool is_open_ = true;
};

/// Gives back at its end what was allocated in it: a checkpoint that nobody commits.
using FrameScope = FrameCheckpoint;

/// Calls `attempt`; if it returns false, or throws, everything it allocated in the frame is given
/// back. Returns what it returned.
template <class Attempt> bool speculate(FrameThread& thread, Attempt&& attempt)
{
    FrameCheckpoint checkpoint(thread);
    const bool is_good = std::invoke(std::forward<Attempt>(attempt));
    if (is_good) checkpoint.commit();
    return is_good;
}

/// A part of a frame with a name; it may lie in another one, which counts what it does, too. Takes
/// nothing back: see FrameScope.
class TARN_API FramePhase {
public:
    /// `name` must live as long as the frames: a literal mostly.
    FramePhase(FrameThread& thread, const char* name);
    FramePhase(const FramePhase&) = delete;
    FramePhase& operator=(const FramePhase&) = delete;
    ~FramePhase();

private:
    FrameThread& thread_;
    std::size_t index_; // of its entry
    std::uint64_t frame_;
    ResourceStatistics before_;
    std::chrono::steady_clock::time_point begin_;
};

} // namespace tarn
