// SPDX-License-Identifier: MIT

#include "tracer/shared_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/text.h"
#include "src/os/file.h"
#include "src/os/memory.h"

namespace tarn {

namespace {

const char* reason_of(int error)
{
    return ::strerrordesc_np(error);
}

// By number: libc's own are cancellation points, and malloc is none.
int open_file(const char* path, int flags)
{
    return static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOFOLLOW, 0600));
}

void close_file(int descriptor)
{
    if (descriptor >= 0) ::syscall(SYS_close, descriptor);
}

/// Takes a file away that is in the way.
const char* clear_name(const char* path, std::uint64_t magic)
{
    struct stat there = {};
    if (::lstat(path, &there) != 0) return errno == ENOENT ? nullptr : reason_of(errno);
    if (!S_ISREG(there.st_mode)) return "it is there, and no regular file";
    std::uint64_t seen = 0;
    const std::size_t size = os::read_file(path, reinterpret_cast<char*>(&seen), sizeof seen);
    if (there.st_size != 0 && (size != sizeof seen || (seen != magic && seen != 0)))
        return "there is another file of that name";
    return ::unlink(path) == 0 ? nullptr : reason_of(errno);
}

const char* write_at(int descriptor, std::span<const std::byte> contents, std::size_t offset)
{
    while (!contents.empty()) {
        const ::ssize_t written =
            ::syscall(SYS_pwrite64, descriptor, contents.data(), contents.size(), offset);
        if (written <= 0) return reason_of(written < 0 ? errno : EIO);
        contents = contents.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::size_t>(written);
    }
    return nullptr;
}

/// Whether writes are beyond a limit, where there would be SIGXFSZ.
bool is_too_large(std::size_t size)
{
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur;
}

const char* allocate(int descriptor, std::size_t from, std::size_t to)
{
    if (is_too_large(to)) return reason_of(EFBIG);
    if (::syscall(SYS_fallocate, descriptor, 0, from, to - from) == 0) return nullptr;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return reason_of(errno);
    // The file system knows nothing quicker.
    static constexpr std::array<std::byte, os::kPageSize> kZeroes{};
    const char* reason = nullptr;
    for (; from < to && reason == nullptr; from += kZeroes.size())
        reason = write_at(descriptor, kZeroes, from);
    return reason;
}

/// fallocate() starts anew after each signal, and with some timers would never end.
class NoSignals {
public:
    NoSignals()
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    NoSignals(const NoSignals&) = delete;
    NoSignals& operator=(const NoSignals&) = delete;
    ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

} // namespace

bool SharedFile::is_it(int descriptor) const
{
    struct stat now = {};
    return descriptor >= 0 && ::fstat(descriptor, &now) == 0 && now.st_dev == identity_.device &&
           now.st_ino == identity_.inode;
}

/// A descriptor for a while: the one that is kept, as the process may not open the file any more,
/// or a new one, as it may have closed that.
class SharedFile::Opened {
public:
    explicit Opened(SharedFile& file)
    {
        if (file.is_it(file.kept_)) {
            descriptor_ = file.kept_;
            return;
        }
        file.kept_ = -1;
        own_ = open_file(file.path_.c_str(), O_RDWR);
        if (file.is_it(own_)) descriptor_ = own_;
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() { close_file(own_); }

    int descriptor() const { return descriptor_; } // -1: it is gone

private:
    int own_ = -1;
    int descriptor_ = -1;
};

void SharedFile::set_path(std::string_view path)
{
    static constinit std::array<char, PATH_MAX> folder{};
    path_ = {};
    if (!has_prefix(path, "/")) path_ << os::current_directory(folder);
    path_ << path;
}

const char* SharedFile::create(std::uint64_t magic)
{
    // Above the numbers that a program expects its own files to get.
    constexpr int kFirst = 200;
    if (const char* const reason = clear_name(path_.c_str(), magic)) return reason;
    const int made = open_file(path_.c_str(), O_RDWR | O_CREAT | O_EXCL);
    struct stat status = {};
    if (made < 0 || ::fstat(made, &status) != 0) return reason_of(errno);
    identity_ = {.device = status.st_dev, .inode = status.st_ino};
    kept_ = ::fcntl(made, F_DUPFD_CLOEXEC, kFirst); // may fail: there is a limit
    close_file(made);
    return nullptr;
}

const char* SharedFile::make(std::string_view path, std::uint64_t magic)
{
    set_path(path);
    return create(magic);
}

const char* SharedFile::fill(std::span<const std::byte> contents)
{
    if (is_too_large(contents.size())) return reason_of(EFBIG);
    const NoSignals no_signals;
    const Opened file(*this);
    return file.descriptor() >= 0 ? write_at(file.descriptor(), contents, 0) : reason_of(ENOENT);
}

void SharedFile::remove()
{
    ::unlink(path_.c_str());
    close();
}

const char* SharedFile::extend(std::size_t from, std::size_t to)
{
    const NoSignals no_signals;
    const Opened file(*this);
    return file.descriptor() >= 0 ? allocate(file.descriptor(), from, to) : reason_of(ENOENT);
}

const char* SharedFile::map(void* address, std::size_t size, std::size_t offset)
{
    const Opened file(*this);
    if (file.descriptor() < 0) return reason_of(ENOENT);
    const void* const mapped = ::mmap(address, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                                      file.descriptor(), static_cast<::off_t>(offset));
    return mapped != MAP_FAILED ? nullptr : reason_of(errno);
}

void SharedFile::close()
{
    if (is_it(kept_)) close_file(kept_);
    kept_ = -1;
}

} // namespace tarn
