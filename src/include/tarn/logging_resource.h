// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory_resource>

#include <tarn/api.h>
#include <tarn/counting_resource.h>

namespace tarn {

/// One call of a resource.
struct LogRecord {
    enum class Call : std::uint8_t { allocate, refuse, deallocate };

    Call call;
    const char* resource; // its name
    const void* address;  // nullptr if refused
    std::size_t bytes;
    std::size_t alignment;
};

/// One line without its end, such as "requests: allocate 64 bytes, alignment 16: 0x55...".
TARN_API std::ostream& operator<<(std::ostream& out, const LogRecord& record);

/// Tells each call to a function. That may allocate, but not here, and must not throw. Thread
/// safety: as WrapperResource, as far as the function lets them.
class TARN_API LoggingResource final : public WrapperResource {
public:
    using Sink = std::function<void(const LogRecord&)>;

    explicit LoggingResource(Sink sink, std::pmr::memory_resource* upstream = nullptr,
                             const char* name = "logging");
    /// Writes lines to a stream that outlives it. One thread at a time.
    explicit LoggingResource(std::ostream& out, std::pmr::memory_resource* upstream = nullptr,
                             const char* name = "logging");
    ~LoggingResource() override;

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;

private:
    Sink sink_;
};

} // namespace tarn
