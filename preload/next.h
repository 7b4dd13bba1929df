// SPDX-License-Identifier: MIT
//
// The functions that we take over from libc, as the program would have them without us: another
// preloaded library's, or libc's own.

#pragma once

#include <atomic>
#include <dlfcn.h>

namespace tarn {

/// One such function. Found by our constructor, because dlsym() may not be called where these may
/// be: in a signal handler or after vfork(). Before that, and if there is none, it is null.
template <class Function> class Next {
public:
    constexpr explicit Next(const char* name) : name_(name) {}

    void find() { function_.store(reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name_))); }
    Function* get() const { return function_.load(std::memory_order_relaxed); }

private:
    const char* name_;
    std::atomic<Function*> function_{nullptr};
};

/// From our constructor: finds those of exits.cc and of signals.cc.
void find_next_exits();
void find_next_signals();

} // namespace tarn
