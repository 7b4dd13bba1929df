// SPDX-License-Identifier: MIT
//
// A small Lisp: what the compiler makes lives as long as its unit, what the machine makes comes and
// goes.
//
//     (define NAME (lambda (NAME ...) EXPRESSION))  ...  EXPRESSION
//     EXPRESSION = NUMBER | NAME | (if E E E) | (OPERATOR E E) | (NAME E ...)
//     OPERATOR   = + - * < cons first rest        empty is the list () and false
//
// The compiler turns names into numbers of variables; its tree and tables lie in a phase of a
// PhaseArena. The machine's scopes and pairs come from an ObjectPool each; pairs are counted.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <memory_resource>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tarn/object_pool.h>
#include <tarn/phase_arena.h>

#include "tests/examples/compare.h"

namespace {

enum class Operation : std::uint8_t {
    number,
    variable,
    choice,
    call,
    add,
    subtract,
    multiply,
    less,
    cons,
    first,
    rest,
    empty
};

constexpr std::pair<std::string_view, Operation> kOperators[] = {
    {"+", Operation::add},     {"-", Operation::subtract}, {"*", Operation::multiply},
    {"<", Operation::less},    {"cons", Operation::cons},  {"first", Operation::first},
    {"rest", Operation::rest}, {"if", Operation::choice},
};

// --- the compiler
// ---------------------------------------------------------------------------------

template <class Allocator> struct Code {
    template <class T>
    using Rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;
    template <class T> using Vector = std::vector<T, Rebound<T>>;
    using String = std::basic_string<char, std::char_traits<char>, Rebound<char>>;

    struct Expression {
        Expression(Operation what, std::int64_t which, Allocator allocator)
            : operation(what), number(which), operands(allocator)
        {}

        Operation operation;
        std::int64_t number; // itself, of a variable or of a function
        Vector<Expression> operands;
    };

    explicit Code(Allocator allocator) : names(allocator), functions(allocator) {}

    std::map<String, std::size_t, std::less<>, Rebound<std::pair<const String, std::size_t>>> names;
    Vector<Expression> functions; // the last one is the program
};

template <class Allocator> class Compiler {
    using Codes = Code<Allocator>;
    using Expression = typename Codes::Expression;
    using String = typename Codes::String;

public:
    Compiler(std::string_view text, Allocator allocator)
        : text_(text), allocator_(allocator), variables_(allocator), code_(allocator)
    {}

    Codes compile()
    {
        while (text_.starts_with("(define ")) {
            word(); // (
            word(); // define
            code_.names.emplace(String(word(), allocator_), code_.names.size());
            word(); // (
            word(); // lambda
            for (word(); text_[0] != ')';)
                variables_.emplace_back(word());
            word(); // )
            code_.functions.push_back(expression());
            word(); // )
            word(); // )
            variables_.clear();
        }
        code_.functions.push_back(expression());
        return std::move(code_);
    }

private:
    Expression make(Operation operation, std::int64_t number = 0)
    {
        return Expression(operation, number, allocator_);
    }

    Expression expression()
    {
        const std::string_view first = word();
        if (first != "(") return atom(first);
        if (text_[0] == ')') {
            word();
            return make(Operation::empty);
        }
        Expression made = call(word());
        while (text_[0] != ')')
            made.operands.push_back(expression());
        word();
        return made;
    }

    Expression call(std::string_view name)
    {
        const auto* const found =
            std::ranges::find(kOperators, name, &std::pair<std::string_view, Operation>::first);
        if (found != std::end(kOperators)) return make(found->second);
        const auto function = code_.names.find(name);
        if (function == code_.names.end()) throw std::runtime_error("no such function");
        return make(Operation::call, static_cast<std::int64_t>(function->second));
    }

    Expression atom(std::string_view word)
    {
        std::int64_t number = 0;
        if (std::from_chars(word.begin(), word.end(), number).ptr == word.end())
            return make(Operation::number, number);
        const auto variable = std::ranges::find(variables_, word);
        if (variable == variables_.end()) throw std::runtime_error("no such variable");
        return make(Operation::variable, variable - variables_.begin());
    }

    /// A bracket or a name, and the spaces behind it.
    std::string_view word()
    {
        if (text_.empty()) throw std::runtime_error("the text ends too early");
        std::size_t size = 1;
        if (text_[0] != '(' && text_[0] != ')')
            size = std::min(text_.find_first_of("() \n"), text_.size());
        const std::string_view word = text_.substr(0, size);
        text_.remove_prefix(std::min(text_.find_first_not_of(" \n", size), text_.size()));
        return word;
    }

    std::string_view text_;
    Allocator allocator_;
    typename Codes::template Vector<String> variables_;
    Codes code_;
};

// --- the machine
// ----------------------------------------------------------------------------------

struct Pair;

/// A number or a list.
struct Value {
    std::int64_t number = 0;
    Pair* list = nullptr;
};

struct Pair {
    Value first;
    Value rest;
    std::size_t owners = 1;
};

struct Scope {
    Value variables[6];
};

struct NewAndDelete {
    Pair* make_pair() { return new Pair; }
    void end(Pair* pair) { delete pair; }
    Scope* make_scope() { return new Scope; }
    void end(Scope* scope) { delete scope; }
};

struct Pools {
    Pair* make_pair() { return pairs.create(); }
    void end(Pair* pair) { pairs.destroy(pair); }
    Scope* make_scope() { return scopes.create(); }
    void end(Scope* scope) { scopes.destroy(scope); }

