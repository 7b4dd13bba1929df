// SPDX-License-Identifier: MIT
//
// System calls of ours must not change the errno of the program above us.

#pragma once

#include <cerrno>

namespace tarn::os {

/// Puts errno back to what it was. On every slow path that makes system calls.
class ErrnoGuard {
public:
    ErrnoGuard() : saved_(errno) {}
    ErrnoGuard(const ErrnoGuard&) = delete;
    ErrnoGuard& operator=(const ErrnoGuard&) = delete;
    ~ErrnoGuard() { errno = saved_; }

private:
    int saved_;
};

} // namespace tarn::os
