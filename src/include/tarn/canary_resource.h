// SPDX-License-Identifier: MIT
//
// Blocks between canaries.
//
//     [head: size, alignment, canary][bytes of the program][canary]

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/counting_resource.h>

namespace tarn {

/// Whether a CanaryResource fills blocks, too.
struct CanaryOptions {
    const char* name = "canary";
    /// New blocks are filled with 0xAB, and those given back with 0xCD: who reads them sees it.
    bool poison = true;

    /// Overflows and double frees only, without filling: for blocks of megabytes.
    static constexpr CanaryOptions overflows_only() { return {.poison = false}; }
};

/// Sees writes right in front of a block (underflow) and right behind it (overflow) when it is
/// given back, and a size or alignment that is not its own. For use after free and double frees see
/// DebugResource.
///
/// Cost: 40 bytes for a block, more for stricter alignments, and filling it. Thread safety: as
/// WrapperResource.
class TARN_API CanaryResource final : public WrapperResource {
public:
    using Options = CanaryOptions;

    CanaryResource() : CanaryResource(Options{}) {}
    explicit CanaryResource(const Options& options, std::pmr::memory_resource* upstream = nullptr);
    ~CanaryResource() override;

    /// Looks at a block now. Reports what it finds; returns whether that was nothing.
    bool check(const void* block) const;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;

private:
    struct Head;

    std::uint64_t canary_of(const void* address) const noexcept;

    bool poison_;
    std::uint64_t secret_; // so that nobody writes a canary by chance
};

} // namespace tarn
