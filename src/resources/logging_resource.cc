// SPDX-License-Identifier: MIT
#include <ostream>
#include <utility>

#include <tarn/logging_resource.h>

namespace tarn {

std::ostream& operator<<(std::ostream& out, const LogRecord& record)
{
    static constexpr const char* kCalls[] = {"allocate ", "refuse ", "deallocate "};
    out << record.resource << ": " << kCalls[static_cast<std::size_t>(record.call)] << record.bytes
        << " bytes, alignment " << record.alignment;
    if (record.address != nullptr) out << ": " << record.address;
    return out;
}

LoggingResource::LoggingResource(Sink sink, std::pmr::memory_resource* upstream, const char* name)
    : WrapperResource(name, upstream), sink_(std::move(sink))
{}

LoggingResource::LoggingResource(std::ostream& out, std::pmr::memory_resource* upstream,
                                 const char* name)
    : LoggingResource([&out](const LogRecord& record) { out << record << '\n'; }, upstream, name)
{}

LoggingResource::~LoggingResource() = default;

void* LoggingResource::do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept
{
    void* const block = WrapperResource::do_try_allocate(bytes, alignment);
    const auto call = block != nullptr ? LogRecord::Call::allocate : LogRecord::Call::refuse;
    sink_({call, name(), block, bytes, alignment});
    return block;
}

void LoggingResource::do_deallocate(void* block, std::size_t bytes, std::size_t alignment)
{
    if (block == nullptr) return;
    sink_({LogRecord::Call::deallocate, name(), block, bytes, alignment});
    WrapperResource::do_deallocate(block, bytes, alignment);
}

} // namespace tarn
