// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <tarn/misuse.h>

namespace tarn {

/// A value between two canaries, which each access looks at; for one object among others, such as
/// the member that somebody overwrites. Misuse: underflow and overflow, by the canaries; and
/// use_after_free, an access after its end, as long as nobody else has the memory.
///
/// Cost: 16 bytes and two comparisons an access. Thread safety: as the value's.
template <class T> class Poisoned {
public:
    template <class... Arguments>
    explicit Poisoned(std::in_place_t /*unused*/, Arguments&&... arguments)
        : value_(std::forward<Arguments>(arguments)...)
    {
        mark(kInUse);
    }
    explicit Poisoned(T value) : Poisoned(std::in_place, std::move(value)) {}
    Poisoned(const Poisoned& other) : Poisoned(std::in_place, *other) {}
    Poisoned(Poisoned&& other) : Poisoned(std::in_place, std::move(*other)) {}
    Poisoned& operator=(const Poisoned& other)
    {
        **this = *other;
        return *this;
    }
    Poisoned& operator=(Poisoned&& other)
    {
        **this = std::move(*other);
        return *this;
    }
    ~Poisoned()
    {
        check();
        mark(kEnded);
    }

    T& operator*()
    {
        check();
        return value_;
    }
    const T& operator*() const
    {
        check();
        return value_;
    }
    T* operator->() { return &**this; }
    const T* operator->() const { return &**this; }

    /// Looks at the canaries now. Reports what it finds; returns whether that was nothing.
    bool check() const
    {
        const std::uint64_t front = front_;
        const std::uint64_t behind = behind_;
        if (front == canary(kInUse) && behind == canary(kInUse)) [[likely]]
            return true;
        report(front == canary(kEnded) && behind == canary(kEnded) ? Misuse::use_after_free
               : front != canary(kInUse)                           ? Misuse::underflow
                                                                   : Misuse::overflow);
        return false;
    }

private:
    static constexpr std::uint64_t kInUse = 0x5A17'C0DE'0F1B'EEFB;
    static constexpr std::uint64_t kEnded = 0xCDCD'CDCD'CDCD'CDCD;

    // By the address, so that a copy of the bytes is no canary elsewhere.
    std::uint64_t canary(std::uint64_t state) const
    {
        return state ^ reinterpret_cast<std::uintptr_t>(this);
    }
    void mark(std::uint64_t state)
    {
        front_ = canary(state);
        behind_ = canary(state);
    }
    void report(Misuse kind) const
    {
        report_misuse(
            {.kind = kind, .resource = "poisoned", .address = &value_, .size = sizeof(T)});
    }

    // Volatile: the compiler knows that nothing changes them, and that nobody reads them at the
    // end.
    volatile std::uint64_t front_;
    T value_;
    volatile std::uint64_t behind_;
};

} // namespace tarn
