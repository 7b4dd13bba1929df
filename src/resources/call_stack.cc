// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cxxabi.h>
#include <execinfo.h>
#include <memory>
#include <ostream>
#include <sstream>

#include <tarn/call_stack.h>

#include "src/os/loaded_code.h"

namespace tarn {

namespace {

// Calls of the library down to here(), at most; each costs as much as one that is kept.
constexpr std::size_t kWithin = 4;

std::string demangled(const char* name)
{
    struct Free {
        void operator()(char* text) const { std::free(text); }
    };
    const std::unique_ptr<char, Free> text(abi::__cxa_demangle(name, nullptr, nullptr, nullptr));
    return text != nullptr ? text.get() : name;
}

void print_call(std::ostream& out, const void* call)
{
    // The address behind the call may be the next function's.
    const os::LoadedCode code = os::loaded_code_at(reinterpret_cast<std::uintptr_t>(call) - 1);
    out << call;
    if (code.function != nullptr) out << " in " << demangled(code.function);
    if (code.module != nullptr)
        out << " (" << code.module << "+0x" << std::hex << code.offset << std::dec << ")";
}

} // namespace

CallStack CallStack::here(std::size_t depth, const void* from) noexcept
{
    CallStack stack;
    if (depth == 0) return stack;
    std::array<void*, kMost + kWithin> seen{};
    const std::size_t wanted = std::min(depth, kMost);
    const int found = ::backtrace(seen.data(), static_cast<int>(wanted + kWithin));
    const auto end = seen.begin() + std::max(found, 0);
    auto first = from != nullptr ? std::find(seen.begin(), end, from) : end;
    if (first == end) first = std::min(seen.begin() + 1, end);
    stack.count_ = std::min(wanted, static_cast<std::size_t>(end - first));
    std::copy_n(first, stack.count_, stack.calls_.begin());
    return stack;
}

std::string CallStack::text() const
{
    std::ostringstream out;
    for (std::size_t i = 0; i < count_; ++i) {
        out << "    #" << i << " ";
        print_call(out, calls_[i]);
        out << "\n";
    }
    return out.str();
}

std::ostream& operator<<(std::ostream& out, const CallStack& stack)
{
    return out << stack.text();
}

} // namespace tarn
