// SPDX-License-Identifier: MIT

#include "src/os/mapped_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/os/errno_guard.h"
#include "src/os/memory.h"

namespace tarn::os {

int MappedFile::open(const char* path, Mode mode, std::size_t room)
{
    const ErrnoGuard guard;
    close();
    is_writable_ = mode != Mode::read;
    const int flags = is_writable_ ? O_RDWR : O_RDONLY;
    // Emptied only when it is locked: it may be in use.
    descriptor_ = ::open(path, flags | O_CLOEXEC | (mode == Mode::create ? O_CREAT : 0), 0644);
    if (descriptor_ < 0) return errno;
    int problem = 0;
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 ||
        ::flock(descriptor_, (is_writable_ ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 ||
        (mode == Mode::create && ::ftruncate(descriptor_, 0) != 0))
        problem = errno;
    else if (!S_ISREG(status.st_mode))
        problem = EINVAL;
    size_ = mode == Mode::create ? 0 : static_cast<std::size_t>(status.st_size);
    room_ = round_up(room != 0 ? room : size_, kPageSize);
    if (problem == 0 && size_ > room_) problem = EFBIG;
    if (problem == 0 && (memory_ = reserve(room_, kPageSize)) == nullptr) problem = ENOMEM;
    if (problem != 0) close();
    return problem;
}

int MappedFile::map_all()
{
    const ErrnoGuard guard;
    return map_from(0, size_);
}

int MappedFile::resize(std::size_t bytes)
{
    const ErrnoGuard guard;
    const int problem = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
    if (problem != 0 && problem != EOPNOTSUPP && problem != EINVAL) return problem;
    if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) return errno;
    if (const int failed = map_from(mapped_, bytes); failed != 0) return failed;
    size_ = bytes;
    return 0;
}

int MappedFile::map_from(std::size_t old_size, std::size_t bytes)
{
    const std::size_t end = round_up(bytes, kPageSize);
    if (end <= old_size) return 0;
    const int protection = PROT_READ | (is_writable_ ? PROT_WRITE : 0);
    void* const mapped = ::mmap(data() + old_size, end - old_size, protection,
                                MAP_SHARED | MAP_FIXED, descriptor_, static_cast<off_t>(old_size));
    if (mapped == MAP_FAILED) return errno;
    mapped_ = end;
    return 0;
}

int MappedFile::sync(std::size_t bytes)
{
    const ErrnoGuard guard;
    if (bytes == 0) return 0;
    return ::msync(memory_, round_up(bytes, kPageSize), MS_SYNC) == 0 ? 0 : errno;
}

void MappedFile::close_at(std::size_t bytes)
{
    const ErrnoGuard guard;
    // What fails here leaves zeros behind the end.
    if (descriptor_ >= 0 && is_writable_ && bytes < size_)
        static_cast<void>(::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0);
    close();
}

void MappedFile::close()
{
    const ErrnoGuard guard;
    if (memory_ != nullptr) unmap(memory_, room_);
    if (descriptor_ >= 0) ::close(descriptor_); // and with it the lock
    memory_ = nullptr;
    descriptor_ = -1;
    room_ = size_ = mapped_ = 0;
}

} // namespace tarn::os
