// SPDX-License-Identifier: MIT
//
// The calls in a file of events=FILE, of all threads, one after the other as they were made.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <span>
#include <unordered_set>
#include <vector>

#include "tracer/command/event_file.h"

namespace tarn {

struct Event {
    enum class Kind : std::uint8_t { allocated, freed, resized };
    Kind kind;
    std::uint32_t thread;
    std::uint64_t ticks;         // since the start
    std::uint64_t block;         // address
    std::uint64_t old_block = 0; // of `resized`
    std::uint64_t size = 0;
    std::uint64_t alignment = 0; // 0: the default
    std::uint32_t stack = 0;     // number; 0: not known
};

/// The events of all threads, in an order in which each block is allocated before it is freed, and
/// freed before it is allocated again. Where the clocks of two threads say otherwise the block is
/// right, within some milliseconds.
class EventOrder {
public:
    explicit EventOrder(const EventFile& file);

    /// False: there are no more.
    bool next(Event& event);

    /// Blocks whose allocation was not recorded; what was freed of them is left out.
    std::uint64_t unknown_frees() const { return unknown_frees_; }
    /// Blocks whose end was not recorded, since another one was allocated there: a `freed` was made
    /// up.
    std::uint64_t missing_frees() const { return missing_frees_; }
    bool is_damaged() const;

private:
    class Stream {
    public:
        Stream(const EventFile& file, const std::vector<EventFile::Batch>& batches);
        /// The next event, or nullptr.
        const Event* front();
        void pop();
        /// The front, a `resized`, of a block that is not known.
        void turn_into_allocated();
        bool is_damaged() const { return is_damaged_; }

    private:
        bool decode(Event& event);
        bool begin_batch();
        bool take(Event& event);
        void join_resized();

        const EventFile& file_;
        const std::vector<EventFile::Batch>& batches_;
        std::size_t batch_ = 0;
        std::span<const std::byte> rest_;
        std::uint64_t ticks_ = 0;
        std::uint64_t block_ = 0;
        std::uint64_t stack_ = 0;
        std::deque<Event> ahead_; // what may be part of a realloc()
        bool is_damaged_ = false;
    };

    struct Turn {
        std::uint64_t ticks;
        std::size_t stream;
        friend bool operator>(const Turn& a, const Turn& b) { return a.ticks > b.ticks; }
    };

    /// The block that has to be freed or allocated first; 0: none.
    std::uint64_t hindrance(const Event& event) const;
    bool take_turn(Event& event);
    bool force(const Turn& turn, Event& event);
    void emit(std::size_t stream, Event& event);
    void queue(std::size_t stream);
    void wake(std::uint64_t block);

    std::vector<Stream> streams_;
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
    std::multimap<std::uint64_t, Turn> waiting_; // by block
    std::unordered_set<std::uint64_t> live_;     // blocks
    std::uint64_t patience_;                     // ticks
    std::uint64_t unknown_frees_ = 0;
    std::uint64_t missing_frees_ = 0;
};

} // namespace tarn
