// SPDX-License-Identifier: MIT
//
// Guarded blocks: each has pages of its own, and pages around them that nobody may touch. Whoever
// reads or writes beside such a block is stopped at that instruction, and whoever uses it after it
// was freed, for its pages are closed then.
//
// One range of addresses is reserved, without access. Each class of sizes has a part of it, cut
// into slots: 2^c pages that can be opened, and one behind them that never is; nor is the one in
// front of the first slot. So an open slot is one mapping more and cuts another one in two; a
// closed one is part of what surrounds it.
//
//      │ closed │ front: gap │ the block │ back: gap │ closed │ next slot
//               data()                               end of data()

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "src/base/guard_choice.h"
#include "src/base/heap_view.h"
#include "src/checks/block_record.h"
#include "src/os/mutex.h"

namespace tarn {

struct GuardLimits {
    GuardAlign align = GuardAlign::word;
    std::size_t mappings = 0; // 0: three quarters of what the system allows
    std::size_t memory = 0;   // bytes beyond those asked for
};

/// Thread safety: any thread, on a slow path; contains() and around() anywhere.
class GuardPool {
public:
    /// Errors: no addresses; nothing is guarded.
    void initialise(const GuardLimits& limits);

    bool contains(std::uintptr_t address) const { return address - start_ < size_; }

    /// Pages for a block, which read as zero and count towards limit=. Errors: none, the limits are
    /// reached, or there is no more memory.
    CheckedPlace take(std::size_t size, std::size_t alignment);
    /// The block was freed: from now on every access is a fault. Its slot is the last of its class
    /// to be used again.
    void close(const CheckedPlace& place);

    /// As those of RecordTable.
    CheckedPlace at(const void* start) const;
    /// The nearest one that there is or was.
    CheckedPlace around(std::uintptr_t address) const;

    /// The pages that a block of take() has; of one of no bytes there are none.
    static MemoryRange data(const CheckedPlace& place);

    /// Opens the page of an address, so that an access to it can go on. Errors: false.
    bool open_page(std::uintptr_t address);

    /// Calls `use` with every block in use.
    template <class Use> void for_each_live(Use use) const
    {
        for (std::size_t number = 0; number < kClasses; ++number)
            for (std::size_t i = 0; i < classes_[number].carved.load(); ++i)
                if (const CheckedPlace place = place_of(slot_at(number, i));
                    place.record->state.load() == BlockState::live)
                    use(place);
    }

    /// What the pool takes, records and blocks.
    std::size_t memory(MemoryRange* ranges, std::size_t most) const;

    /// Blocks that were not taken in because of the limits.
    std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
    std::size_t most_mappings() const { return most_mappings_; }
    std::size_t most_memory() const { return most_memory_; }

private:
    static constexpr std::size_t kClasses = 18; // blocks of up to 512 MiB

    struct Slot {
        BlockRecord record;
        std::uintptr_t start; // of the block
        std::uint32_t next;   // among the closed ones
        bool is_stale;        // its pages may hold what they did
        bool is_apart;        // closed, its pages are a mapping of their own
    };
    struct Class {
        Slot* slots = nullptr;
        std::size_t most = 0; // slots
        std::atomic<std::size_t> carved{0};
        std::byte* committed = nullptr; // end of the records that have memory
        // Closed ones, oldest first, by number plus 1; 0: none.
        std::uint32_t oldest = 0;
        std::uint32_t newest = 0;
    };

    bool reserve_parts(std::size_t wanted);
    void reserve_records();
    std::size_t class_of(std::uintptr_t address) const { return (address - start_) / part_; }
    std::uintptr_t slot_start(std::size_t number, std::size_t index) const;
    Slot& slot_at(std::size_t number, std::size_t index) const
    {
        return classes_[number].slots[index];
    }
    Slot* slot_of(std::uintptr_t address, std::size_t& index) const;
    static CheckedPlace place_of(Slot& slot);
    std::uintptr_t block_start(MemoryRange pages, std::size_t size, std::size_t alignment) const;
    Slot* take_slot(std::size_t number, std::size_t overhead, std::size_t& index);
    void put_back(std::size_t number, std::size_t index, std::size_t overhead);
    bool open(Slot& slot);
    static void shut(MemoryRange pages, Slot& slot);
    CheckedPlace refuse();

    std::uintptr_t start_ = 0;
    std::size_t size_ = 0;
    std::size_t part_ = 0; // bytes of a class
    GuardAlign align_ = GuardAlign::word;
    std::size_t most_mappings_ = 0;
    std::size_t most_memory_ = 0;
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<bool> has_opened_{false}; // open_page() was called
    MemoryRange records_{};
    // Guarded by mutex_, but for Class::carved.
    os::Mutex mutex_;
    std::array<Class, kClasses> classes_;
    std::size_t mappings_ = 0;
    std::size_t memory_ = 0;
};

extern constinit GuardPool guard_pool;

} // namespace tarn
