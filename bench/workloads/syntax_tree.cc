// SPDX-License-Identifier: MIT
//
// Trees as a compiler builds them: expressions are parsed from text, differentiated, simplified
// and printed, each step making a new tree of nodes of different sizes and freeing the old one in
// depth-first order.
//
// Decided by the fast path, by how close together the nodes of a tree lie, and by std::string.

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/workloads/support.h"

namespace bench {
namespace {

enum class Kind : std::uint8_t { number, variable, sum, product, call };

struct Node {
    explicit Node(Kind node_kind) : kind(node_kind) {}
    virtual ~Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    Kind kind;
};
using Tree = std::unique_ptr<Node>;

struct NumberNode : Node {
    explicit NumberNode(std::uint32_t number) : Node(Kind::number), value(number) {}
    std::uint32_t value;
};
struct VariableNode : Node {
    explicit VariableNode(std::string variable) : Node(Kind::variable), name(std::move(variable)) {}
    std::string name;
};
struct BinaryNode : Node {
    BinaryNode(Kind node_kind, Tree left_side, Tree right_side)
        : Node(node_kind), left(std::move(left_side)), right(std::move(right_side))
    {}
    Tree left;
    Tree right;
};
struct CallNode : Node {
    CallNode(std::string name, std::vector<Tree> values)
        : Node(Kind::call), function(std::move(name)), arguments(std::move(values))
    {}
    std::string function;
    std::vector<Tree> arguments;
};

template <class T> const T& as(const Tree& tree)
{
    return static_cast<const T&>(*tree);
}

/// Recursive descent over: sum = product {'+' product}, product = atom {'*' atom}.
class Parser {
public:
    explicit Parser(const std::string& text) : text_(text) {}

    Tree sum()
    {
        Tree tree = product();
        while (accept('+'))
            tree = std::make_unique<BinaryNode>(Kind::sum, std::move(tree), product());
        return tree;
    }

private:
    bool accept(char expected)
    {
        if (at_ >= text_.size() || text_[at_] != expected) return false;
        ++at_;
        return true;
    }
    Tree product()
    {
        Tree tree = atom();
        while (accept('*'))
            tree = std::make_unique<BinaryNode>(Kind::product, std::move(tree), atom());
        return tree;
    }
    Tree atom()
    {
        if (accept('(')) {
            Tree tree = sum();
            accept(')');
            return tree;
        }
        const std::size_t start = at_;
        while (at_ < text_.size() && (text_[at_] == '_' || std::isalnum(text_[at_]) != 0))
            ++at_;
        std::string word = text_.substr(start, at_ - start);
        if (std::isdigit(word[0]) != 0)
            return std::make_unique<NumberNode>(static_cast<std::uint32_t>(std::stoul(word)));
        if (!accept('(')) return std::make_unique<VariableNode>(std::move(word));
        std::vector<Tree> arguments;
        do
            arguments.push_back(sum());
        while (accept(','));
        accept(')');
        return std::make_unique<CallNode>(std::move(word), std::move(arguments));
    }

