// SPDX-License-Identifier: MIT

#include "src/os/mirror.h"

#include <sys/mman.h>
#include <unistd.h>

#include "src/os/errno_guard.h"

namespace tarn::os {

void* map_twice(std::size_t size)
{
    const ErrnoGuard guard;
    const int file = ::memfd_create("tarn-mirror", MFD_CLOEXEC);
    if (file < 0) return nullptr;
    void* const place =
        ::ftruncate(file, static_cast<off_t>(size)) == 0
            ? ::mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            : MAP_FAILED;
    const auto map = [&](std::size_t offset) {
        void* const at = static_cast<std::byte*>(place) + offset;
        return ::mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == at;
    };
    const bool is_mapped = place != MAP_FAILED && map(0) && map(size);
    if (place != MAP_FAILED && !is_mapped) ::munmap(place, 2 * size);
    ::close(file);
    return is_mapped ? place : nullptr;
}

} // namespace tarn::os
