// SPDX-License-Identifier: MIT

#include "tracer/check_line.h"

#include "src/os/process.h"
#include "tracer/check_words.h"

namespace tarn {

namespace {

void print_block(Printer& out, const CheckedBlock& block)
{
    if (block.start == 0) return;
    out << " (block " << Hex{block.start} << " of " << std::uint64_t{block.size} << " bytes by "
        << allocator_of(block) << ")";
}

void print_mismatch(Printer& out, const CheckError& error)
{
    switch (error.fault) {
    case CheckFault::wrong_size:
        out << "delete of " << Hex{error.address} << " as of " << std::uint64_t{error.size}
            << " bytes";
        break;
    case CheckFault::wrong_alignment:
        out << "delete of " << Hex{error.address} << " with an alignment of "
            << std::uint64_t{error.alignment} << " instead of "
            << std::uint64_t{error.block.alignment};
        break;
    default:
        out << Hex{error.address} << " was given to " << deallocator_of(error);
    }
}

void print_fault(Printer& out, const CheckError& error)
{
    switch (error.fault) {
    case CheckFault::overflow:
        out << "write behind a block, at " << Hex{error.changed};
        break;
    case CheckFault::underflow:
        out << "write in front of a block, at " << Hex{error.changed};
        break;
    case CheckFault::use_after_free:
        out << "write to a block that was freed, at " << Hex{error.address};
        break;
    case CheckFault::double_free:
        out << "double free of " << Hex{error.address};
        break;
    case CheckFault::invalid_free:
        out << "free of " << Hex{error.address} << ", where no block begins";
        break;
    case CheckFault::resize_freed:
        out << "realloc of " << Hex{error.address} << ", which was freed";
        break;
    case CheckFault::resize_invalid:
        out << "realloc of " << Hex{error.address} << ", where no block begins";
        break;
    case CheckFault::impossible_size:
        out << "request for ";
        if (error.count != 1) out << std::uint64_t{error.count} << " times ";
        out << std::uint64_t{error.size} << " bytes, more than any object can have; it gets none";
        break;
    default:
        print_mismatch(out, error);
    }
}

} // namespace

void report_check_in_line(const CheckError& error, TextSink sink)
{
    Printer out(sink);
    out << "tarn: harden: ";
    print_fault(out, error);
    print_block(out, error.block);
    if (error.changed_size != 0 && error.occasion != nullptr) out << ", noticed " << error.occasion;
    out << ", in " << os::executable_name() << ", process " << os::process_id() << "\n";
}

} // namespace tarn
