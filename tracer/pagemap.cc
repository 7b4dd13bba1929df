// SPDX-License-Identifier: MIT

#include "tracer/pagemap.h"

#include <fcntl.h>
#include <unistd.h>

#include "src/os/errno_guard.h"

namespace tarn {

Pagemap::Pagemap() : descriptor_(::open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC)) {}

Pagemap::~Pagemap()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

const std::uint64_t* Pagemap::find(std::uintptr_t page)
{
    if (page - first_ >= count_) {
        const os::ErrnoGuard guard;
        const ::ssize_t got = ::pread(descriptor_, entries_.data(), sizeof entries_,
                                      static_cast<::off_t>(page * sizeof(std::uint64_t)));
        first_ = page;
        count_ = got > 0 ? static_cast<std::size_t>(got) / sizeof(std::uint64_t) : 0;
        if (count_ == 0) return nullptr;
    }
    return &entries_[page - first_];
}

} // namespace tarn
