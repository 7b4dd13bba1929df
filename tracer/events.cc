// SPDX-License-Identifier: MIT

#include "tracer/events.h"

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstring>
#include <initializer_list>
#include <sys/stat.h>

#include "src/base/text.h"
#include "src/os/errno_guard.h"
#include "src/os/file.h"
#include "src/os/mutex.h"
#include "src/os/process.h"
#include "src/os/ticks.h"
#include "tracer/arena.h"
#include "tracer/event_buffer.h"
#include "tracer/event_format.h"
#include "tracer/sites.h"

namespace tarn {

namespace {

using events::BatchHeader;
using events::Mark;

struct ThreadState {
    EventBuffer* buffer;
    std::uint32_t number;  // counted from 1; 0: not yet given
    std::uint32_t batches; // begun
    bool has_left;         // what it still does is written at once
};
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadState thread_state{};

/// Whether a file still is as this process has left it: another program, which a child has become,
/// may have begun its own under that name.
bool is_unchanged(const char* path, std::size_t bytes, std::uint64_t process)
{
    const os::ErrnoGuard guard;
    struct stat now {};
    if (::stat(path, &now) != 0) return false;
    if (!S_ISREG(now.st_mode)) return true;
    std::array<char, sizeof(events::FileHeader)> start;
    if (static_cast<std::size_t>(now.st_size) != bytes ||
        os::read_file(path, start.data(), start.size()) != start.size())
        return false;
    events::FileHeader header;
    std::memcpy(&header, start.data(), sizeof header);
    return header.process == process;
}

/// The file. Thread safety: any thread.
class EventLog {
public:
    void open(const EventOptions& options)
    {
        path_ << options.path;
        most_bytes_ = options.most_bytes;
        is_recording_.store(true, std::memory_order_relaxed);
    }
    bool is_recording() const { return is_recording_.load(std::memory_order_relaxed); }
    void stop() { is_recording_.store(false, std::memory_order_relaxed); }

    void begin_file()
    {
        const os::LockGuard guard(mutex_);
        if (bytes_ == 0) start_file();
    }

    /// A buffer with room for an event. Errors: nullptr, no memory.
    EventBuffer* buffer_of(ThreadState& thread)
    {
        if (thread.buffer != nullptr && thread.buffer->has_room()) [[likely]]
            return thread.buffer;
        if (thread.buffer == nullptr)
            thread.buffer = take();
        else
            write(*thread.buffer);
        if (!is_recording()) return nullptr;
        if (thread.buffer == nullptr) {
            unrecorded_.fetch_add(1, std::memory_order_relaxed);
            return nullptr;
        }
        if (thread.number == 0)
            thread.number = threads_.fetch_add(1, std::memory_order_relaxed) + 1;
        const os::LockGuard guard(mutex_);
        thread.buffer->begin(thread.number, thread.batches++);
        return thread.buffer;
    }

    void give_back(ThreadState& thread)
    {
        EventBuffer* const buffer = thread.buffer;
        if (buffer == nullptr) return;
        write(*buffer);
        thread.buffer = nullptr;
        const os::LockGuard guard(mutex_);
        buffer->begin(0, 0);
        buffer->next_free = free_;
        free_ = buffer;
    }

    void write_all(bool is_end, TextSink sink)
    {
        if (is_end) stop();
        const os::LockGuard guard(mutex_);
        std::uint64_t events = events_;
        for (const EventBuffer* buffer = all_; buffer != nullptr; buffer = buffer->next) {
            if (buffer->thread() == 0 || buffer->count() == 0) continue;
            if (write_batch(*buffer)) events += buffer->count();
        }
        if (reason_ == Mark::Reason::goes_on && is_end) reason_ = Mark::Reason::end;
        write_mark(events);
        if (is_end && (bytes_ != 0 || problem_ != 0)) tell(events, sink);
    }

    /// In a forked child.
    void abandon()
    {
        stop();
        mutex_.reset();
    }

private:
    EventBuffer* take()
    {
        const os::LockGuard guard(mutex_);
        if (EventBuffer* const buffer = free_) {
            free_ = buffer->next_free;
            return buffer;
        }
        auto* const buffer = static_cast<EventBuffer*>(arena.take(sizeof(EventBuffer)));
        if (buffer == nullptr) return nullptr;
        buffer->next = all_;
        all_ = buffer;
        return buffer;
    }

    void write(const EventBuffer& buffer)
    {
        const os::LockGuard guard(mutex_);
        if (is_recording() && write_batch(buffer)) events_ += buffer.count();
    }

    bool write_batch(const EventBuffer& buffer)
    {
        const BatchHeader header = buffer.header();
        if (is_lost() || (bytes_ == 0 && !start_file())) return false;
        if (bytes_ + sizeof header + header.size > most_bytes_)
            return end_with(Mark::Reason::is_full);
        return append({as_text(header), buffer.text(header.size)});
    }

    void write_mark(std::uint64_t events)
    {
        if (bytes_ == 0 || is_lost()) return;
        const BatchHeader header{.magic = events::kBatchMagic,
                                 .size = sizeof(Mark),
                                 .thread = 0,
                                 .number = marks_++,
                                 .ticks = os::ticks(),
                                 .nanoseconds_per_tick = tick_rate.nanoseconds_per_tick()};
        const Mark mark{.reason = reason_,
                        .threads = threads_.load(std::memory_order_relaxed),
                        .events = events,
                        .unrecorded = unrecorded_.load(std::memory_order_relaxed)};
        append({as_text(header), as_text(mark)});
    }

