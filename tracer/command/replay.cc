// SPDX-License-Identifier: MIT

#include "tracer/command/replay.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <span>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/command/event_order.h"
#include "tracer/command/event_summary.h"

namespace tarn {

namespace {

/// A call, with the place in a table where its block is noted.
struct Step {
    enum class Kind : std::uint8_t { allocate, release, resize };
    std::uint32_t slot;
    Kind kind;
    std::uint8_t alignment; // its logarithm; 0: the default
    std::uint16_t unused;
    std::uint64_t size;
};
static_assert(sizeof(Step) == 16);

/// What stands before the steps.
struct Preface {
    std::uint64_t slots;
    std::uint64_t most_bytes; // in use at once
};

/// Gives each block a slot, and slots of freed blocks again.
class Slots {
public:
    std::uint32_t take(std::uint64_t block)
    {
        if (free_.empty()) free_.push_back(count_++);
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[block] = slot;
        return slot;
    }
    std::uint32_t release(std::uint64_t block)
    {
        const std::uint32_t slot = slots_.extract(block).mapped();
        free_.push_back(slot);
        return slot;
    }
    std::uint32_t move(std::uint64_t from, std::uint64_t to)
    {
        const std::uint32_t slot = slots_.extract(from).mapped();
        slots_[to] = slot;
        return slot;
    }
    std::uint32_t count() const { return count_; }

private:
    std::unordered_map<std::uint64_t, std::uint32_t> slots_; // by block
    std::vector<std::uint32_t> free_;
    std::uint32_t count_ = 0;
};

Step step_of(const Event& event, Slots& slots)
{
    Step step{
        .slot = 0, .kind = Step::Kind::allocate, .alignment = 0, .unused = 0, .size = event.size};
    if (event.alignment != 0)
        step.alignment = static_cast<std::uint8_t>(std::countr_zero(event.alignment));
    if (event.kind == Event::Kind::freed) {
        step.kind = Step::Kind::release;
        step.slot = slots.release(event.block);
    } else if (event.kind == Event::Kind::resized) {
        step.kind = Step::Kind::resize;
        step.slot = slots.move(event.old_block, event.block);
    } else {
        step.slot = slots.take(event.block);
    }
    return step;
}

void write_all(int file, const void* data, std::size_t size)
{
    const auto* from = static_cast<const char*>(data);
    while (size != 0) {
        const ::ssize_t written = ::write(file, from, size);
        if (written <= 0) throw std::runtime_error("no memory for the calls to be replayed");
        from += written;
        size -= static_cast<std::size_t>(written);
    }
}

/// Bytes of a line in /proc/self/status: "VmHWM:     1234 kB".
std::uint64_t status_bytes(const std::string& name)
{
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::uint64_t kilobytes = 0;
        if (word == name && status >> kilobytes) return kilobytes * 1024;
    }
    return 0;
}

/// So that the memory of a block counts: a byte of each page.
void touch(void* block, std::uint64_t size)
{
    constexpr std::uint64_t kPage = 4096;
    auto* const bytes = static_cast<volatile char*>(block);
    for (std::uint64_t at = 0; at < size; at += kPage)
        bytes[at] = 1;
}

/// Or the kernel would kill us, or others. Errors: std::runtime_error.
void require_memory(const std::string& path, std::uint64_t bytes)
{
    const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (bytes > pages * page)
        throw std::runtime_error(path + ": had " + std::to_string(bytes) +
                                 " bytes in use at once, more than this machine has");
}

/// Returns how many calls failed.
std::uint64_t replay(std::span<const Step> steps, std::span<void*> blocks)
{
    std::uint64_t failures = 0;
    for (const Step& step : steps) {
        void*& block = blocks[step.slot];
        if (step.kind == Step::Kind::release) {
            std::free(block);
            block = nullptr;
            continue;
        }
        void* fresh = nullptr;
        if (step.kind == Step::Kind::resize)
            fresh = std::realloc(block, std::max(step.size, std::uint64_t{1}));
        else if (step.alignment == 0)
            fresh = std::malloc(step.size);
        else if (::posix_memalign(&fresh, std::size_t{1} << step.alignment, step.size) != 0)
            fresh = nullptr;
        if (fresh == nullptr) {
            ++failures;
            continue;
        }
        block = fresh;
        touch(block, step.size);
    }
    return failures;
}

/// Zeroed, and not from the malloc that is looked at.
template <class T> std::span<T> map_array(std::size_t count)
{
    const std::size_t bytes = std::max(count * sizeof(T), sizeof(T));
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for the table of blocks");
    return {static_cast<T*>(memory), count};
}

} // namespace

void start_replay(const std::string& path)
{
    const int steps = ::memfd_create("tarn-replay", 0);
    if (steps < 0) throw std::runtime_error("no memory for the calls to be replayed");
    {
        const MappedFile mapped(path);
        const EventFile file = parse_events(mapped.data(), path);
        EventOrder order(file);
        LiveBytes live;
        Slots slots;
        std::vector<Step> some;
        Preface preface{};
        write_all(steps, &preface, sizeof preface);
        const auto flush = [&] {
            write_all(steps, some.data(), some.size() * sizeof(Step));
            some.clear();
        };
        for (Event event; order.next(event);) {
            live.add(event);
            some.push_back(step_of(event, slots));
            if (some.size() == 4096) flush();
        }
        flush();
        preface = {.slots = slots.count(), .most_bytes = live.most_bytes()};
        if (::pwrite(steps, &preface, sizeof preface, 0) != sizeof preface)
            throw std::runtime_error("no memory for the calls to be replayed");
        write_event_gaps(file, order, std::cerr);
        require_memory(path, preface.most_bytes);
    }
    const std::string number = std::to_string(steps);
    ::execl("/proc/self/exe", "tarn", kReplayPrepared, number.c_str(), nullptr);
    throw std::runtime_error("/proc/self/exe cannot be run");
}

void run_replay(int descriptor, std::ostream& out)
{
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
        throw std::runtime_error(std::string(kReplayPrepared) + " is for tarn itself");
    const auto size = static_cast<std::size_t>(status.st_size);
    const auto* const memory = static_cast<const std::byte*>(
        ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0));
    if (memory == MAP_FAILED || size < sizeof(Preface))
        throw std::runtime_error("no memory for the calls to be replayed");
    const auto& preface = *reinterpret_cast<const Preface*>(memory);
    const std::span steps(reinterpret_cast<const Step*>(memory + sizeof preface),
                          (size - sizeof preface) / sizeof(Step));
    const std::span<void*> blocks = map_array<void*>(preface.slots);

    std::ofstream("/proc/self/clear_refs") << "5"; // the peak is that of now, see proc(5)
    const std::uint64_t before = status_bytes("VmRSS:");
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t failures = replay(steps, blocks);
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    const std::uint64_t peak = status_bytes("VmHWM:");
    out << std::fixed << std::setprecision(3) << steps.size() << " calls in " << time.count() / 1e9
        << " s, " << std::setprecision(1)
        << time.count() / static_cast<double>(std::max<std::size_t>(steps.size(), 1))
        << " ns each\n"
        << "most memory  " << (peak > before ? peak - before : 0) << " bytes for "
        << preface.most_bytes << " bytes in use\n";
    if (failures != 0) out << failures << " calls failed\n";
}

} // namespace tarn
