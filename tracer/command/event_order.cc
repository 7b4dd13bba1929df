// SPDX-License-Identifier: MIT

#include "tracer/command/event_order.h"

#include <algorithm>

namespace tarn {

EventOrder::Stream::Stream(const EventFile& file, const std::vector<EventFile::Batch>& batches)
    : file_(file), batches_(batches)
{}

bool EventOrder::Stream::begin_batch()
{
    if (batch_ == batches_.size()) return false;
    const EventFile::Batch& batch = batches_[batch_++];
    rest_ = batch.events;
    ticks_ = batch.header.ticks - file_.start_ticks;
    block_ = 0;
    stack_ = 0;
    return true;
}

/// Errors: false, what is left of the batch is damaged.
bool EventOrder::Stream::decode(Event& event)
{
    std::uint64_t first = 0;
    std::uint64_t step = 0;
    if (!events::take_varint(rest_, first)) return false;
    const auto kind = static_cast<events::Kind>(first & ((1U << events::kKindBits) - 1));
    ticks_ += first >> events::kKindBits;
    event = {.kind = Event::Kind::resized,
             .thread = batches_[batch_ - 1].header.thread,
             .ticks = ticks_,
             .block = 0};
    if (kind == events::Kind::resized) return true;
    std::uint64_t size = 0;
    if (kind == events::Kind::allocated && !events::take_varint(rest_, size)) return false;
    if (kind > events::Kind::resized || !events::take_varint(rest_, step)) return false;
    block_ += events::unzigzag(step);
    event.block = block_ << events::kBlockShift;
    if (event.block == 0) return false;
    event.kind = Event::Kind::freed;
    if (kind == events::Kind::freed) return true;
    event.kind = Event::Kind::allocated;
    event.size = size >> 1U;
    if (!events::take_varint(rest_, step)) return false;
    stack_ += events::unzigzag(step);
    event.stack = static_cast<std::uint32_t>(stack_);
    if ((size & 1U) == 0) return true;
    if (rest_.empty() || static_cast<unsigned>(rest_[0]) >= 48) return false;
    event.alignment = std::uint64_t{1} << static_cast<unsigned>(rest_[0]);
    rest_ = rest_.subspan(1);
    return true;
}

bool EventOrder::Stream::take(Event& event)
{
    for (;;) {
        while (rest_.empty())
            if (!begin_batch()) return false;
        if (decode(event)) return true;
        is_damaged_ = true;
        rest_ = {};
    }
}

/// An allocation and a free, in any order, and that they are one realloc().
void EventOrder::Stream::join_resized()
{
    if (ahead_.size() < 3 || ahead_[2].kind != Event::Kind::resized) return;
    const bool is_freed_first = ahead_[0].kind == Event::Kind::freed;
    const Event freed = ahead_[is_freed_first ? 0 : 1];
    Event joined = ahead_[is_freed_first ? 1 : 0];
    if (joined.kind != Event::Kind::allocated || freed.kind != Event::Kind::freed) return;
    joined.kind = Event::Kind::resized;
    joined.old_block = freed.block;
    ahead_.erase(ahead_.begin(), ahead_.begin() + 3);
    ahead_.push_front(joined);
}

const Event* EventOrder::Stream::front()
{
    for (;;) {
        Event event{};
        while (ahead_.size() < 3 && take(event))
            ahead_.push_back(event);
        join_resized();
        if (ahead_.empty()) return nullptr;
        // One that says so of events that are not there is left out.
        if (ahead_.front().kind != Event::Kind::resized || ahead_.front().block != 0)
            return &ahead_.front();
        ahead_.pop_front();
    }
}

void EventOrder::Stream::pop()
{
    ahead_.pop_front();
}

void EventOrder::Stream::turn_into_allocated()
{
    ahead_.front().kind = Event::Kind::allocated;
}

EventOrder::EventOrder(const EventFile& file)
{
    constexpr double kPatience = 10e6; // nanoseconds
    patience_ = file.nanoseconds_per_tick > 0
                    ? static_cast<std::uint64_t>(kPatience / file.nanoseconds_per_tick)
                    : 0;
    streams_.reserve(file.threads.size());
    for (const auto& [thread, batches] : file.threads)
        streams_.emplace_back(file, batches);
    for (std::size_t stream = 0; stream < streams_.size(); ++stream)
        queue(stream);
}

bool EventOrder::is_damaged() const
{
    return std::ranges::any_of(streams_, &Stream::is_damaged);
}

void EventOrder::queue(std::size_t stream)
{
    if (const Event* const event = streams_[stream].front()) turns_.push({event->ticks, stream});
}

void EventOrder::wake(std::uint64_t block)
{
    const auto [first, last] = waiting_.equal_range(block);
    for (auto turn = first; turn != last; ++turn)
        turns_.push(turn->second);
    waiting_.erase(first, last);
}

std::uint64_t EventOrder::hindrance(const Event& event) const
{
    if (event.kind == Event::Kind::freed) return live_.contains(event.block) ? 0 : event.block;
    if (event.kind == Event::Kind::resized && !live_.contains(event.old_block))
        return event.old_block;
    const bool stays = event.kind == Event::Kind::resized && event.block == event.old_block;
    return !stays && live_.contains(event.block) ? event.block : 0;
}

void EventOrder::emit(std::size_t stream, Event& event)
{
    event = *streams_[stream].front();
    streams_[stream].pop();
    const std::uint64_t gone = event.kind == Event::Kind::freed     ? event.block
                               : event.kind == Event::Kind::resized ? event.old_block
                                                                    : 0;
    live_.erase(gone);
    if (event.kind != Event::Kind::freed) live_.insert(event.block);
    queue(stream);
    wake(event.block);
    if (gone != 0) wake(gone);
}

/// What waits for something that does not come. False: it was left out.
bool EventOrder::force(const Turn& turn, Event& event)
{
    Stream& stream = streams_[turn.stream];
    const Event& front = *stream.front();
    const std::uint64_t block = hindrance(front);
    if (front.kind == Event::Kind::freed) {
        ++unknown_frees_;
        stream.pop();
        queue(turn.stream);
        return false;
    }
    if (front.kind == Event::Kind::resized && block == front.old_block) {
        // Of an unknown block: as malloc(), which is tried again.
        ++unknown_frees_;
        stream.turn_into_allocated();
        queue(turn.stream);
        return false;
    }
    ++missing_frees_;
    event = {
        .kind = Event::Kind::freed, .thread = front.thread, .ticks = front.ticks, .block = block};
    live_.erase(block);
    queue(turn.stream);
    wake(block);
    return true;
}

/// One of which its turn has come, or which has waited for too long. False: nothing yet.
bool EventOrder::take_turn(Event& event)
{
    const auto oldest = std::ranges::min_element(
        waiting_, {}, [](const auto& entry) { return entry.second.ticks; });
    const bool is_late = oldest != waiting_.end() &&
                         (turns_.empty() || turns_.top().ticks > oldest->second.ticks + patience_);
    if (is_late) {
        const Turn turn = oldest->second;
        waiting_.erase(oldest);
        return hindrance(*streams_[turn.stream].front()) != 0 ? force(turn, event)
                                                              : (emit(turn.stream, event), true);
    }
    const Turn turn = turns_.top();
    turns_.pop();
    const std::uint64_t block = hindrance(*streams_[turn.stream].front());
    if (block != 0) {
        waiting_.emplace(block, turn);
        return false;
    }
    emit(turn.stream, event);
    return true;
}

bool EventOrder::next(Event& event)
{
    while (!turns_.empty() || !waiting_.empty())
        if (take_turn(event)) return true;
    return false;
}

} // namespace tarn
