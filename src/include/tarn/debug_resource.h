// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <vector>

#include <tarn/api.h>
#include <tarn/call_stack.h>
#include <tarn/resource.h>

namespace tarn {

namespace detail {
class WatchedBlocks;
} // namespace detail

/// How long a DebugResource holds back what was freed, and what it reports.
struct DebugOptions {
    const char* name = "debug";
    /// Bytes of blocks given back that nobody gets again: as long as they lie there, a write into
    /// one is found, and a double free is known for one.
    std::size_t keep_freed = std::size_t{16} << 20;
    /// What is known of a block stays when its memory has gone back, some 150 bytes, until another
    /// block lies there: a double free is still told from an address that never was one.
    bool keep_records = true;
    std::size_t limit = SIZE_MAX; // bytes in use, at most
    /// What is in use at the end is reported as a leak.
    bool report_leaks = true;
    /// Calls that are kept of each allocation and each free, for reports; 0: none.
    std::size_t stack_depth = 8;

    /// For tests that are short: no address is ever used twice.
    static constexpr DebugOptions never_reuse() { return {.keep_freed = SIZE_MAX}; }
};

/// Finds what can be wrong with a block: leak, double free, use after free, a write behind it, a
/// wrong size or alignment, an address that is none or lies within one. Everything goes to the
/// handler of misuse, with the calls that allocated the block and gave it back. For a log of all
/// calls put a LoggingResource on top.
///
/// Cost: some 3 us for a call, which is what finding the calls takes, and 200 ns without them
/// (`stack_depth` 0); about 150 bytes for a block, and for each different stack. At its end it
/// gives everything back. Thread safety: any thread at any time.
class TARN_API DebugResource final : public Resource {
public:
    using Options = DebugOptions;

    struct Leak {
        const void* address;
        std::size_t bytes;
        std::size_t alignment;
        CallStack allocated; // by these calls
    };

    DebugResource() : DebugResource(Options{}) {}
    explicit DebugResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~DebugResource() override;

    /// What is in use, by address.
    std::vector<Leak> leaks() const;
    /// Looks at all blocks now, and reports what is damaged.
    void check() const;
    /// Gives all blocks back, in use or not. Reports as check().
    void release();

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* address) const noexcept override;
    std::pmr::memory_resource* do_upstream() const noexcept override { return upstream_; }
    ResourceStatistics do_statistics() const override;

private:
    std::pmr::memory_resource* upstream_;
    bool report_leaks_;
    std::unique_ptr<detail::WatchedBlocks> blocks_;
};

} // namespace tarn