    tarn::ObjectPool<Pair> pairs;
    tarn::ObjectPool<Scope> scopes;
};

template <class Code, class Memory> class Machine {
    using Expression = typename Code::Expression;

public:
    Machine(const Code& code, Memory& memory) : code_(code), memory_(memory) {}

    std::int64_t run()
    {
        Scope none;
        const Value result = value_of(code_.functions.back(), none);
        drop(result);
        return result.number;
    }

private:
    // Each value that is returned has one owner more: whoever called.
    Value value_of(const Expression& expression, Scope& scope)
    {
        const auto& operands = expression.operands;
        switch (expression.operation) {
        case Operation::number:
            return {.number = expression.number};
        case Operation::empty:
            return {};
        case Operation::variable:
            return shared(scope.variables[static_cast<std::size_t>(expression.number)]);
        case Operation::choice: {
            const Value condition = value_of(operands[0], scope);
            const bool is_true = condition.number != 0 || condition.list != nullptr;
            drop(condition);
            return value_of(operands[is_true ? 1 : 2], scope);
        }
        case Operation::call:
            return call(expression, scope);
        case Operation::first:
            return part(value_of(operands[0], scope), &Pair::first);
        case Operation::rest:
            return part(value_of(operands[0], scope), &Pair::rest);
        default:
            break;
        }
        const Value left = value_of(operands[0], scope);
        const Value right = value_of(operands[1], scope);
        if (expression.operation == Operation::cons) {
            Pair* const pair = memory_.make_pair();
            pair->first = left;
            pair->rest = right;
            return {.list = pair};
        }
        return {.number = calculate(expression.operation, left.number, right.number)};
    }

    static std::int64_t calculate(Operation operation, std::int64_t left, std::int64_t right)
    {
        switch (operation) {
        case Operation::add:
            return left + right;
        case Operation::subtract:
            return left - right;
        case Operation::multiply:
            return left * right;
        default:
            return static_cast<std::int64_t>(left < right);
        }
    }

    Value call(const Expression& expression, Scope& caller)
    {
        Scope* const scope = memory_.make_scope();
        const auto& operands = expression.operands;
        for (std::size_t i = 0; i < operands.size(); ++i)
            scope->variables[i] = value_of(operands[i], caller);
        const Value result =
            value_of(code_.functions[static_cast<std::size_t>(expression.number)], *scope);
        for (const Value& variable : std::span(scope->variables).first(operands.size()))
            drop(variable);
        memory_.end(scope);
        return result;
    }

    Value part(Value list, Value Pair::*member)
    {
        if (list.list == nullptr) throw std::runtime_error("an empty list has no parts");
        const Value result = shared(list.list->*member);
        drop(list);
        return result;
    }

    static Value shared(Value value)
    {
        if (value.list != nullptr) ++value.list->owners;
        return value;
    }
    void drop(Value value)
    {
        while (value.list != nullptr && --value.list->owners == 0) {
            Pair* const pair = value.list;
            drop(pair->first);
            value = pair->rest;
            memory_.end(pair);
        }
    }

    const Code& code_;
    Memory& memory_;
};

template <class Allocator, class Memory>
std::int64_t run(std::string_view text, Allocator allocator, Memory& memory)
{
    const Code<Allocator> code = Compiler(text, allocator).compile();
    return Machine(code, memory).run();
}

// A list of numbers, sorted by insertion, and their sum, each as often as its place says.
constexpr std::string_view kProgram = R"((define range (lambda (from to)
  (if (< from to) (cons (- (* from 7919) (* 101 (* from from))) (range (+ from 1) to)) ())))
(define insert (lambda (number list)
  (if list (if (< number (first list)) (cons number list)
    (cons (first list) (insert number (rest list)))) (cons number ()))))
(define sort (lambda (list) (if list (insert (first list) (sort (rest list))) ())))
(define sum (lambda (list weight) (if list (+ (* weight (first list)) (sum (rest list) (+ weight 1))) 0)))
(sum (sort (range 0 60)) 1))";

constexpr int kUnits = 600;

std::int64_t expected_result()
{
    std::array<std::int64_t, 60> numbers{};
    for (std::int64_t i = 0; i < std::ssize(numbers); ++i)
        numbers[static_cast<std::size_t>(i)] = i * 7919 - 101 * i * i;
    std::ranges::sort(numbers);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < std::ssize(numbers); ++i)
        sum += (i + 1) * numbers[static_cast<std::size_t>(i)];
    return sum;
}

} // namespace

int main()
{
    NewAndDelete memory;
    if (run(kProgram, std::allocator<char>(), memory) != expected_result()) {
        std::fputs("interpreter: a wrong result\n", stderr);
        return 1;
    }
    return example::compare(
        "interpreter", "PhaseArena and ObjectPool",
        [&] {
            std::int64_t sum = 0;
            for (int unit = 0; unit < kUnits; ++unit)
                sum += run(kProgram, std::allocator<char>(), memory);
            return sum;
        },
        [] {
            Pools pools;
            tarn::PhaseArena arena;
            std::int64_t sum = 0;
            for (int unit = 0; unit < kUnits; ++unit) {
                const tarn::PhaseArena::Phase phase(arena, "unit");
                sum +=
                    run(kProgram, std::pmr::polymorphic_allocator<char>(&arena.resource()), pools);
            }
            return sum;
        });
}
