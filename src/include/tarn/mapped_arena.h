// SPDX-License-Identifier: MIT
//
// An arena that is a file: built once, mapped again by any process at any address.
//
//     struct Table { std::size_t count; OffsetPtr<Entry> entries; };
//
//     auto arena = MappedArena::create("table.tarn", {.version = 3});
//     auto* table = arena->make<Table>();
//     arena->set_root(table);
//     arena->close();
//
//     auto arena = MappedArena::open("table.tarn", {.version = 3});
//     const auto* table = arena->root<Table>();

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tarn/api.h>
#include <tarn/offset_ptr.h>
#include <tarn/resource.h>

namespace tarn {

/// Says which file cannot be used, and why.
class TARN_API MappedArenaError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// How a file of a MappedArena is laid out and opened.
struct MappedArenaOptions {
    const char* name = "mapped arena";
    /// Of the program's own layout: a file of another version is refused.
    std::uint32_t version = 0;
    /// Most bytes of the file. Addresses for them are taken, and nothing else.
    std::size_t limit = std::size_t{1} << 30;
    /// The file grows in steps of so many bytes.
    std::size_t step = std::size_t{64} << 10;
    /// Opening reads the whole file and compares its checksum; costs about a second for each GiB.
    bool verify = true;

    /// For a store of many GiB, whose file the program trusts: opened at once, grown in large
    /// steps.
    static constexpr MappedArenaOptions store()
    {
        return {.limit = std::size_t{64} << 30, .step = std::size_t{16} << 20, .verify = false};
    }
    /// For settings and other small files: as small as they can be.
    static constexpr MappedArenaOptions small()
    {
        return {.limit = std::size_t{16} << 20, .step = std::size_t{4} << 10};
    }
};

/// Blocks in a file, that stay where they are while it grows. A block can be given back only if it
/// is the last. What is in the file must not have pointers but OffsetPtr.
///
/// While it is open for writing the file is marked, and one that was not closed is refused.
/// Thread safety: one thread at a time. One process may write, or several read: others are refused.
class TARN_API MappedArena final : public Resource {
public:
    using Options = MappedArenaOptions;

    /// Makes an empty file, in place of one that was there. Errors: MappedArenaError.
    static std::unique_ptr<MappedArena> create(const std::string& path,
                                               const Options& options = {});
    /// Opens a file to read it. Every request is refused. Errors: MappedArenaError: it cannot be
    /// opened, is none of ours, of another version, in use, damaged, or was not closed.
    static std::unique_ptr<MappedArena> open(const std::string& path, const Options& options = {});
    /// Opens a file to add to it. Errors: as open().
    static std::unique_ptr<MappedArena> extend(const std::string& path,
                                               const Options& options = {});

    /// As close(); what cannot be written then is lost without a word.
    ~MappedArena() override;

    /// Writes everything to the disk, with its checksum. Nothing may be used afterwards.
    /// Errors: MappedArenaError.
    void close();

    /// Makes an object in the file. Its destructor never runs.
    template <class T, class... Arguments> T* make(Arguments&&... arguments)
    {
        static_assert(std::is_trivially_destructible_v<T>, "nobody would run its destructor");
        return ::new (allocate(sizeof(T), alignof(T))) T(std::forward<Arguments>(arguments)...);
    }
    /// As make(), of `count` objects.
    template <class T> std::span<T> make_array(std::size_t count)
    {
        static_assert(std::is_trivially_destructible_v<T>, "nobody would run its destructor");
        if (count > detail::kMaxRequest / sizeof(T)) throw std::bad_array_new_length();
        auto* const objects = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
        std::uninitialized_value_construct_n(objects, count);
        return {objects, count};
    }
    /// A copy of the text, with a zero behind it.
    std::string_view dup(std::string_view text);

    /// What a reader begins with. Requires: it lies in the file.
    void set_root(const void* object);
    /// nullptr: none was set. Requires: T is what was set, const if it is open for reading.
    template <class T> T* root() const noexcept { return static_cast<T*>(root_address()); }

    bool is_writable() const noexcept;
    /// Bytes in use, with the head.
    std::size_t used() const noexcept;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    ResourceStatistics do_statistics() const override;

private:
    struct Head;
    struct File;

    MappedArena(std::string path, const Options& options);

    void begin_writing();
    void check_head() const;
    [[noreturn]] void fail(std::string_view reason) const;
    void* root_address() const noexcept;
    Head* head() const noexcept;

    Options options_;
    std::string path_;
    std::unique_ptr<File> file_;
    bool is_writable_ = false;
    std::uint64_t allocations_ = 0;
    std::uint64_t deallocations_ = 0;
    std::uint64_t failures_ = 0;
    std::size_t peak_ = 0;
};

} // namespace tarn