    bool start_file()
    {
        process_ = os::process_id();
        events::FileHeader header{.magic = events::kMagic,
                                  .version = events::kVersion,
                                  .size = sizeof(events::FileHeader),
                                  .process = process_,
                                  .started = os::wall_clock_seconds(),
                                  .executable = {}};
        const std::string_view name = os::executable_name();
        std::memcpy(header.executable.data(), name.data(),
                    std::min(name.size(), header.executable.size() - 1));
        return append({as_text(header)});
    }

    /// What is written in one piece, so that a program that is killed leaves whole ones behind.
    bool append(std::initializer_list<std::string_view> parts)
    {
        os::Output file;
        const bool is_first = bytes_ == 0;
        is_taken_ = !is_first && !is_unchanged(path_.c_str(), bytes_, process_);
        const auto mode = is_first ? os::Output::Mode::replace : os::Output::Mode::append;
        if (is_taken_ || !file.open(path_.c_str(), mode))
            return end_with(Mark::Reason::cannot_write);
        std::size_t size = 0;
        for (const std::string_view part : parts) {
            file.write(part);
            size += part.size();
        }
        problem_ = file.close();
        if (problem_ != 0) return end_with(Mark::Reason::cannot_write);
        bytes_ += size;
        return true;
    }

    bool end_with(Mark::Reason reason)
    {
        stop();
        if (!is_lost()) reason_ = reason;
        return false;
    }

    /// Nothing more is written.
    bool is_lost() const { return reason_ == Mark::Reason::cannot_write; }

    template <class T> static std::string_view as_text(const T& value)
    {
        return {reinterpret_cast<const char*>(&value), sizeof value};
    }

    void tell(std::uint64_t events, TextSink sink)
    {
        Printer out(sink);
        out << "tarn: " << events << " events of " << std::uint64_t{threads_.load()}
            << " thread(s) are in " << path_.view() << ", " << HumanBytes{bytes_};
        if (const std::uint64_t lost = unrecorded_.load()) out << "; no memory for " << lost;
        if (reason_ == Mark::Reason::is_full)
            out << "; then events_max=" << HumanBytes{most_bytes_}
                << " was reached, and later ones are missing";
        if (is_taken_)
            out << "; then it was removed, or another process wrote to it (%p in its name keeps "
                   "them apart)";
        else if (is_lost())
            out << "; then it could not be written" << (problem_ != 0 ? ": " : "")
                << (problem_ != 0 ? ::strerrordesc_np(problem_) : "");
        out << "\n";
    }

    FixedText<PATH_MAX> path_;
    std::size_t most_bytes_ = 0;
    std::atomic<bool> is_recording_{false};
    std::atomic<std::uint32_t> threads_{0};
    std::atomic<std::uint64_t> unrecorded_{0};

    os::Mutex mutex_; // for all that follows
    EventBuffer* all_ = nullptr;
    EventBuffer* free_ = nullptr;
    std::size_t bytes_ = 0;    // of the file
    std::uint64_t events_ = 0; // in batches that are full
    std::uint32_t marks_ = 0;
    Mark::Reason reason_ = Mark::Reason::goes_on;
    std::uint64_t process_ = 0; // that has begun it
    bool is_taken_ = false;     // it is another's by now
    int problem_ = 0;           // error number
};

constinit EventLog event_log;
constinit const Observer* watched = nullptr;
constinit Observer recording{};

template <class Add> void record(Add add)
{
    if (!event_log.is_recording()) return;
    ThreadState& thread = thread_state;
    EventBuffer* const buffer = event_log.buffer_of(thread);
    if (buffer == nullptr) return;
    add(*buffer);
    if (thread.has_left) [[unlikely]]
        event_log.give_back(thread);
}

void note_placed(const void* block, std::size_t size, std::uint32_t trace, std::size_t alignment)
{
    record([=](EventBuffer& buffer) {
        buffer.add_allocated(block, {.size = size, .alignment = alignment, .trace = trace});
    });
}

void note_removed(const void* block)
{
    record([block](EventBuffer& buffer) { buffer.add_freed(block); });
}

void note_resized(const BlockNote& note, std::size_t copied)
{
    watched->resized(note, copied);
    record([](EventBuffer& buffer) { buffer.add_resized(); });
}

void note_thread_leaves()
{
    watched->thread_leaves();
    ThreadState& thread = thread_state;
    thread.has_left = true;
    event_log.give_back(thread);
}

} // namespace

const Observer* record_events(const Observer* observer, const EventOptions& options)
{
    watched = observer;
    recording = *observer;
    recording.resized = note_resized;
    recording.thread_leaves = note_thread_leaves;
    recording.placed = note_placed;
    recording.removed = note_removed;
    event_log.open(options);
    return &recording;
}

void begin_event_file()
{
    event_log.begin_file();
}

void write_events(bool is_end, TextSink sink)
{
    event_log.write_all(is_end, sink);
}

void stop_events_of_child()
{
    event_log.abandon();
}

} // namespace tarn