    const std::string& text_;
    std::size_t at_ = 0;
};

Tree copy(const Tree& tree)
{
    switch (tree->kind) {
    case Kind::number:
        return std::make_unique<NumberNode>(as<NumberNode>(tree).value);
    case Kind::variable:
        return std::make_unique<VariableNode>(as<VariableNode>(tree).name);
    case Kind::sum:
    case Kind::product: {
        const auto& binary = as<BinaryNode>(tree);
        return std::make_unique<BinaryNode>(tree->kind, copy(binary.left), copy(binary.right));
    }
    case Kind::call:
        break;
    }
    const auto& call = as<CallNode>(tree);
    std::vector<Tree> arguments;
    for (const Tree& argument : call.arguments)
        arguments.push_back(copy(argument));
    return std::make_unique<CallNode>(call.function, std::move(arguments));
}

Tree derive_product(const BinaryNode& product);

/// The derivative by every variable at once: enough mathematics to need fresh nodes everywhere.
Tree derive(const Tree& tree)
{
    switch (tree->kind) {
    case Kind::number:
        return std::make_unique<NumberNode>(0);
    case Kind::variable:
        return std::make_unique<NumberNode>(1);
    case Kind::sum: {
        const auto& sum = as<BinaryNode>(tree);
        return std::make_unique<BinaryNode>(Kind::sum, derive(sum.left), derive(sum.right));
    }
    case Kind::product:
        return derive_product(as<BinaryNode>(tree));
    case Kind::call:
        break;
    }
    const auto& call = as<CallNode>(tree);
    std::vector<Tree> arguments;
    for (const Tree& argument : call.arguments)
        arguments.push_back(copy(argument));
    Tree outer = std::make_unique<CallNode>(call.function + "_derivative", std::move(arguments));
    return std::make_unique<BinaryNode>(Kind::product, std::move(outer),
                                        derive(call.arguments.front()));
}

Tree derive_product(const BinaryNode& product)
{
    Tree left =
        std::make_unique<BinaryNode>(Kind::product, derive(product.left), copy(product.right));
    Tree right =
        std::make_unique<BinaryNode>(Kind::product, copy(product.left), derive(product.right));
    return std::make_unique<BinaryNode>(Kind::sum, std::move(left), std::move(right));
}

bool is_number(const Tree& tree, std::uint32_t value)
{
    return tree->kind == Kind::number && as<NumberNode>(tree).value == value;
}

/// Drops additions of 0, multiplications by 0 and by 1.
Tree simplify(Tree tree)
{
    if (tree->kind != Kind::sum && tree->kind != Kind::product) return tree;
    auto& binary = static_cast<BinaryNode&>(*tree);
    binary.left = simplify(std::move(binary.left));
    binary.right = simplify(std::move(binary.right));
    const std::uint32_t neutral = tree->kind == Kind::sum ? 0 : 1;
    if (is_number(binary.left, neutral)) return std::move(binary.right);
    if (is_number(binary.right, neutral)) return std::move(binary.left);
    if (tree->kind == Kind::product && (is_number(binary.left, 0) || is_number(binary.right, 0)))
        return std::make_unique<NumberNode>(0);
    return tree;
}

std::string print(const Tree& tree)
{
    switch (tree->kind) {
    case Kind::number:
        return std::to_string(as<NumberNode>(tree).value);
    case Kind::variable:
        return as<VariableNode>(tree).name;
    case Kind::sum:
    case Kind::product: {
        const auto& binary = as<BinaryNode>(tree);
        const char* const sign = tree->kind == Kind::sum ? "+" : "*";
        return "(" + print(binary.left) + sign + print(binary.right) + ")";
    }
    case Kind::call:
        break;
    }
    const auto& call = as<CallNode>(tree);
    std::string text = call.function + "(";
    for (const Tree& argument : call.arguments)
        text += print(argument) + ",";
    text.back() = ')';
    return text;
}

std::string random_expression(Random& random, std::size_t depth)
{
    static constexpr std::array kNames{"x", "y", "position", "a_rather_long_variable_name"};
    if (depth == 0) {
        if (random.below(3) == 0) return std::to_string(random.below(5));
        return kNames[random.below(kNames.size())];
    }
    const std::string left = random_expression(random, depth - 1);
    const std::string right = random_expression(random, random.below(depth));
    switch (random.below(4)) {
    case 0:
        return "sine(" + left + "," + right + ")";
    case 1:
        return "(" + left + "+" + right + ")";
    default:
        return left + "*" + right;
    }
}

} // namespace
} // namespace bench

int main(int argc, char** argv)
{
    using namespace bench;
    const std::size_t count = argument(argc, argv, 1, 300);
    Random random(9);
    std::uint64_t checksum = 0;
    std::vector<Tree> kept(64); // some trees stay for a while, as functions of a program do
    for (std::size_t i = 0; i < count; ++i) {
        const std::string text = random_expression(random, 9);
        Tree tree = Parser(text).sum();
        Tree derivative = simplify(derive(tree));
        const std::string printed = print(simplify(derive(derivative)));
        for (const char letter : printed)
            checksum = checksum * 31 + static_cast<unsigned char>(letter);
        kept[random.below(kept.size())] = std::move(derivative);
    }
    return finish(checksum);
}
