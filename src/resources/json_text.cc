// SPDX-License-Identifier: MIT

#include "src/resources/json_text.h"

#include "src/base/json.h"

namespace tarn::detail {

namespace {

// A sink has no context.
thread_local std::string* written = nullptr;

} // namespace

std::string json_text(std::string_view text)
{
    std::string result;
    result.reserve(6 * text.size() + 2); // "\u0001": the core that writes knows no exceptions
    written = &result;
    JsonWriter([](std::string_view part) { written->append(part); }).text(text);
    return result;
}

} // namespace tarn::detail
