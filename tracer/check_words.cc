// SPDX-License-Identifier: MIT

#include "tracer/check_words.h"

#include <array>

namespace tarn {

namespace {

std::string_view name_of(CheckFault fault)
{
    switch (fault) {
    case CheckFault::overflow:
    case CheckFault::underflow:
        return "heap-buffer-overflow";
    case CheckFault::use_after_free:
    case CheckFault::stale_pointer:
        return "heap-use-after-free";
    case CheckFault::unset_pointer:
        return "use-of-uninitialized-value";
    case CheckFault::stack_overflow:
        return "stack-overflow";
    case CheckFault::double_free:
        return "double-free";
    case CheckFault::invalid_free:
        return "bad-free";
    case CheckFault::wrong_kind:
        return "alloc-dealloc-mismatch";
    case CheckFault::wrong_size:
    case CheckFault::wrong_alignment:
        return "new-delete-type-mismatch";
    case CheckFault::resize_freed:
        return "realloc-after-free";
    case CheckFault::resize_invalid:
        return "bad-realloc";
    case CheckFault::impossible_size:
        return "allocation-size-too-big";
    case CheckFault::bad_access:
        return "SEGV";
    }
    return "";
}

} // namespace

std::string_view name_of(const CheckError& error)
{
    const bool is_bus_error = error.fault == CheckFault::bad_access && error.is_bus_error;
    return is_bus_error ? "BUS" : name_of(error.fault);
}

std::string_view allocator_of(const CheckedBlock& block)
{
    constexpr std::array<std::string_view, 3> kNames{"malloc", "operator new", "operator new[]"};
    constexpr std::size_t kOfMalloc = 16; // any larger alignment was asked for
    if (block.kind == BlockKind::malloc && block.alignment > kOfMalloc) return "memalign";
    return kNames[static_cast<std::size_t>(block.kind)];
}

std::string_view deallocator_of(const CheckError& error)
{
    if (error.is_resize) return "realloc";
    constexpr std::array<std::string_view, 3> kNames{"free", "operator delete",
                                                     "operator delete[]"};
    return kNames[static_cast<std::size_t>(error.kind)];
}

std::string_view name_of(AccessKind access)
{
    constexpr std::array<std::string_view, 5> kNames{"", "ACCESS", "READ", "WRITE", "JUMP"};
    return kNames[static_cast<std::size_t>(access)];
}

std::string_view byte_word(std::uint64_t count)
{
    return count == 1 ? " byte" : " bytes";
}

namespace {

void print_thread(Printer& out, const CheckError& error)
{
    out << " in thread T" << std::uint64_t{error.noticed_by};
}

void print_alignments(Printer& out, const CheckError& error)
{
    const auto alignment = [&out](std::size_t value) {
        if (value > 16)
            out << "an alignment of " << value;
        else
            out << "none";
    };
    out << "new-delete-type-mismatch on " << Hex{error.address} << ": allocated with ";
    alignment(error.block.alignment);
    out << ", deleted with ";
    alignment(error.alignment);
}

void print_bad_access(Printer& out, const CheckError& error)
{
    const bool is_inside = error.address - error.block.start < error.block.size;
    out << name_of(error) << (is_inside ? " on address" : " on unknown address");
    if (!error.has_address)
        out << ", one that no memory can have";
    else
        out << " " << Hex{error.address};
    if (is_inside)
        out << (error.access == AccessKind::execute ? ", a block, which cannot be executed,"
                                                    : ", a block that the program has protected,");
}

} // namespace

void print_what(Printer& out, const CheckError& error)
{
    const Hex address{error.address};
    switch (error.fault) {
    case CheckFault::double_free:
        out << "attempting double-free on " << address;
        break;
    case CheckFault::invalid_free:
        out << "attempting free on address which was not malloc()-ed: " << address;
        break;
    case CheckFault::resize_freed:
        out << "attempting realloc of freed memory at " << address;
        break;
    case CheckFault::resize_invalid:
        out << "attempting realloc of an address which was not malloc()-ed: " << address;
        break;
    case CheckFault::wrong_kind:
        out << "alloc-dealloc-mismatch (" << allocator_of(error.block) << " vs "
            << deallocator_of(error) << ") on " << address;
        break;
    case CheckFault::wrong_size:
        out << "new-delete-type-mismatch on " << address << ": allocated with "
            << std::uint64_t{error.block.size} << ", deleted as of " << error.size
            << byte_word(error.size);
        break;
    case CheckFault::wrong_alignment:
        print_alignments(out, error);
        break;
    case CheckFault::impossible_size:
        out << "allocation-size-too-big: requested ";
        if (error.count != 1) out << Hex{error.count} << " times ";
        out << Hex{error.size} << " bytes, more than any object can have; it gets none";
        return print_thread(out, error);
    case CheckFault::bad_access:
        print_bad_access(out, error);
        break;
    case CheckFault::stale_pointer:
        out << "heap-use-after-free: use of a pointer read from freed memory";
        return;
    case CheckFault::unset_pointer:
        out << "use of a pointer read from a new block that was never written to";
        return;
    default:
        out << name_of(error) << " on address " << address;
        return;
    }
    print_thread(out, error);
}

} // namespace tarn
