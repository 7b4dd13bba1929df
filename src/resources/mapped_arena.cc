// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstring>
#include <system_error>

#include <tarn/mapped_arena.h>
#include <tarn/misuse.h>

#include "src/base/units.h"
#include "src/os/mapped_file.h"

namespace tarn {

namespace {

// A line break finds files that were sent as text; the last byte is the version of the format.
constexpr std::array<char, 8> kMagic = {'T', 'A', 'R', 'N', 'm', '\r', '\n', 1};

// FNV-1a by words of 8 bytes: it has to find damage, not intent.
std::uint64_t checksum_of(const std::byte* bytes, std::size_t size)
{
    constexpr std::uint64_t kPrime = 0x100000001B3;
    std::uint64_t sum = 0xCBF29CE484222325;
    for (; size >= 8; bytes += 8, size -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, 8);
        sum = (sum ^ word) * kPrime;
        sum ^= sum >> 32; // or the upper bits of a word would not reach the lower ones of the sum
    }
    for (; size > 0; ++bytes, --size)
        sum = (sum ^ static_cast<std::uint64_t>(*bytes)) * kPrime;
    return sum;
}

} // namespace

/// Begins the file. All numbers are as the machine writes them: a file is not for another one.
struct MappedArena::Head {
    std::array<char, 8> magic;
    std::uint32_t version; // the program's
    std::uint32_t is_open; // by a writer
    std::uint64_t used;    // with this head
    std::uint64_t root;    // offset; 0: none
    std::uint64_t data_checksum;
    std::uint64_t head_checksum; // of what is in front of it
};

struct MappedArena::File {
    os::MappedFile file;
};

MappedArena::MappedArena(std::string path, const Options& options)
    : Resource(options.name), options_(options), path_(std::move(path)),
      file_(std::make_unique<File>())
{
    options_.step = round_up(std::clamp<std::size_t>(options.step, 1, GiB(1)), 4096);
}

std::unique_ptr<MappedArena> MappedArena::create(const std::string& path, const Options& options)
{
    std::unique_ptr<MappedArena> arena(new MappedArena(path, options));
    os::MappedFile& file = arena->file_->file;
    int problem = file.open(path.c_str(), os::MappedFile::Mode::create, options.limit);
    if (problem == 0) problem = file.resize(sizeof(Head));
    if (problem != 0) arena->fail(std::generic_category().message(problem));
    *arena->head() = {kMagic, options.version, 0, sizeof(Head), 0, 0, 0};
    arena->begin_writing();
    return arena;
}

std::unique_ptr<MappedArena> MappedArena::open(const std::string& path, const Options& options)
{
    std::unique_ptr<MappedArena> arena(new MappedArena(path, options));
    os::MappedFile& file = arena->file_->file;
    int problem = file.open(path.c_str(), os::MappedFile::Mode::read, 0);
    if (problem == 0 && file.size() < sizeof(Head)) arena->fail("too short");
    if (problem == 0) problem = file.map_all();
    if (problem != 0) arena->fail(std::generic_category().message(problem));
    arena->check_head();
    return arena;
}

std::unique_ptr<MappedArena> MappedArena::extend(const std::string& path, const Options& options)
{
    std::unique_ptr<MappedArena> arena(new MappedArena(path, options));
    os::MappedFile& file = arena->file_->file;
    int problem = file.open(path.c_str(), os::MappedFile::Mode::write, options.limit);
    if (problem == 0 && file.size() < sizeof(Head)) arena->fail("too short");
    if (problem == 0) problem = file.map_all();
    if (problem != 0) arena->fail(std::generic_category().message(problem));
    arena->check_head();
    arena->begin_writing();
    return arena;
}

void MappedArena::begin_writing()
{
    is_writable_ = true;
    peak_ = head()->used;
    head()->is_open = 1;
    // Now, that a crash finds it there.
    if (const int problem = file_->file.sync(sizeof(Head)); problem != 0)
        fail(std::generic_category().message(problem));
}

