// SPDX-License-Identifier: MIT
#include "src/resources/block_ledger.h"

#include <algorithm>
#include <cstring>

namespace tarn::detail {

namespace {

// No values of programs: 0x00 and 0xff would be.
constexpr unsigned char kCanary = 0xCA;
constexpr unsigned char kFree = 0xCD;

// Where ASan forbids the memory, it watches it, too, and this library may not look.
bool is_filled(std::uintptr_t address, std::size_t size, unsigned char value)
{
    if (has_address_sanitizer()) return true;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(address);
    return std::all_of(bytes, bytes + size, [=](unsigned char byte) { return byte == value; });
}

void fill(std::uintptr_t address, std::size_t size, unsigned char value)
{
    if (!has_address_sanitizer()) std::memset(reinterpret_cast<void*>(address), value, size);
}

std::uintptr_t number_of(const void* address)
{
    return reinterpret_cast<std::uintptr_t>(address);
}

} // namespace

bool BlockLedger::add(void* block, std::size_t bytes, std::size_t alignment,
                      std::size_t front) noexcept
{
    const std::uintptr_t address = number_of(block);
    auto next = first_in(address - front);
    try {
        while (next != entries_.end() && next->first < address + bytes + kRedzone) {
            if (next->second.is_free) check(*next);
            next = entries_.erase(next);
        }
        entries_.emplace(address, Entry{bytes, alignment, next_number_, false, false, {}});
    } catch (const std::bad_alloc&) {
        return false;
    }
    ++next_number_;
    ++live_;
    fill(address + bytes, kRedzone, kCanary);
    return true;
}

bool BlockLedger::verify(const void* block, std::size_t bytes, std::size_t alignment)
{
    const auto found = entries_.find(number_of(block));
    if (found == entries_.end()) {
        report(kind_of_unknown(block), block, bytes);
        return false;
    }
    const Entry& entry = found->second;
    if (entry.is_free) {
        report(Misuse::double_free, block, bytes, entry.bytes);
        return false;
    }
    if (entry.bytes != bytes) {
        report(Misuse::wrong_size, block, bytes, entry.bytes);
        return false;
    }
    if (entry.alignment != alignment) {
        report(Misuse::wrong_alignment, block, alignment, entry.alignment);
        return false;
    }
    check(*found);
    return true;
}

bool BlockLedger::remove(void* block, std::size_t bytes, std::size_t alignment)
{
    if (!verify(block, bytes, alignment)) return false;
    take_back(*entries_.find(number_of(block)));
    return true;
}

void BlockLedger::remove_since(std::uint64_t number)
{
    for (const auto& entry : entries_)
        if (entry.second.number >= number) check(entry);
    for (auto& entry : entries_)
        if (entry.second.number >= number && !entry.second.is_free) take_back(entry);
}

std::uint64_t BlockLedger::mark()
{
    marks_.push_back(last_mark_ + 1);
    return ++last_mark_;
}

bool BlockLedger::return_to(std::uint64_t mark)
{
    const auto found = std::lower_bound(marks_.begin(), marks_.end(), mark);
    if (found == marks_.end() || *found != mark) {
        report(Misuse::out_of_order, nullptr);
        return false;
    }
    marks_.erase(found + 1, marks_.end());
    return true;
}

void BlockLedger::unmark(std::uint64_t mark) noexcept
{
    marks_.erase(std::lower_bound(marks_.begin(), marks_.end(), mark), marks_.end());
}

void BlockLedger::forget(const void* begin, std::size_t size) noexcept
{
    const auto first = first_in(number_of(begin));
    const auto last = entries_.lower_bound(number_of(begin) + size);
    std::for_each(first, last, [&](const auto& entry) {
        if (!entry.second.is_free) --live_;
    });
    entries_.erase(first, last);
}

void BlockLedger::retire(const void* block) noexcept
{
    const auto found = entries_.find(number_of(block));
    if (found == entries_.end()) return;
    if (!found->second.is_free) --live_;
    found->second.is_free = true;
    found->second.is_retired = true;
}

void BlockLedger::check() const
{
    for (const auto& entry : entries_)
        check(entry);
}

void BlockLedger::check(const void* block) const
{
    const auto found = entries_.find(number_of(block));
    if (found != entries_.end()) check(*found);
}

void BlockLedger::report(Misuse kind, const void* address, std::size_t size,
                         std::size_t expected) const
{
    const Entry* const entry = entry_around(address);
    const BlockHistory history = entry != nullptr ? entry->history : BlockHistory{};
    report_misuse({.kind = kind,
                   .resource = resource_,
                   .address = address,
                   .size = size,
                   .expected = expected,
                   .allocated = history.allocated,
                   .freed = history.freed});
}

BlockHistory* BlockLedger::history_of(const void* block) noexcept
{
    const auto found = entries_.find(number_of(block));
    return found != entries_.end() ? &found->second.history : nullptr;
}

// Null where no block is, or only what lies behind one.
const BlockLedger::Entry* BlockLedger::entry_around(const void* address) const noexcept
{
    const auto next = entries_.upper_bound(number_of(address));
    if (next == entries_.begin()) return nullptr;
    const auto& [start, entry] = *std::prev(next);
    return number_of(address) - start < entry.bytes ? &entry : nullptr;
}

// The first that lies there or behind, if only with its end.
BlockLedger::Entries::iterator BlockLedger::first_in(std::uintptr_t address) noexcept
{
    const auto next = entries_.lower_bound(address);
    if (next == entries_.begin()) return next;
    const auto before = std::prev(next);
    return before->first + before->second.bytes + kRedzone > address ? before : next;
}

bool BlockLedger::has(const void* address) const noexcept
{
    const Entry* const entry = entry_around(address);
    return entry != nullptr && !entry->is_free;
}

Misuse BlockLedger::kind_of_unknown(const void* address) const noexcept
{
    return entry_around(address) != nullptr ? Misuse::misaligned : Misuse::not_owned;
}

void BlockLedger::check(const Entries::value_type& entry) const
{
    const auto& [address, block] = entry;
    if (block.is_retired) return;
    const auto* const start = reinterpret_cast<const void*>(address);
    if (block.is_free && !is_filled(address, block.bytes, kFree))
        report(Misuse::use_after_free, start, block.bytes);
    if (!is_filled(address + block.bytes, kRedzone, kCanary))
        report(Misuse::overflow, start, block.bytes);
}

void BlockLedger::take_back(Entries::value_type& entry)
{
    entry.second.is_free = true;
    --live_;
    fill(entry.first, entry.second.bytes, kFree);
    poison(reinterpret_cast<const void*>(entry.first), entry.second.bytes);
}

} // namespace tarn::detail
