// SPDX-License-Identifier: MIT
//
// What the functions of the C interface have in common: no exception leaves one.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <new>
#include <stdexcept>
#include <type_traits>

#include <tarn/resource.h>
#include <tarn/resources.h>

namespace tarn::detail {

/// By the call that this thread is in.
inline constinit thread_local bool was_misused = false;

/// What the call returns, or the error that its exception is.
template <class Call> int guarded(Call call) noexcept
{
    was_misused = false;
    try {
        const int error = call();
        return was_misused ? TARN_ERROR_MISUSE : error;
    } catch (const std::bad_alloc&) {
        return TARN_ERROR_NO_MEMORY;
    } catch (const std::invalid_argument&) {
        return TARN_ERROR_INVALID;
    } catch (...) { // a handler of C++ throws what it likes
        return TARN_ERROR_MISUSE;
    }
}

template <class... Pointers> bool has_null(Pointers... pointers)
{
    return ((pointers == nullptr) || ...);
}

/// Those of the caller, who may have been compiled with fewer, or none.
template <class Options> Options known(const Options* options)
{
    Options all{};
    if (options != nullptr) std::memcpy(&all, options, std::min(options->size, sizeof(Options)));
    return all;
}

template <class Value> void set(Value& option, std::type_identity_t<Value> value)
{
    if (value != 0) option = value;
}

/// Functions of the program as a resource.
class CallbackResource final : public Resource {
public:
    /// nullptr: none. Errors: std::invalid_argument, if there is one without the other.
    explicit CallbackResource(const tarn_upstream* functions);
    ~CallbackResource() override;

    /// What resources take for upstream: this, or nullptr for malloc.
    std::pmr::memory_resource* as_upstream() noexcept
    {
        return functions_.allocate != nullptr ? this : nullptr;
    }

protected:
    void* do_try_allocate(std::size_t bytes, std::size_t alignment) noexcept override;
    void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
    bool do_owns(const void* /*address*/) const noexcept override { return false; }
    ResourceStatistics do_statistics() const override { return {}; }

private:
    tarn_upstream functions_;
};

/// What the handles of C point to.
template <class Type> struct Handle {
    template <class Options>
    Handle(const Options& options, const tarn_upstream* functions)
        : upstream(functions), resource(options, upstream.as_upstream())
    {}

    CallbackResource upstream;
    Type resource;
};

template <class Handle, class Options>
int create(Handle** place, const Options& options, const tarn_upstream* upstream)
{
    if (place == nullptr) return TARN_ERROR_INVALID;
    *place = nullptr;
    return guarded([&] {
        *place = new Handle(options, upstream);
        return TARN_OK;
    });
}

template <class Handle> void destroy(Handle* handle)
{
    guarded([&] {
        delete handle;
        return TARN_OK;
    });
}

inline std::size_t alignment_or_default(std::size_t alignment)
{
    return alignment != 0 ? alignment : alignof(std::max_align_t);
}

template <class Handle>
int allocate(Handle* handle, std::size_t bytes, std::size_t alignment, void** block)
{
    alignment = alignment_or_default(alignment);
    if (has_null(handle, block) || !std::has_single_bit(alignment)) return TARN_ERROR_INVALID;
    return guarded([&] {
        *block = handle->resource.try_allocate(bytes, alignment);
        return *block != nullptr ? TARN_OK : TARN_ERROR_NO_MEMORY;
    });
}

template <class Handle>
int deallocate(Handle* handle, void* block, std::size_t bytes, std::size_t alignment)
{
    if (handle == nullptr) return TARN_ERROR_INVALID;
    if (block == nullptr) return TARN_OK;
    return guarded([&] {
        handle->resource.deallocate(block, bytes, alignment_or_default(alignment));
        return TARN_OK;
    });
}

/// What `call` does with the resource of the handle.
template <class Handle, class Call> int with(Handle* handle, Call call)
{
    if (handle == nullptr) return TARN_ERROR_INVALID;
    return guarded([&] {
        call(handle->resource);
        return TARN_OK;
    });
}

template <class Handle> int owns(const Handle* handle, const void* address)
{
    return handle != nullptr && handle->resource.owns(address) ? 1 : 0;
}

tarn_resource_statistics in_c(const ResourceStatistics& from);

template <class Handle> int statistics_of(const Handle* handle, tarn_resource_statistics* place)
{
    if (has_null(handle, place)) return TARN_ERROR_INVALID;
    return with(handle, [&](const auto& resource) { *place = in_c(resource.statistics()); });
}

} // namespace tarn::detail
