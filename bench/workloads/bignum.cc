// SPDX-License-Identifier: MIT
//
// Big numbers, each on the heap and never changed: every arithmetic operation is one malloc and
// soon one free of 16 to 64 bytes, with a tiny live set. This is how interpreters and computer
// algebra use malloc; the continued fraction expansion of sqrt(n) is what `cfrac`, the oldest of
// the allocator benchmarks, spends its time on.
//
// Decided by the instructions of the fast path.

#include <algorithm>
#include <cstring>
#include <utility>

#include "bench/workloads/support.h"

namespace bench {
namespace {

constexpr std::size_t kMaxLimbs = 16;

/// The head of an allocated block; the digits follow, least significant first, no leading zero.
struct Digits {
    std::uint32_t references;
    std::uint32_t count;

    std::uint32_t* limbs() { return reinterpret_cast<std::uint32_t*>(this + 1); }
};

/// A natural number: a counted reference to its digits.
class Number {
public:
    explicit Number(std::uint32_t value) : Number(&value, 1) {}
    Number(const std::uint32_t* limbs, std::size_t count)
    {
        while (count > 0 && limbs[count - 1] == 0)
            --count;
        const std::size_t bytes = count * sizeof(std::uint32_t);
        digits_ = static_cast<Digits*>(allocate(sizeof(Digits) + bytes));
        digits_->references = 1;
        digits_->count = static_cast<std::uint32_t>(count);
        if (count > 0) std::memcpy(digits_->limbs(), limbs, bytes);
    }
    Number(const Number& other) : digits_(other.digits_) { ++digits_->references; }
    Number& operator=(Number other)
    {
        std::swap(digits_, other.digits_);
        return *this;
    }
    ~Number()
    {
        if (--digits_->references == 0) std::free(digits_);
    }

    std::size_t count() const { return digits_->count; }
    std::uint32_t limb(std::size_t index) const
    {
        return index < digits_->count ? digits_->limbs()[index] : 0;
    }

private:
    Digits* digits_;
};

bool is_less(const Number& a, const Number& b)
{
    if (a.count() != b.count()) return a.count() < b.count();
    for (std::size_t i = a.count(); i-- > 0;)
        if (a.limb(i) != b.limb(i)) return a.limb(i) < b.limb(i);
    return false;
}

Number operator+(const Number& a, const Number& b)
{
    std::uint32_t sum[kMaxLimbs];
    const std::size_t count = std::max(a.count(), b.count()) + 1;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < count; ++i) {
        carry += std::uint64_t{a.limb(i)} + b.limb(i);
        sum[i] = static_cast<std::uint32_t>(carry);
        carry >>= 32U;
    }
    return {sum, count};
}

/// Requires: !is_less(a, b).
Number operator-(const Number& a, const Number& b)
{
    std::uint32_t difference[kMaxLimbs];
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < a.count(); ++i) {
        const std::uint64_t part = std::uint64_t{a.limb(i)} - b.limb(i) - borrow;
        difference[i] = static_cast<std::uint32_t>(part);
        borrow = part >> 63U;
    }
    return {difference, a.count()};
}

Number operator*(const Number& a, const Number& b)
{
    std::uint32_t product[kMaxLimbs * 2];
    std::fill_n(product, a.count() + b.count(), 0);
    for (std::size_t i = 0; i < a.count(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < b.count(); ++j) {
            carry += std::uint64_t{a.limb(i)} * b.limb(j) + product[i + j];
            product[i + j] = static_cast<std::uint32_t>(carry);
            carry >>= 32U;
        }
        product[i + b.count()] = static_cast<std::uint32_t>(carry);
    }
    return {product, a.count() + b.count()};
}

/// Quotient and remainder by a divisor of one limb.
std::pair<Number, std::uint32_t> divide_by_limb(const Number& a, std::uint32_t divisor)
{
    std::uint32_t quotient[kMaxLimbs];
    std::uint64_t rest = 0;
    for (std::size_t i = a.count(); i-- > 0;) {
        rest = (rest << 32U) | a.limb(i);
        quotient[i] = static_cast<std::uint32_t>(rest / divisor);
        rest %= divisor;
    }
    return {Number(quotient, a.count()), static_cast<std::uint32_t>(rest)};
}

Number shift_left(const Number& a, std::size_t bits)
{
    std::uint32_t shifted[kMaxLimbs * 2];
    const std::size_t count = a.count() + bits / 32 + 1;
    std::fill_n(shifted, count, 0);
    for (std::size_t i = 0; i < a.count(); ++i) {
        const std::uint64_t wide = std::uint64_t{a.limb(i)} << (bits % 32);
        shifted[i + bits / 32] |= static_cast<std::uint32_t>(wide);
        shifted[i + bits / 32 + 1] = static_cast<std::uint32_t>(wide >> 32U);
    }
    return {shifted, count};
}

std::size_t bit_count(const Number& a)
{
    if (a.count() == 0) return 0;
    const auto zeros = static_cast<std::size_t>(__builtin_clz(a.limb(a.count() - 1)));
    return a.count() * 32 - zeros;
}

/// Division by shifting and subtracting: slow as arithmetic, rich in short-lived numbers.
std::pair<Number, Number> divide(const Number& a, const Number& b)
{
    Number quotient(0);
    Number rest = a;
    while (!is_less(rest, b)) {
        std::size_t shift = bit_count(rest) - bit_count(b);
        Number multiple = shift_left(b, shift);
        if (is_less(rest, multiple)) multiple = shift_left(b, --shift);
        rest = rest - multiple;
        quotient = quotient + shift_left(Number(1), shift);
    }
    return {quotient, rest};
}

Number square_root(const Number& n)
{
    Number root(0);
    for (std::size_t bit = bit_count(n) / 2 + 1; bit-- > 0;) {
        Number larger = root + shift_left(Number(1), bit);
        if (!is_less(n, larger * larger)) root = larger;
    }
    return root;
}

/// Expands sqrt(n) for `steps` steps with the convergents modulo n, and counts how often the
/// remainder splits into small primes, as the factoring method does.
std::uint64_t expand(const Number& n, std::size_t steps)
{
    constexpr std::uint32_t kPrimes[] = {2,  3,  5,  7,  11, 13, 17, 19,
                                         23, 29, 31, 37, 41, 43, 47, 53};
    const Number root = square_root(n);
    Number p(0);
    Number q(1);
    Number coefficient = root;
    Number previous(1);
    Number convergent = root;
    std::uint64_t checksum = 0;
    for (std::size_t step = 0; step < steps; ++step) {
        p = coefficient * q - p;
        q = divide(n - p * p, q).first;
        coefficient = divide(root + p, q).first;
        const Number next = divide(coefficient * convergent + previous, n).second;
        previous = convergent;
        convergent = next;

        Number rest = q;
        for (const std::uint32_t prime : kPrimes) {
            auto divided = divide_by_limb(rest, prime);
            while (divided.second == 0) {
                rest = divided.first;
                divided = divide_by_limb(rest, prime);
            }
        }
        checksum = checksum * 31 + rest.limb(0) + convergent.limb(0);
    }
    return checksum;
}

} // namespace
} // namespace bench

int main(int argc, char** argv)
{
    const std::size_t steps = bench::argument(argc, argv, 1, 60000);
    // A product of two primes of 60 bits, so that the expansion is long.
    const bench::Number n = bench::Number(0xFFFFFFFBU) * bench::Number(0x0FFFFFC7U) *
                            bench::Number(0xFFFFFFEFU) * bench::Number(0x00FFFFFDU);
    return bench::finish(bench::expand(n, steps));
}
