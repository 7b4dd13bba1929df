// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdlib>
#include <new>

#include <tarn/call_stack.h>
#include <tarn/misuse.h>

#include "src/base/print.h"

namespace tarn {

namespace {

void print_calls(Printer& out, const char* what, const CallStack* stack)
{
    if (stack == nullptr || stack->calls().empty()) return;
    out << "  " << what << ":\n";
    out.flush();
    try {
        out << stack->text();
    } catch (const std::bad_alloc&) {
        out << "    (no memory for their names)\n";
    }
}

void print_and_abort(const MisuseReport& report)
{
    {
        Printer out(write_to_stderr);
        out << "tarn: " << name_of(report.kind) << " in resource '" << report.resource
            << "': address " << Hex{reinterpret_cast<std::uintptr_t>(report.address)};
        if (report.size != 0) out << ", size " << std::uint64_t{report.size};
        if (report.expected != 0) out << ", expected " << std::uint64_t{report.expected};
        out << "\n";
        print_calls(out, "allocated by", report.allocated);
        print_calls(out, "given back by", report.freed);
        print_calls(out, "after memory was refused to", report.refused);
    }
    std::abort();
}

// Pairs with nothing: what a handler uses is its own affair.
constinit std::atomic<MisuseHandler> misuse_handler{nullptr};

} // namespace

const char* name_of(Misuse kind) noexcept
{
    switch (kind) {
    case Misuse::double_free:
        return "double free";
    case Misuse::not_owned:
        return "address not owned";
    case Misuse::misaligned:
        return "address within a block";
    case Misuse::out_of_range:
        return "address out of range";
    case Misuse::wrong_size:
        return "wrong size";
    case Misuse::wrong_alignment:
        return "wrong alignment";
    case Misuse::out_of_order:
        return "given back out of order";
    case Misuse::overflow:
        return "write behind a block";
    case Misuse::underflow:
        return "write in front of a block";
    case Misuse::use_after_free:
        return "write into a free block";
    case Misuse::leak:
        return "leak";
    }
    return "misuse";
}

MisuseHandler set_misuse_handler(MisuseHandler handler) noexcept
{
    return misuse_handler.exchange(handler);
}

void report_misuse(const MisuseReport& report)
{
    const MisuseHandler handler = misuse_handler.load();
    (handler != nullptr ? handler : print_and_abort)(report);
}

} // namespace tarn
