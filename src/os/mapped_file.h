// SPDX-License-Identifier: MIT
//
// A file in memory, at addresses that stay while it grows.

#pragma once

#include <cstddef>

namespace tarn::os {

/// Thread safety: one thread at a time. All functions leave errno as it was.
class MappedFile {
public:
    enum class Mode : unsigned char { read, write, create };

    MappedFile() = default;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile() { close(); }

    /// Opens a regular file and takes `room` bytes of address space for it, 0: as many as it is
    /// long; `create` empties it. Nobody else may write it meanwhile, nor read it if we write:
    /// others who ask through this class are refused (EWOULDBLOCK). Returns 0 or an error number.
    int open(const char* path, Mode mode, std::size_t room);

    /// Makes the file that long, and its bytes readable, and writable if opened so. New ones are
    /// zero, and have room on the disk, as far as its system can promise that: else a write to
    /// memory could end the process. Requires: bytes <= room. Returns 0 or an error number.
    int resize(std::size_t bytes);
    /// As resize() to the size that the file has.
    int map_all();

    /// Of the file, as it was opened or resized.
    std::size_t size() const { return size_; }
    std::byte* data() const { return static_cast<std::byte*>(memory_); }

    /// Writes the first `bytes` to the disk and waits for it. Returns 0 or an error number.
    int sync(std::size_t bytes);
    /// Cuts what is behind `bytes` off, and gives all back.
    void close_at(std::size_t bytes);
    void close();

private:
    int map_from(std::size_t old_size, std::size_t bytes);

    int descriptor_ = -1;
    bool is_writable_ = false;
    void* memory_ = nullptr;
    std::size_t room_ = 0;
    std::size_t size_ = 0;
    std::size_t mapped_ = 0; // whole pages
};

} // namespace tarn::os