void MappedArena::check_head() const
{
    const Head& head = *this->head();
    if (head.magic != kMagic) fail("not a mapped arena");
    if (head.is_open != 0) fail("not closed by who wrote it");
    const auto* const bytes = reinterpret_cast<const std::byte*>(&head);
    if (head.head_checksum != checksum_of(bytes, offsetof(Head, head_checksum)))
        fail("damaged: checksum of its head");
    if (head.version != options_.version) fail("of another version");
    if (head.used < sizeof(Head) || head.used > file_->file.size() || head.root >= head.used)
        fail("damaged: cut off");
    if (options_.verify &&
        head.data_checksum != checksum_of(bytes + sizeof(Head), head.used - sizeof(Head)))
        fail("damaged: checksum of its data");
}

void MappedArena::fail(std::string_view reason) const
{
    throw MappedArenaError("cannot use '" + path_ + "' as a mapped arena: " + std::string(reason));
}

MappedArena::~MappedArena()
{
    try {
        close();
    } catch (const MappedArenaError&) { // NOLINT(bugprone-empty-catch): close() is who tells
    }
}

void MappedArena::close()
{
    if (!is_writable_) return file_->file.close();
    is_writable_ = false;
    os::MappedFile& file = file_->file;
    Head& head = *this->head();
    auto* const bytes = reinterpret_cast<std::byte*>(&head);
    const std::size_t size = head.used;
    head.data_checksum = checksum_of(bytes + sizeof(Head), size - sizeof(Head));
    // The data first: who finds the head closed finds them, too.
    int problem = file.sync(size);
    head.is_open = 0;
    head.head_checksum = checksum_of(bytes, offsetof(Head, head_checksum));
    if (problem == 0) problem = file.sync(sizeof(Head));
    file.close_at(size);
    if (problem != 0) fail(std::generic_category().message(problem));
}

void* MappedArena::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    // Beyond a page, another mapping would not have the alignment.
    if (is_writable_ && detail::is_serviceable(bytes, alignment) && alignment <= 4096) {
        os::MappedFile& file = file_->file;
        const std::size_t start = round_up(head()->used, alignment);
        const std::size_t end = start + bytes;
        const std::size_t grown = std::min(round_up(end, options_.step), options_.limit);
        if (end <= options_.limit && (end <= file.size() || file.resize(grown) == 0)) {
            head()->used = end;
            peak_ = std::max(peak_, end);
            ++allocations_;
            return file.data() + start;
        }
    }
    ++failures_;
    return nullptr;
}

void MappedArena::do_deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/)
{
    if (block == nullptr) return;
    if (!is_writable_ || !do_owns(block))
        return report_misuse({Misuse::not_owned, name(), block, bytes});
    const auto offset =
        static_cast<std::size_t>(static_cast<std::byte*>(block) - file_->file.data());
    if (offset + detail::at_least_one(bytes) != head()->used) return;
    head()->used = offset;
    ++deallocations_;
}

bool MappedArena::do_owns(const void* address) const noexcept
{
    const auto* const data = file_->file.data();
    return data != nullptr && address >= data + sizeof(Head) && address < data + head()->used;
}

ResourceStatistics MappedArena::do_statistics() const
{
    const std::size_t size = file_->file.size();
    return {
        .allocations = allocations_,
        .deallocations = deallocations_,
        .failures = failures_,
        .in_use = used(),
        .peak_in_use = std::max(peak_, used()),
        .reserved = size,
        .peak_reserved = size,
    };
}

std::string_view MappedArena::dup(std::string_view text)
{
    auto* const copy = static_cast<char*>(allocate(text.size() + 1, 1));
    if (!text.empty()) std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    return {copy, text.size()};
}

void MappedArena::set_root(const void* object)
{
    if (!is_writable_ || !do_owns(object))
        return report_misuse({Misuse::not_owned, name(), object});
    head()->root =
        static_cast<std::uint64_t>(static_cast<const std::byte*>(object) - file_->file.data());
}

void* MappedArena::root_address() const noexcept
{
    return head()->root != 0 ? file_->file.data() + head()->root : nullptr;
}

MappedArena::Head* MappedArena::head() const noexcept
{
    return reinterpret_cast<Head*>(file_->file.data());
}

bool MappedArena::is_writable() const noexcept
{
    return is_writable_;
}

std::size_t MappedArena::used() const noexcept
{
    return file_->file.data() != nullptr ? head()->used : 0;
}

} // namespace tarn
