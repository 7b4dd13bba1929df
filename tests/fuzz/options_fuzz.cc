// SPDX-License-Identifier: MIT
//
// Any bytes as an environment: whatever it says, the options stay within what can be written in
// TARN, and every complaint is a line of ours.

#include "src/base/options.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/text.h"

namespace {

std::string complaints;

void remember(std::string_view text)
{
    complaints += text;
}

void require(bool holds)
{
    if (!holds) std::abort();
}

std::string value_of(const tarn::Options& options, const tarn::OptionSpec& spec)
{
    tarn::FixedText<600> text;
    tarn::print_option_value(text, options, spec);
    return std::string(text.view());
}

/// What is printed can be read again, and says the same then.
void require_round_trip(const tarn::Options& options)
{
    for (const tarn::OptionSpec& spec : tarn::option_specs()) {
        const std::string printed = value_of(options, spec);
        if (printed.empty()) continue; // a text that is not set
        tarn::Options again;
        require(tarn::set_option(again, spec, printed));
        require(value_of(again, spec) == printed);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    // Entries end with a zero, as in /proc/self/environ.
    const std::string_view whole(reinterpret_cast<const char*>(data), size);
    std::vector<std::string_view> environment;
    for (std::size_t start = 0; start < whole.size();) {
        const std::size_t end = std::min(whole.find('\0', start), whole.size());
        environment.push_back(tarn::slice(whole, start, end - start));
        start = end + 1;
    }
    complaints.clear();
    tarn::Options options;
    tarn::read_options(options, environment, remember);
    require(complaints.empty() ||
            (complaints.starts_with("tarn: TARN") && complaints.ends_with("\n")));
    require_round_trip(options);
    return 0;
}
