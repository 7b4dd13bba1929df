// SPDX-License-Identifier: MIT

#include "src/resources/fields.h"

#include <ostream>
#include <utility>

#include "src/base/json.h"

namespace tarn::detail {

namespace {

// A sink has no context.
thread_local std::string* written = nullptr;

} // namespace

void write(std::ostream& out, std::span<const Field> fields)
{
    const char* separator = "";
    for (const Field& field : fields)
        out << std::exchange(separator, ", ") << field.name << ' ' << field.value;
}

std::string json_members(std::span<const Field> fields)
{
    std::string text;
    for (const Field& field : fields) {
        text.append(text.empty() ? "\"" : ",\"").append(field.name).append("\":");
        text += std::to_string(field.value);
    }
    return text;
}

std::string json_object(std::span<const Field> fields)
{
    std::string text("{");
    text += json_members(fields);
    return text += '}';
}

std::string json_text(std::string_view text)
{
    std::string result;
    result.reserve(6 * text.size() + 2); // "\u0001": the core that writes knows no exceptions
    written = &result;
    JsonWriter([](std::string_view part) { written->append(part); }).text(text);
    return result;
}

} // namespace tarn::detail
