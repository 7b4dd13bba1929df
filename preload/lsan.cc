// SPDX-License-Identifier: MIT
//
// The interface of LeakSanitizer, <sanitizer/lsan_interface.h>: programs that call it by weak
// reference find it here. Without leaks=on nothing is done; without stacks no block can be ignored.

#include "preload/lsan.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "preload/export.h"
#include "preload/leaks.h"
#include "preload/startup.h"
#include "src/heap/observed.h"
#include "tracer/leak_scan.h"
#include "tracer/traces.h"

// What a program may define; the loader has found it if the program or a library exports it.
// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier): the names are LeakSanitizer's
extern "C" {
[[gnu::weak]] const char* __lsan_default_suppressions();
[[gnu::weak]] int __lsan_is_turned_off();
}
// NOLINTEND(readability-identifier-naming,*-reserved-identifier)

namespace tarn {

const char* program_suppressions()
{
    const char* const text =
        __lsan_default_suppressions != nullptr ? __lsan_default_suppressions() : nullptr;
    return text != nullptr ? text : "";
}

bool is_turned_off_by_program()
{
    return __lsan_is_turned_off != nullptr && __lsan_is_turned_off() != 0;
}

} // namespace tarn

namespace {

tarn::MemoryRange range_of(const void* start, std::size_t size)
{
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    return {first, first + size};
}

} // namespace

// NOLINTBEGIN(readability-identifier-naming,*-reserved-identifier): the names are LeakSanitizer's

/// As at the end of the process, once: if memory is lost the process ends.
TARN_EXPORT void __lsan_do_leak_check()
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): that is what it is for
    if (const int status = tarn::check_leaks()) std::_Exit(status);
}

/// Returns 1 if memory is lost; the program goes on.
TARN_EXPORT int __lsan_do_recoverable_leak_check()
{
    return tarn::report_leaks_on_demand() > 0 ? 1 : 0;
}

TARN_EXPORT void __lsan_ignore_object(const void* block)
{
    if (tarn::startup_options().leaks && block != nullptr) tarn::ignore_block(block);
}

TARN_EXPORT void __lsan_disable()
{
    tarn::ignore_allocations(true);
}

TARN_EXPORT void __lsan_enable()
{
    tarn::ignore_allocations(false);
}

TARN_EXPORT void __lsan_register_root_region(const void* start, std::size_t size)
{
    tarn::chosen_roots.add(range_of(start, size));
}

TARN_EXPORT void __lsan_unregister_root_region(const void* start, std::size_t size)
{
    tarn::chosen_roots.remove(range_of(start, size));
}

// NOLINTEND(readability-identifier-naming,*-reserved-identifier)
