// SPDX-License-Identifier: MIT
//
// Input for the `gcc` workload: ordinary C++ with the standard library's heavier headers, so that
// the compiler has templates to instantiate and functions to optimise. Preprocessed once; only
// cc1plus is timed.

#include <algorithm>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

using Value = std::variant<std::monostate, long, double, std::string, std::vector<std::string>>;

class Table {
public:
    void set(const std::string& key, Value value)
    {
        values_.insert_or_assign(key, std::move(value));
    }
    std::string print() const
    {
        std::ostringstream out;
        for (const auto& [key, value] : values_)
            std::visit([&out, &name = key](const auto& held) { write(out, name, held); }, value);
        return out.str();
    }

private:
    template <class T> static void write(std::ostream& out, const std::string& key, const T& value)
    {
        out << key << '=' << value << '\n';
    }
    static void write(std::ostream& out, const std::string& key, std::monostate)
    {
        out << key << '\n';
    }
    static void write(std::ostream& out, const std::string& key,
                      const std::vector<std::string>& all)
    {
        for (const std::string& each : all)
            write(out, key, each);
    }

    std::map<std::string, Value> values_;
};

std::vector<std::string> words_of(const std::string& text)
{
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

int main()
{
    Table table;
    std::unordered_map<std::string, std::shared_ptr<std::vector<std::size_t>>> index;
    std::string line;
    for (std::size_t number = 0; std::getline(std::cin, line); ++number) {
        for (const std::string& word : words_of(line)) {
            auto& lines = index[word];
            if (!lines) lines = std::make_shared<std::vector<std::size_t>>();
            lines->push_back(number);
        }
        table.set("line" + std::to_string(number), words_of(line));
    }
    std::vector<std::pair<std::string, std::size_t>> counts;
    for (const auto& [word, lines] : index)
        counts.emplace_back(word, lines->size());
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return std::tie(b.second, a.first) < std::tie(a.second, b.first);
    });
    const std::function<std::size_t(std::size_t)> half = [](std::size_t n) { return n / 2; };
    table.set("total", static_cast<long>(half(counts.size())));
    std::cout << table.print();
}
