// SPDX-License-Identifier: MIT
//
// dlclose, after which a tracer must forget what it knew of the code that is gone; and dlopen
// without RTLD_DEEPBIND (deepbind=drop).
//
// A library opened with that flag finds libc's malloc before ours, and memory then crosses between
// two allocators: php's extensions crash so under every preloaded malloc. Without the flag they
// run; what it was set for, a library with symbols of its own that the program has too, is rare.

#include <atomic>
#include <dlfcn.h>

#include "preload/export.h"
#include "preload/startup.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "tracer/traces.h"

// Clang makes the call a jump where it must; g++ 12 has no word for it, but does so at -O2.
#ifdef __clang__
#define TARN_JUMP_ATTRIBUTE
#define TARN_JUMP [[clang::musttail]]
#else
#define TARN_JUMP_ATTRIBUTE [[gnu::optimize("O2")]]
#define TARN_JUMP
#endif

namespace {

/// The function of that name behind ours.
template <class Function> Function* next_function(std::atomic<Function*>& found, const char* name)
{
    Function* next = found.load(std::memory_order_relaxed);
    if (next == nullptr) {
        next = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
        found.store(next, std::memory_order_relaxed);
    }
    return next;
}

using Dlopen = void*(const char*, int);
constinit std::atomic<Dlopen*> next_dlopen{nullptr};
using Dlclose = int(void*);
constinit std::atomic<Dlclose*> next_dlclose{nullptr};

} // namespace

// The last call is a jump: libc takes its return address for the caller's, whose RUNPATH and
// namespace decide what is found.
TARN_EXPORT TARN_JUMP_ATTRIBUTE void* dlopen(const char* file, int mode)
{
    Dlopen* const next = next_function(next_dlopen, "dlopen");
    if (tarn::startup_options().deepbind == tarn::DeepBind::drop) mode &= ~RTLD_DEEPBIND;
    TARN_JUMP return next(file, mode);
}

TARN_EXPORT int dlclose(void* library)
{
    const int result = next_function(next_dlclose, "dlclose")(library);
    if (tarn::settings.observer != nullptr) tarn::run_undisturbed(tarn::forget_unloaded_code);
    return result;
}
