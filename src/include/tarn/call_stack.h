// SPDX-License-Identifier: MIT
//
// Where a program is, for reports of what it did wrong.

#pragma once

#include <array>
#include <cstddef>
#include <iosfwd>
#include <span>
#include <string>

#include <tarn/api.h>

namespace tarn {

/// The calls that led somewhere, the innermost first, by their return addresses. A value of 136
/// bytes.
class TARN_API CallStack {
public:
    static constexpr std::size_t kMost = 16; // calls

    CallStack() = default; // of no calls

    /// Of the caller, `depth` calls of it at most. `from`: a return address, as of
    /// __builtin_return_address(0); what lies within that call is left out. By backtrace(3): full
    /// stacks of programs with .eh_frame, which is what compilers write by default.
    /// Cost: 0.2 to 1 us a call. Thread safety: any thread at any time, but for signal handlers.
    static CallStack here(std::size_t depth = kMost, const void* from = nullptr) noexcept;

    std::span<const void* const> calls() const noexcept { return {calls_.data(), count_}; }

    /// A line for each call, as LeakSanitizer's: function, if the dynamic loader knows it (that of
    /// a shared library, or of a program linked with -rdynamic), and module with offset, as
    /// `addr2line -e MODULE OFFSET` takes it.
    std::string text() const;

    friend bool operator==(const CallStack&, const CallStack&) = default;

private:
    std::array<const void*, kMost> calls_{};
    std::size_t count_ = 0;
};

/// As text().
TARN_API std::ostream& operator<<(std::ostream& out, const CallStack& stack);

} // namespace tarn
