// SPDX-License-Identifier: MIT
//
// The helper of reports that this program makes is this program: these stand in the place of those
// of ../helper.cc.

#include <sstream>

#include "tracer/command/resolve.h"
#include "tracer/helper.h"

namespace tarn {

bool find_helper(std::string_view)
{
    return true;
}

std::string_view helper_path()
{
    return "tarn";
}

bool run_helper(const char*, const char*, std::span<const char> input, MappedArray<char>& output)
{
    std::istringstream questions(std::string(input.data(), input.size()));
    std::ostringstream answers;
    answer(questions, answers, "");
    const std::string_view text = answers.view();
    const std::size_t before = output.size();
    if (!output.resize(before + text.size())) return false;
    std::ranges::copy(text, output.all().begin() + static_cast<std::ptrdiff_t>(before));
    return true;
}

} // namespace tarn
