// SPDX-License-Identifier: MIT

#include "src/checks/fault.h"

#include <array>
#include <atomic>

#include "src/checks/thread_stacks.h"
#include "src/os/process.h"

namespace tarn {

namespace {

constinit CheckHooks hooks{};

constinit std::atomic<std::uint32_t> thread_count{0};

/// What was reported, as far as there is room: a loop that does the same thing wrong a million
/// times has one report.
class Reported {
public:
    static constexpr std::size_t kMost = 256;

    enum class Answer : std::uint8_t { fresh, known, no_room };

    Answer add(const CheckError& error)
    {
        const std::uint64_t key = key_of(error);
        for (std::size_t i = 0; i < kMost; ++i) {
            std::uint64_t before = 0;
            if (keys_[i].compare_exchange_strong(before, key)) return Answer::fresh;
            if (before == key) return Answer::known;
        }
        return Answer::no_room;
    }

    /// True for the first who asks.
    bool ends() { return !has_ended_.exchange(true, std::memory_order_relaxed); }

private:
    /// Whoever comes across bytes that have changed is not to blame, and the next look finds the
    /// same ones elsewhere: of these only the block counts.
    static std::uint64_t key_of(const CheckError& error)
    {
        constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15U; // Fibonacci hashing
        const bool is_found =
            error.changed_size != 0 && (error.block.allocated_at != 0 || error.occasion != nullptr);
        const std::uint32_t here = is_found ? 0 : error.here;
        const bool has_stacks = here != 0 || error.block.allocated_at != 0;
        std::uint64_t key = static_cast<std::uint64_t>(error.fault) + 1;
        key = key * kMultiplier + here;
        key = key * kMultiplier + error.block.allocated_at;
        return has_stacks ? key : key * kMultiplier + error.address;
    }

    std::array<std::atomic<std::uint64_t>, kMost> keys_{};
    std::atomic<bool> has_ended_{false};
};
constinit Reported reported;

/// The blocks in front of `place` and behind it, if they are in use or in quarantine.
void describe_neighbours(const CheckedPlace& place, CheckError& error)
{
    if (guards::has(place)) return;
    const auto known = [](const CheckedPlace& other) {
        return other ? describe(other) : CheckedBlock{};
    };
    error.before = known(records.around(place.raw - 1));
    error.after = known(records.around(place.raw + place.room));
}

void report(CheckError& error)
{
    if (hooks.report == nullptr) return;
    if (error.access == AccessKind::none) error.here = current_stack();
    error.noticed_by = own_thread_number();
    const Reported::Answer answer = reported.add(error);
    if (answer == Reported::Answer::fresh) hooks.report(error);
    if (answer == Reported::Answer::no_room && hooks.reports_end != nullptr && reported.ends())
        hooks.reports_end(Reported::kMost);
}

} // namespace

void set_check_hooks(const CheckHooks& wanted)
{
    hooks = wanted;
}

void note_thread_end()
{
    if (detail::thread_number != 0) thread_stacks.remove(detail::thread_number - 1);
}

std::uint32_t current_stack()
{
    return hooks.current_stack != nullptr ? hooks.current_stack() : 0;
}

std::uint32_t site_of(std::uint32_t stack)
{
    return hooks.site_of != nullptr ? hooks.site_of(stack) : 0;
}

void detail::number_this_thread()
{
    thread_number = thread_count.fetch_add(1, std::memory_order_relaxed) + 1;
    thread_stacks.add(thread_number - 1);
    if (hooks.thread_begins != nullptr) hooks.thread_begins();
}

CheckedBlock describe(const CheckedPlace& place)
{
    const BlockRecord& record = *place.record;
    const bool is_freed = record.state.load(std::memory_order_acquire) != BlockState::live;
    const auto now = static_cast<std::uint32_t>(os::clock_milliseconds());
    return {.start = place.start(),
            .size = record.size,
            .alignment = std::size_t{1} << record.alignment_shift,
            .kind = record.kind,
            .is_freed = is_freed,
            .allocated_at = record.allocated_at,
            .freed_at = is_freed ? record.freed_at : 0,
            .allocated_by = record.allocated_by,
            .freed_by = record.freed_by,
            .freed_ago = now - record.freed_when};
}

void report_change(CheckFault fault, const CheckedPlace& place, const Change& change,
                   const char* occasion)
{
    CheckError error{.fault = fault,
                     .address = change.start,
                     .block = describe(place),
                     .occasion = occasion,
                     .changed = change.start,
                     .changed_size = change.size,
                     .expected = change.expected,
                     .may_go_on = change.may_go_on || change.start == place.raw ||
                                  change.start + change.size == place.raw + place.room};
    error.block.is_freed &= occasion != nullptr; // it is about to be
    describe_neighbours(place, error);
    report(error);
}

void report_bad_pointer(const CheckedPlace& place, const void* block, bool is_resize)
{
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    // A block that has come back is one that was freed before; anything else is a wrong address,
    // perhaps of what lies close behind a block.
    CheckedPlace nearby = place;
    for (const std::size_t distance : {0U, 16U, 32U, 64U})
        if (!nearby) nearby = records.around(address - distance);
    const CheckFault twice = is_resize ? CheckFault::resize_freed : CheckFault::double_free;
    const CheckFault never = is_resize ? CheckFault::resize_invalid : CheckFault::invalid_free;
    CheckError error{.fault = place ? twice : never, .address = address};
    if (nearby) error.block = describe(nearby);
    report(error);
}

void report_kind(const CheckedPlace& place, BlockKind kind)
{
    // The library may have been opened since the program began.
    if (hooks.has_own_operators != nullptr && hooks.has_own_operators())
        return ignore_block_kinds();
    CheckError error{.fault = CheckFault::wrong_kind,
                     .address = place.start(),
                     .block = describe(place),
                     .kind = kind,
                     .is_resize = cpp_form.is_resize};
    error.block.is_freed = false; // it is about to be
    report(error);
}

void report_form(CheckFault fault, const CheckedPlace& place, const CppForm& form)
{
    CheckError error{.fault = fault,
                     .address = place.start(),
                     .block = describe(place),
                     .size = form.size,
                     .alignment = form.alignment};
    error.block.is_freed = false;
    report(error);
}

void report_size(std::size_t count, std::size_t size)
{
    CheckError error{
        .fault = CheckFault::impossible_size, .address = 0, .size = size, .count = count};
    report(error);
}

void report_error(CheckError& error)
{
    report(error);
}

} // namespace tarn
