// SPDX-License-Identifier: MIT

#include "src/base/options.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "src/base/quantity.h"
#include "src/base/text.h"

namespace tarn {

namespace {

std::optional<bool> parse_bool(std::string_view text)
{
    for (const std::string_view word : {"1", "on", "yes", "true"})
        if (equal_ignoring_case(text, word)) return true;
    for (const std::string_view word : {"0", "off", "no", "false"})
        if (equal_ignoring_case(text, word)) return false;
    return std::nullopt;
}

std::optional<std::size_t> parse_milliseconds(std::string_view text)
{
    static constexpr std::array<Unit, 4> kUnits{{{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}}};
    return parse_quantity(text, kUnits);
}

struct Period {
    std::size_t milliseconds = 0;
    std::size_t bytes = 0;
};

/// Neither a number alone nor one of "m" says whether it is a time or a size.
std::optional<Period> parse_period(std::string_view text)
{
    std::string_view unit = text;
    const std::optional<std::size_t> number = take_number(unit);
    if (number == 0U && unit.empty()) return Period{};
    if (unit.empty() || equal_ignoring_case(unit, "m")) return std::nullopt;
    if (const auto milliseconds = parse_milliseconds(text))
        return Period{.milliseconds = *milliseconds, .bytes = 0};
    if (const auto bytes = parse_size(text)) return Period{.milliseconds = 0, .bytes = *bytes};
    return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, LeakKinds>, 6> kLeakKinds{
    {{"definite", kLeakDefinite},
     {"indirect", kLeakIndirect},
     {"possible", kLeakPossible},
     {"reachable", kLeakReachable},
     {"lost", kLeakDefinite | kLeakIndirect},
     {"all", kLeakDefinite | kLeakIndirect | kLeakPossible | kLeakReachable}}};

std::optional<LeakKinds> parse_leak_kinds(std::string_view text)
{
    LeakKinds kinds = 0;
    for (bool more = true; more;) {
        const std::size_t end = std::min(text.find('|'), text.size());
        const auto* const known = std::ranges::find_if(kLeakKinds, [&](const auto& kind) {
            return equal_ignoring_case(kind.first, slice(text, 0, end));
        });
        if (known == kLeakKinds.end()) return std::nullopt;
        kinds |= known->second;
        more = end < text.size();
        text = slice(text, end + 1);
    }
    return kinds;
}

template <class T> bool assign(T& target, const std::optional<T>& value)
{
    if (value) target = *value;
    return value.has_value();
}

/// One overload per kind of field; std::visit picks.
struct Assign {
    Options& options;
    std::string_view value;
    std::string_view values;

    bool operator()(bool Options::*member) const
    {
        return assign(options.*member, parse_bool(value));
    }
    bool operator()(BundleField field) const
    {
        if (!(*this)(field.member)) return false;
        if (options.*field.member) field.switch_on(options);
        return true;
    }
    bool operator()(SizeField field) const
    {
        return assign(options.*field.member, parse_size(value));
    }
    bool operator()(TimeField field) const
    {
        return assign(options.*field.member, parse_milliseconds(value));
    }
    bool operator()(CountField field) const
    {
        return assign(options.*field.member, parse_count(value, field.most));
    }
    bool operator()(ByteField field) const
    {
        constexpr std::size_t kMost = 255;
        std::optional<std::size_t> byte = parse_count(value, kMost);
        if (has_prefix(value, "0x") || has_prefix(value, "0X"))
            byte = parse_hexadecimal(slice(value, 2));
        return byte <= kMost && assign(options.*field.member, byte);
    }
    bool operator()(PeriodField field) const
    {
        const std::optional<Period> period = parse_period(value);
        if (!period) return false;
        if (period->milliseconds != 0 && period->milliseconds < PeriodField::kLeastMilliseconds)
            return false;
        if (period->bytes != 0 && period->bytes < PeriodField::kLeastBytes) return false;
        options.*field.milliseconds = period->milliseconds;
        options.*field.bytes = period->bytes;
        return true;
    }
    bool operator()(PercentField field) const
    {
        const bool has_sign = !value.empty() && value.back() == '%';
        return assign(
            options.*field.member,
            parse_count(slice(value, 0, value.size() - (has_sign ? 1 : 0)), PercentField::kMost));
    }
    bool operator()(LeakKinds Options::*member) const
    {
        return assign(options.*member, parse_leak_kinds(value));
    }
    /// An enumeration: the words stand in OptionSpec::values in the order of its enumerators.
    template <class Enum> bool operator()(Enum Options::*member) const
    {
        std::string_view words = values;
        for (std::uint8_t number = 0; !words.empty(); ++number) {
            const std::size_t end = std::min(words.find('|'), words.size());
            if (equal_ignoring_case(value, slice(words, 0, end))) {
                options.*member = static_cast<Enum>(number);
                return true;
            }
            words = slice(words, end + 1);
        }
        return false;
    }
    bool operator()(GuardChoice Options::*member) const
    {
        return parse_guard(value, options.*member);
    }
    bool operator()(FailChoice Options::*member) const
    {
        return parse_fail(value, options.*member);
    }
    bool operator()(OptionText Options::*member) const
    {
        if (value.empty() || value.size() >= sizeof(OptionText) - sizeof(std::size_t)) return false;
        options.*member = OptionText{};
        options.*member << value;
        return true;
    }
};

template <class Enum> std::string_view word_at(std::string_view values, Enum value)
{
    for (auto i = static_cast<std::size_t>(value); i > 0; --i)
        values = slice(values, values.find('|') + 1);
    return slice(values, 0, values.find('|'));
}

struct PrintValue {
    FixedText<600>& out;
    const Options& options;
    const OptionSpec& spec;

    void operator()(bool Options::*member) const { out << (options.*member ? "on" : "off"); }
    void operator()(BundleField field) const { (*this)(field.member); }
    void operator()(SizeField field) const { out << std::uint64_t{options.*field.member}; }
    void operator()(TimeField field) const { out << std::uint64_t{options.*field.member} << "ms"; }
    void operator()(OptionText Options::*member) const { out << (options.*member).view(); }
    void operator()(CountField field) const { out << std::uint64_t{options.*field.member}; }
    void operator()(ByteField field) const { out << std::uint64_t{options.*field.member}; }
    void operator()(PeriodField field) const
    {
        if (options.*field.milliseconds != 0)
            out << std::uint64_t{options.*field.milliseconds} << "ms";
        else if (options.*field.bytes != 0)
            out << std::uint64_t{options.*field.bytes} << "b";
    }
    void operator()(PercentField field) const
    {
        if (options.*field.member != 0) out << std::uint64_t{options.*field.member} << "%";
    }
    void operator()(LeakKinds Options::*member) const
    {
        std::string_view separator;
        for (const auto& [word, bits] : kLeakKinds) {
            if (!std::has_single_bit(bits) || (options.*member & bits) == 0) continue;
            out << separator << word;
            separator = "|";
        }
    }
    void operator()(GuardChoice Options::*member) const { print_guard(out, options.*member); }
    void operator()(FailChoice Options::*member) const { print_fail(out, options.*member); }
    template <class Enum> void operator()(Enum Options::*member) const
    {
        out << word_at(spec.values, options.*member);
    }
};

/// Edit distance between two short words, to find what a mistyped key may have meant.
/// Source: Wagner and Fischer, "The String-to-String Correction Problem", JACM 21 (1974).
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    constexpr std::size_t kLongest = 32;
    if (a.size() >= kLongest || b.size() >= kLongest) return kLongest;
    std::array<std::size_t, kLongest + 1> row{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced =
                diagonal + (to_lower(a[i - 1]) == to_lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

const OptionSpec* find_option(std::string_view name)
{
    for (const OptionSpec& spec : option_specs())
        if (equal_ignoring_case(spec.name, name)) return &spec;
    return nullptr;
}

const OptionSpec& closest_option(std::string_view name)
{
    return *std::ranges::min_element(option_specs(), {}, [name](const OptionSpec& spec) {
        return edit_distance(name, spec.name);
    });
}

/// What the values of a field are besides what OptionSpec::values says.
struct PrintLimits {
    Printer& out;

    void operator()(CountField field) const { out << ", 0 to " << std::uint64_t{field.most}; }
    void operator()(ByteField) const { out << ByteField::kLimits; }
    void operator()(PeriodField) const { out << PeriodField::kLimits; }
    void operator()(PercentField) const
    {
        out << ", 0% to " << std::uint64_t{PercentField::kMost} << "%";
    }
    template <class Field> void operator()(Field) const {}
};

/// `variable` is how the user wrote it: TARN or TARN_LIMIT.
void apply(Options& options, std::string_view variable, std::string_view key,
           std::string_view value, TextSink complain)
{
    const OptionSpec* const spec = find_option(key);
    if (spec != nullptr && set_option(options, *spec, value)) return;

    Printer out(complain);
    if (spec == nullptr) {
        out << "tarn: " << variable << ": unknown option '" << key << "', did you mean '"
            << closest_option(key).name << "'? (TARN=help lists all)\n";
    } else {
        out << "tarn: " << variable << ": '" << value << "' is not a value of '" << spec->name
            << "', which takes " << spec->values;
        std::visit(PrintLimits{out}, spec->field);
        out << "\n";
    }
}

/// What a key alone means: it switches on what can be switched; what needs a value has none then.
std::string_view alone(const OptionSpec* spec)
{
    if (spec == nullptr || std::holds_alternative<bool Options::*>(spec->field) ||
        std::holds_alternative<BundleField>(spec->field))
        return "on";
    if (std::holds_alternative<PoisonMode Options::*>(spec->field)) return "both";
    if (std::holds_alternative<GuardChoice Options::*>(spec->field)) return kDefaultGuard;
    return "";
}

void apply_list(Options& options, std::string_view list, TextSink complain)
{
    while (!list.empty()) {
        const std::size_t end = first_option_size(list);
        const std::string_view item = slice(list, 0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        if (item.empty()) continue;

        const std::size_t equals = item.find('=');
        const std::string_view key = slice(item, 0, equals);
        const OptionSpec* const spec = find_option(key);
        const bool bare = equals == std::string_view::npos;
        const std::string_view value = bare ? alone(spec) : slice(item, equals + 1);
        apply(options, "TARN", key, value, complain);
    }
}

} // namespace

bool set_option(Options& options, const OptionSpec& spec, std::string_view value)
{
    return std::visit(Assign{options, value, spec.values}, spec.field);
}

void print_option_value(FixedText<600>& out, const Options& options, const OptionSpec& spec)
{
    std::visit(PrintValue{out, options, spec}, spec.field);
}

void read_options(Options& options, std::span<const std::string_view> environment,
                  TextSink complain)
{
    constexpr std::string_view kList = "TARN=";
    constexpr std::string_view kOne = "TARN_";
    for (const std::string_view entry : environment)
        if (has_prefix(entry, kList)) apply_list(options, slice(entry, kList.size()), complain);
    for (const std::string_view entry : environment) {
        const std::size_t equals = entry.find('=');
        if (!has_prefix(entry, kOne) || equals == std::string_view::npos) continue;
        apply(options, slice(entry, 0, equals), slice(entry, kOne.size(), equals - kOne.size()),
              slice(entry, equals + 1), complain);
    }
}

void print_option_help(Printer& out)
{
    out << "tarn options: TARN=key[=value],key[=value]... or one variable each, "
           "TARN_KEY=value (wins).\n"
           "Sizes take k m g t, times ms s m; patterns %p pid, %e executable, %t time, %n number, "
           "%h host.\n\n";
    out << "  " << Column{"KEY=VALUES", -40} << Column{"DEFAULT", -10} << "MEANING\n";
    for (const OptionSpec& spec : option_specs()) {
        FixedText<64> key;
        key << spec.name << "=" << spec.values;
        out << "  " << Column{key.view(), -40}
            << Column{spec.default_value.empty() ? "-" : spec.default_value, -10} << spec.help
            << "\n";
    }
}

} // namespace tarn
