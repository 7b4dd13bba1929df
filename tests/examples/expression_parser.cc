// SPDX-License-Identifier: MIT
//
// A parser of expressions: a tree for each, that is evaluated and forgotten as a whole.
//
//     program    = { name "=" expression ";" }
//     expression = term { ("+" | "-") term }
//     term       = factor { ("*" | "%") factor }
//     factor     = number | name | "-" factor | "(" expression ")"
//
// With malloc each node has an owner and is given back on its own; in an arena nodes are plain
// pointers, and names are views of copies that lie beside them.

#include <cctype>
#include <charconv>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <tarn/arena_resource.h>

#include "tests/examples/compare.h"

namespace {

struct Malloc {
    template <class T> using Pointer = std::unique_ptr<T>;
    using Text = std::string;

    template <class T> Pointer<T> make(T node) { return std::make_unique<T>(std::move(node)); }
    Text text(std::string_view text) { return std::string(text); }
};

class Arena {
public:
    template <class T> using Pointer = T*;
    using Text = std::string_view;

    explicit Arena(tarn::ArenaResource& arena) : arena_(arena) {}
    template <class T> Pointer<T> make(T node) { return arena_.make<T>(node); }
    Text text(std::string_view text) { return arena_.dup(text); }

private:
    tarn::ArenaResource& arena_;
};

template <class Memory> struct Node {
    using Pointer = typename Memory::template Pointer<Node>;

    char kind; // an operator, '0' for a number, 'a' for a name, '~' for a minus
    std::int64_t number = 0;
    typename Memory::Text name{};
    Pointer left{};
    Pointer right{};
};

template <class Memory> struct Assignment {
    typename Memory::Text name;
    typename Node<Memory>::Pointer value;
};

template <class Memory> class Parser {
public:
    using Tree = typename Node<Memory>::Pointer;

    Parser(std::string_view text, Memory& memory) : text_(text), memory_(memory) { skip_spaces(); }

    bool is_at_end() const { return text_.empty(); }

    Assignment<Memory> assignment()
    {
        auto name = memory_.text(word());
        expect('=');
        Tree value = expression();
        expect(';');
        return {std::move(name), std::move(value)};
    }

private:
    Tree expression() { return chain<&Parser::term>("+-"); }
    Tree term() { return chain<&Parser::factor>("*%"); }

    template <Tree (Parser::*Operand)()> Tree chain(std::string_view operators)
    {
        Tree left = (this->*Operand)();
        while (!text_.empty() && operators.find(text_[0]) != std::string_view::npos) {
            const char kind = next();
            Tree right = (this->*Operand)();
            left = make({.kind = kind, .left = std::move(left), .right = std::move(right)});
        }
        return left;
    }

    Tree factor()
    {
        if (text_.empty()) throw std::runtime_error("the text ends in an expression");
        if (text_[0] == '-') {
            next();
            return make({.kind = '~', .left = factor()});
        }
        if (text_[0] == '(') {
            next();
            Tree inner = expression();
            expect(')');
            return inner;
        }
        const std::string_view found = word();
        std::int64_t number = 0;
        if (std::from_chars(found.begin(), found.end(), number).ptr == found.end())
            return make({.kind = '0', .number = number});
        return make({.kind = 'a', .name = memory_.text(found)});
    }

    Tree make(Node<Memory> node) { return memory_.make(std::move(node)); }

    std::string_view word()
    {
        std::size_t size = 0;
        while (size < text_.size() && (std::isalnum(text_[size]) != 0 || text_[size] == '_'))
            ++size;
        if (size == 0) throw std::runtime_error("a number or a name is missing");
        const std::string_view word = text_.substr(0, size);
        text_.remove_prefix(size);
        skip_spaces();
        return word;
    }
    char next()
    {
        const char c = text_[0];
        text_.remove_prefix(1);
        skip_spaces();
        return c;
    }
    void expect(char c)
    {
        if (text_.empty() || next() != c) throw std::runtime_error(std::string("expected ") + c);
    }
    void skip_spaces()
    {
        while (!text_.empty() && std::isspace(text_[0]) != 0)
            text_.remove_prefix(1);
    }

    std::string_view text_;
    Memory& memory_;
};

using Variables = std::unordered_map<std::string, std::int64_t>;

template <class Memory> std::int64_t value_of(const Node<Memory>& node, const Variables& variables)
{
    constexpr std::int64_t kPrime = 1'000'003; // keeps numbers small
    const auto value = [&](const auto& tree) { return value_of<Memory>(*tree, variables); };
    switch (node.kind) {
    case '0':
        return node.number;
    case 'a':
        return variables.at(std::string(node.name));
    case '~':
        return -value(node.left);
    case '+':
        return (value(node.left) + value(node.right)) % kPrime;
    case '-':
        return (value(node.left) - value(node.right)) % kPrime;
    case '*':
        return value(node.left) * value(node.right) % kPrime;
    default:
        break;
    }
    const std::int64_t divisor = value(node.right);
    return divisor == 0 ? 0 : value(node.left) % divisor;
}

/// Parses and evaluates; returns what the variables are then. The trees end with each statement:
/// `forget()` is what an arena needs for that.
template <class Memory, class Forget>
std::int64_t run(std::string_view text, Memory memory, Forget forget)
{
    Variables variables;
    std::int64_t sum = 0;
    for (Parser<Memory> parser(text, memory); !parser.is_at_end(); forget()) {
        const Assignment<Memory> statement = parser.assignment();
        const std::int64_t value = value_of<Memory>(*statement.value, variables);
        variables[std::string(statement.name)] = value;
        sum = (sum * 31 + value) % 1'000'000'007;
    }
    return sum;
}

std::string program_of(int statements)
{
    std::string text = "variable_with_a_name_0 = 1;\n";
    for (int i = 1; i < statements; ++i) {
        const std::string n = std::to_string(i);
        const std::string before = "variable_with_a_name_" + std::to_string((i - 1) / 2 % 500);
        text += "variable_with_a_name_" + std::to_string(i % 500) + " = (" + before + " + " + n +
                ") * -(" + n + " - 3 * " + before + ") % (7 + " + n + ")";
        for (int j = 0; j < 12; ++j)
            text += " + (" + n + " - " + std::to_string(j) + ") * " + before;
        text += ";\n";
    }
    return text;
}

} // namespace

int main()
{
    const std::string text = program_of(4000);
    tarn::ArenaResource arena(tarn::ArenaOptions::frame());
    return example::compare(
        "expression_parser", "ArenaResource", [&] { return run(text, Malloc(), [] {}); },
        [&] { return run(text, Arena(arena), [&] { arena.reset(); }); });
}
