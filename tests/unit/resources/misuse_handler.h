// SPDX-License-Identifier: MIT
//
// Misuse as an exception, for the length of a test.

#pragma once

#include <optional>
#include <utility>

#include <tarn/misuse.h>

namespace tarn::test {

class ThrowingMisuseHandler {
public:
    ThrowingMisuseHandler()
        : before_(set_misuse_handler([](const MisuseReport& report) {
              throw report; // NOLINT(misc-throw-by-value-catch-by-reference): it is the message
          }))
    {}
    ThrowingMisuseHandler(const ThrowingMisuseHandler&) = delete;
    ThrowingMisuseHandler& operator=(const ThrowingMisuseHandler&) = delete;
    ~ThrowingMisuseHandler() { set_misuse_handler(before_); }

    /// What `call` is reported for.
    template <class Function> std::optional<Misuse> of(Function&& call) const
    {
        try {
            std::forward<Function>(call)();
        } catch (const MisuseReport& report) {
            return report.kind;
        }
        return std::nullopt;
    }

private:
    MisuseHandler before_;
};

} // namespace tarn::test
